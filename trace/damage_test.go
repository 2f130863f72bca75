package trace

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Each line of the golden file, damaged in a way of its own, is refused at its
// place, and every event before it is read.
func TestDamage(t *testing.T) {
	data, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	want := earlyError().Events
	for _, tt := range []struct {
		name     string
		line     int
		old, new string
		events   int // that are read before it
		err      string
	}{
		{
			"newer format", 1, `"version":"1.0"`, `"version":"2.1"`, 0,
			`x.jsonl:1: has format version 2.1, want 1.x: read it with a newer optest`,
		},
		{
			"older format", 1, `"version":"1.0"`, `"version":"0.9"`, 0,
			`x.jsonl:1: has format version 0.9, want 1.x: read it with an older optest`,
		},
		{"no format", 1, `"version":"1.0",`, ``, 0, `x.jsonl:1: has format version "", want one such as "1.0"`},
		{"odd format", 1, `"version":"1.0"`, `"version":"one"`, 0, `x.jsonl:1: has format version "one", want one such as "1.0"`},
		{
			"unknown field of the header", 1, `"seed"`, `"seeed"`, 0,
			`x.jsonl:1: is no header of format 1.0: at column 244: unknown field "seeed"`,
		},
		{"no header", 1, `"header"`, `"gap"`, 0, `x.jsonl:1: is no header of a trace, want {"header":{…}} on the first line`},
		{"no JSON", 1, `{"header"`, `header`, 0, `x.jsonl:1: is no header of a trace: at column 1: invalid value header`},
		{"gap", 2, `17s`, `17`, 0, `x.jsonl:2: is no line of a trace: at column 33: invalid google.protobuf.Duration value "17"`},
		{
			"content of a blob", 3, `GgNiMW`, `GgNiMX`, 0,
			`x.jsonl:3: holds blob eed74ec227996782feb4ac54 with content whose id is 64ac8642fb9c741e152e1132: one of the two was changed`,
		},
		{
			"id of a blob", 4, `c37774327d82a7ab43796822`, `c37774327d82a7ab43796823`, 0,
			`x.jsonl:4: holds blob c37774327d82a7ab43796823 with content whose id is c37774327d82a7ab43796822: one of the two was changed`,
		},
		{
			"spelling of an id", 4, `c37774327d82a7ab43796822`, `C37774327d82a7ab43796822`, 0,
			`x.jsonl:4: holds a blob "C37774327d82a7ab43796822", want an id of 24 hexadecimal digits`,
		},
		{
			"length of a blob", 4, `"data"`, `"length":"5","data"`, 0,
			`x.jsonl:4: holds blob c37774327d82a7ab43796822 with a length that is not more than its bytes, want one only where bytes are missing`,
		},
		{
			"length beyond all", 4, `"data"`, `"length":"1099511627777","data"`, 0,
			`x.jsonl:4: holds blob c37774327d82a7ab43796822 of 1099511627777 bytes before it was cut, want at most 1099511627776`,
		},
		{
			"reference", 5, `"request":"eed74ec2`, `"request":"eed74ec3`, 0,
			`x.jsonl:5: event 1 refers to blob eed74ec327996782feb4ac54, which no line before it holds or which is too far back, want the blob's line first`,
		},
		{"no outcome", 5, `"outcome":"OK",`, ``, 0, `x.jsonl:5: event 1 has no outcome, want OK, FAILED or INDETERMINATE`},
		{"unknown field", 5, `"outcome"`, `"outcom"`, 0, `x.jsonl:5: is no line of a trace: at column 749: unknown field "outcom"`},
		{
			"unknown enum value", 5, `"protocol":"GRPC"`, `"protocol":"SOAP"`, 0,
			`x.jsonl:5: is no line of a trace: at column 154: invalid value for enum field protocol: "SOAP"`,
		},
		{"field twice", 5, `"outcome":"OK"`, `"outcome":"OK","outcome":"OK"`, 0, `x.jsonl:5: is no line of a trace: at column 764: duplicate field "outcome"`},
		{"bytes that are no text", 5, `r-01`, "r-\xff1", 0, "x.jsonl:5: is no line of a trace: at column 642: invalid UTF-8 in string"},
		{"blob line gone", 6, `{"blob"`, `{"x":`, 1, `x.jsonl:6: is no line of a trace: at column 2: unknown field "x"`},
		{"run", 7, `"count":1`, `"count":2`, 1, `x.jsonl:7: event 2 repeats a field with 1 values, want 2`},
		{
			"order of times", 8, `"called":"5.100s"`, `"called":"5.200s"`, 3,
			`x.jsonl:8: event 3 returned at 5.1015s, before its call at 5.2s`,
		},
		{"second header", 9, `{"event"`, `{"header":{"version":"1.0"}}` + "\n" + `{"event"`, 6, `x.jsonl:9: holds a second header, want one trace in a file: read the files one by one`},
		{"empty object", 9, `{"event"`, "{}\n" + `{"event"`, 6, `x.jsonl:9: is no line of a trace, want a blob, an event or a gap`},
		{"no number", 11, `"number":"8",`, ``, 7, `x.jsonl:11: an event has no number, want one from 1 on`},
		{"text of a blob", 12, `fv4`, `fv5`, 8, `x.jsonl:12: holds blob 54f5c04eb0104b695e36dd20 with content whose id is 74684747f7ec446aee6936a7: one of the two was changed`},
		{"text after the line", 13, `}}`, `}} x`, 8, `x.jsonl:13: is no line of a trace: at column 545: invalid value x`},
		{"blob after its event", 14, `{"blob"`, "\n\n" + `{"event":{"number":"10","response":"04669e9b1592a0dd7c7b7da7"}}` + "\n" + `{"blob"`, 9, `x.jsonl:16: event 10 has no time of call or return, want both`},
		{"negative offset", 15, `"called":"22s"`, `"called":"-22s"`, 9, `x.jsonl:15: event 10 was called at -22s, want an offset from the start`},
		{"line that is cut", 16, `"}}`, `"`, 10, `x.jsonl:16: is no line of a trace: unexpected EOF`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			lines := strings.SplitAfter(string(data), "\n")
			changed := strings.Replace(lines[tt.line-1], tt.old, tt.new, 1)
			if changed == lines[tt.line-1] {
				t.Fatalf("line %d has no %s", tt.line, tt.old)
			}
			lines[tt.line-1] = changed
			got, err := Read(strings.NewReader(strings.Join(lines, "")), "x.jsonl")
			if err == nil || err.Error() != tt.err {
				t.Fatalf("\ngot  %v\nwant %s", err, tt.err)
			}
			var events []*Event
			if got != nil {
				events = got.Events
			}
			if len(events) != tt.events {
				t.Errorf("got %d events before it, want %d", len(events), tt.events)
			}
			for _, e := range events {
				if !slices.ContainsFunc(want, e.Equal) {
					t.Errorf("got %v, which was never written", e)
				}
			}
		})
	}
}

