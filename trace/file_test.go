package trace

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"pgregory.net/rapid"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

func TestFileRoundTrip(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		want := &Trace{Header: header()}
		want.Events = rapid.OneOf(rapid.Custom(drawPolls), rapid.Custom(func(t *rapid.T) []*Event {
			var events []*Event
			for i := range rapid.IntRange(0, 8).Draw(t, "events") {
				e := drawEvent(t)
				e.Number = uint64(i + 1)
				events = append(events, e)
			}
			return events
		})).Draw(t, "events")
		if rapid.Bool().Draw(t, "has gap") {
			want.Gaps = []*optestv1.Gap{{Kind: optestv1.Gap_LOST, Events: 3, Reason: "evicted", From: durationpb.New(1)}}
		}
		path := filepath.Join(dir, rapid.SampledFrom([]string{"a.jsonl", "a.jsonl.gz"}).Draw(t, "name"))
		if err := want.WriteFile(path); err != nil {
			t.Fatal(err)
		}
		got, err := Load(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if d := differ(got[0].Events, want.Events); d != "" {
			t.Fatal(d)
		}
		if len(got[0].Gaps) != len(want.Gaps) {
			t.Fatalf("got %d gaps, want %d", len(got[0].Gaps), len(want.Gaps))
		}
	})
}

func TestNameDecidesOnCompression(t *testing.T) {
	dir := t.TempDir()
	for name, want := range map[string]string{"a.jsonl": "{", "a.jsonl.gz": "\x1f"} {
		path := filepath.Join(dir, name)
		if err := earlyError().WriteFile(path); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(data[:1]); got != want {
			t.Errorf("%s begins with %q, want %q", name, got, want)
		}
	}
}

