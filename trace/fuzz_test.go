package trace

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// FuzzReader: whatever comes in, an error has its place, and what is read can be
// written and is read again as the same.
func FuzzReader(f *testing.F) {
	data, err := os.ReadFile(golden)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	lines := bytes.SplitAfter(data, []byte("\n"))
	for _, line := range lines[1:] {
		f.Add(append(bytes.Clone(lines[0]), line...))
	}
	f.Add([]byte(`{"header":{"version":"1.9"}}` + "\n" + `{"event":{"called":"1s","returned":"2s","number":"1"}}`))
	f.Add([]byte("\x1f\x8b"))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := Read(bytes.NewReader(data), "x")
		if err != nil {
			var failed *Error
			if !errors.As(err, &failed) || failed.Message == "" || !strings.HasPrefix(err.Error(), "x:") {
				t.Fatalf("got %v, want an Error", err)
			}
		}
		if got == nil {
			return
		}
		for _, e := range got.Events {
			if e.Number == 0 || e.Called < 0 || e.Returned < e.Called || e.Outcome == 0 {
				t.Fatalf("got %+v", *e)
			}
			_ = e.String()
		}
		if got.order() != nil {
			return // numbers that come twice are not told apart by a writer
		}
		var out bytes.Buffer
		if err := got.Write(&out); err != nil {
			t.Fatal(err)
		}
		again, err := Read(&out, "again")
		if err != nil {
			t.Fatal(err)
		}
		if d := differ(again.Events, got.Events); d != "" {
			t.Fatal(d)
		}
	})
}

// FuzzLine: what is read by hand is what package protojson reads.
func FuzzLine(f *testing.F) {
	data, err := os.ReadFile(golden)
	if err != nil {
		f.Fatal(err)
	}
	for line := range bytes.Lines(data) {
		f.Add(bytes.TrimSpace(line))
	}
	f.Add([]byte(`{"event":{"number":"1","called":"1.5s","returned":"2s","outcome":"OK","note":"a\"b\\\n"}}`))
	events := earlyError().Events
	find := blobsOf(events...)
	f.Fuzz(func(t *testing.T, line []byte) {
		d := newLineDecoder()
		for _, e := range events {
			for _, b := range []*Blob{e.Request, e.Response} {
				if b != nil {
					d.blobs.put(b.ID(), b, 1)
				}
			}
		}
		got := d.run(line)
		if got == nil {
			return
		}
		var m optestv1.TraceLine
		if err := protojson.Unmarshal(line, &m); err != nil {
			t.Fatalf("read by hand, but: %v\n%s", err, line)
		}
		want, err := eventOf(m.GetEvent(), find)
		if err != nil {
			t.Fatalf("read by hand, but: %v\n%s", err, line)
		}
		if diff := differ([]*Event{got.First}, []*Event{want}); diff != "" {
			t.Fatalf("%s\n%s", diff, line)
		}
		if !proto.Equal(got.repeat, m.GetEvent().GetRepeat()) {
			t.Fatalf("got repeat %v, want %v", got.repeat, m.GetEvent().GetRepeat())
		}
	})
}

// FuzzBinaryLog: whatever comes in, what is read is a trace that can be written.
func FuzzBinaryLog(f *testing.F) {
	f.Add(logOf(call(1, "/s/Get", 0)...))
	f.Add(logOf(append(call(1, "/s/Get", 0), call(2, "/s/Get", 14)...)...))
	f.Add([]byte{0, 0, 0, 5, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		traces, err := ReadBinaryLog(bytes.NewReader(data), "x", nil)
		if err != nil {
			var failed *Error
			if !errors.As(err, &failed) || failed.Message == "" {
				t.Fatalf("got %v, want an Error", err)
			}
		}
		for _, got := range traces {
			var out bytes.Buffer
			if err := got.Write(&out); err != nil {
				t.Fatal(err)
			}
			again, err := Read(&out, "again")
			if err != nil {
				t.Fatal(err)
			}
			if len(again.Events) != len(got.Events) {
				t.Fatalf("got %d events, want %d", len(again.Events), len(got.Events))
			}
		}
	})
}