// What a newer minor version adds is left out; an outcome that it adds says
// nothing.
func TestNewerMinorVersion(t *testing.T) {
	file := `{"header":{"version":"1.7","colour":"red","observer":"SATELLITE"}}
{"weather":{"rain":true}}
{"event":{"number":"1","called":"1s","returned":"2s","outcome":"OK","temperature":3,"caller":{"reader":"a","mood":"good"}}}
{"event":{"number":"2","called":"1s","returned":"2s","outcome":"LIKELY","frames":{"messages":1,"trailers":"UPWARDS"}}}
`
	got, err := Read(strings.NewReader(file), "x.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Events) != 2 || got.Events[0].Reader() != "a" || got.Events[1].Frames.Messages != 1 {
		t.Fatalf("got %v", got.Events)
	}
	if outcome := got.Events[1].Outcome.String(); outcome != "INDETERMINATE" {
		t.Errorf("got %s, want INDETERMINATE for an outcome that is not known", outcome)
	}
	_, err = Read(strings.NewReader(strings.Replace(file, "1.7", "1.0", 1)), "x.jsonl")
	if want := `x.jsonl:1: is no header of format 1.0: at column 28: unknown field "colour"`; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// Files that people edit may have blank lines, spaces, ends of lines of other
// systems, and names of fields as in the schema.
func TestOtherSpellings(t *testing.T) {
	data, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for name, file := range map[string]string{
		"carriage returns": strings.ReplaceAll(text, "\n", "\r\n"),
		"blank lines":      strings.ReplaceAll(text, "\n", "\n\n"),
		"no last newline":  strings.TrimSuffix(text, "\n"),
		"spaces":           strings.ReplaceAll(text, `","`, `" , "`),
		"field names":      strings.ReplaceAll(text, `"httpStatus"`, `"http_status"`),
		"numbers":          strings.ReplaceAll(text, `"number":"2"`, `"number":2`),
		"escapes":          strings.ReplaceAll(text, `"OK"`, `"\u004fK"`),
	} {
		got, err := Read(strings.NewReader(file), "x.jsonl")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if d := differ(got.Events, earlyError().Events); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestFilesThatAreNone(t *testing.T) {
	dir := t.TempDir()
	write := func(name, data string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, tt := range []struct{ name, data, want string }{
		{"empty", "", "is empty, want a trace, whose first line is its header"},
		{"text", "hello\nworld\n", "is no header of a trace: at column 1: invalid value hello"},
		{"no gzip", "\x1f\x8bxx", "is damaged: unexpected EOF"},
		{"long line", strings.Repeat("x", maxLine+2) + "\n", "is longer than 16 MiB, want at most that"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Load(write(tt.name, tt.data), nil)
			if err == nil || !strings.HasSuffix(err.Error(), ": "+tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
	for _, read := range []func(string) error{
		func(path string) error { _, err := Load(path, nil); return err },
		func(path string) error { _, err := Open(path); return err },
	} {
		err := read(filepath.Join(dir, "none"))
		var failed *Error
		if !errors.Is(err, fs.ErrNotExist) || !errors.As(err, &failed) || failed.Message != "can't be read: no such file or directory" {
			t.Errorf("got %v, want that there is none", err)
		}
	}
}

// A checksum that does not hold is said after every event is read.
func TestDamagedCompression(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.jsonl.gz")
	if err := earlyError().WriteFile(path); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)-5] ^= 1
	got, err := Read(bytes.NewReader(data), "a.jsonl.gz")
	if want := "a.jsonl.gz:17: is damaged: gzip: invalid checksum"; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if d := differ(got.Events, earlyError().Events); d != "" {
		t.Error(d)
	}
}

// A trace that is too long for memory says how to read it.
func TestMoreEventsThanMemory(t *testing.T) {
	data, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewReader(bytes.NewReader(data), "x.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.all(4)
	if want := "x.jsonl:9: is beyond the 4 events that memory may take: read the file event by event"; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if len(got.Events) != 4 {
		t.Errorf("got %d events, want 4", len(got.Events))
	}
}