func TestConcurrentWrites(t *testing.T) {
	const writers, each = 8, 2000
	var out bytes.Buffer
	w, err := NewWriter(&out, header())
	if err != nil {
		t.Fatal(err)
	}
	store := NewStore(0)
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			caller := &Caller{Reader: string(rune('a' + i))}
			for k := range each {
				at := time.Duration(k) * time.Millisecond
				e := &Event{Called: at, Returned: at, Caller: caller, Outcome: optestv1.Event_OK, Response: store.Blob([]byte{byte(k / 500)})}
				if err := w.Write(e); err != nil {
					t.Error(err)
				}
				if k%100 == 0 {
					if err := w.Flush(); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	all.Wait()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := Read(&out, "x")
	if err != nil {
		t.Fatal(err)
	}
	perReader := map[string]int{}
	for i, e := range got.Events {
		if e.Number != uint64(i+1) {
			t.Fatalf("event %d has number %d", i, e.Number)
		}
		perReader[e.Reader()]++
	}
	for reader, n := range perReader {
		if n != each {
			t.Errorf("reader %s has %d events, want %d", reader, n, each)
		}
	}
	if len(perReader) != writers {
		t.Errorf("got %d readers, want %d", len(perReader), writers)
	}
	if stats := store.Stats(); stats.Blobs != 4 || stats.Shared != writers*each-4 {
		t.Errorf("got %+v, want 4 blobs, shared by all", stats)
	}
}

func TestWriterReportsWhatFails(t *testing.T) {
	full := errors.New("disk full")
	w, err := NewWriter(failingAfter{200, full}, nil)
	if err != nil {
		t.Fatal(err)
	}
	good := &Event{Outcome: optestv1.Event_OK, Response: NewBlob(make([]byte, 100_000))}
	if err := w.Write(&Event{}); err == nil || err.Error() != "optest: event 1 has no outcome, want OK, FAILED or INDETERMINATE" {
		t.Errorf("got %v, want the event refused", err)
	}
	if err := w.Write(good); err != nil {
		t.Errorf("got %v, want a good event taken after a bad one", err)
	}
	if good.Number != 0 {
		t.Errorf("the event got number %d, want it unchanged", good.Number)
	}
	for _, call := range []func() error{w.Flush, func() error { return w.Write(good) }, w.Close, w.Close, w.Flush} {
		if err := call(); !errors.Is(err, full) {
			t.Errorf("got %v, want %v from every call", err, full)
		}
	}
	w, err = NewWriter(io.Discard, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Close(), w.Close(), w.Flush()); err != nil {
		t.Error(err)
	}
	for _, err := range []error{w.Write(good), w.Gap(&optestv1.Gap{})} {
		if err == nil || err.Error() != "optest: writing to a trace that is closed, want no more events" {
			t.Errorf("got %v, want that it is closed", err)
		}
	}
	if _, err := Create(filepath.Join(t.TempDir(), "no", "such"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want %v", err, fs.ErrNotExist)
	}
}

type failingAfter struct {
	bytes int
	err   error
}

func (f failingAfter) Write(p []byte) (int, error) {
	if len(p) > f.bytes {
		return 0, f.err
	}
	return len(p), nil
}

// An event that no line can hold becomes a gap, not a file that can't be read.
func TestEventThatIsTooLong(t *testing.T) {
	var out bytes.Buffer
	w, err := NewWriter(&out, header())
	if err != nil {
		t.Fatal(err)
	}
	for _, note := range []string{"before", strings.Repeat("x", maxLine), "after"} {
		if err := w.Write(&Event{Outcome: optestv1.Event_OK, Note: note}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := Read(&out, "x")
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Events) != 2 || len(got.Gaps) != 1 || got.Gaps[0].GetReason() != "event 2 takes more than the 16 MiB of a line" {
		t.Errorf("got %d events and the gaps %v", len(got.Events), got.Gaps)
	}
}

func TestLargeBlobs(t *testing.T) {
	for name, data := range map[string][]byte{
		"bytes": bytes.Repeat([]byte{0xFF}, MaxBlob+1), "text": bytes.Repeat([]byte(`"`), 1<<20),
	} {
		b := NewBlob(data)
		if b.Cut() != (len(data) > MaxBlob) || b.Length() != len(data) || len(b.Bytes()) != min(len(data), MaxBlob) {
			t.Errorf("%s: got %d of %d bytes", name, len(b.Bytes()), b.Length())
		}
		want := &Trace{Header: header(), Events: []*Event{{Number: 1, Outcome: optestv1.Event_OK, Response: b}}}
		var out bytes.Buffer
		if err := want.Write(&out); err != nil {
			t.Fatal(err)
		}
		got, err := Read(&out, "x")
		if err != nil {
			t.Fatal(err)
		}
		if d := differ(got.Events, want.Events); d != "" {
			t.Errorf("%s is not read as it was written", name)
		}
	}
}

func TestFlushShowsEveryEvent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.jsonl.gz")
	w, err := Create(path, header())
	if err != nil {
		t.Fatal(err)
	}
	events := dayOfPolls(10)
	for i, e := range events {
		if err := w.Write(e); err != nil {
			t.Fatal(err)
		}
		if i == 6 {
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	got, err := Load(path, nil) // of a process that is still writing, or was killed
	if !errors.Is(err, ErrTruncated) {
		t.Errorf("got %v, want %v", err, ErrTruncated)
	}
	if d := differ(got[0].Events, events[:7]); d != "" {
		t.Error(d)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, err = Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if d := differ(got[0].Events, events); d != "" {
		t.Error(d)
	}
}

// Wherever a file is cut off, what is before is read and the cut is said.
func TestTruncatedAnywhere(t *testing.T) {
	whole, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(whole); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	want := earlyError().Events
	for name, file := range map[string][]byte{"plain": whole, "packed": packed.Bytes()} {
		for cut := range len(file) {
			if nearLine := name == "plain" && bytes.ContainsRune(file[max(0, cut-2):cut+1], '\n'); cut%23 != 0 && !nearLine {
				continue
			}
			got, err := Read(bytes.NewReader(file[:cut]), "x")
			if got == nil {
				got = &Trace{}
			}
			for i, e := range got.Events {
				if !slices.ContainsFunc(want, e.Equal) {
					t.Fatalf("%s, cut at %d: event %d was never written", name, cut, i)
				}
			}
			if cut < 10 { // what there is says not even that it is a trace
				continue
			}
			if between := name == "plain" && (file[cut-1] == '\n' || file[cut] == '\n'); between {
				if err != nil {
					t.Fatalf("%s, cut at %d: got %v, want the lines before", name, cut, err)
				}
				continue
			}
			var failed *Error
			if !errors.Is(err, ErrTruncated) || !errors.As(err, &failed) {
				t.Fatalf("%s, cut at %d: got %v, want %v", name, cut, err, ErrTruncated)
			}
			if line := bytes.Count(file[:cut], []byte("\n")) + 1; name == "plain" && failed.Line != line {
				t.Fatalf("%s, cut at %d: got %v, want line %d", name, cut, err, line)
			}
		}
	}
}
