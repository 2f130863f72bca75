package observer

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/optest-dev/optest/conformance"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

func header() *optestv1.TraceHeader {
	return &optestv1.TraceHeader{Observer: optestv1.TraceHeader_CLIENT, Name: "x", Sees: []optestv1.TraceHeader_Sight{optestv1.TraceHeader_CONTENT}}
}

// done is an answer that breaks OP-08.
func done() *trace.Event {
	return &trace.Event{
		Method: "yandex.cloud.operation.OperationService/Get", Outcome: optestv1.Event_OK, RequestCodec: optestv1.Event_PROTO, ResponseCodec: optestv1.Event_PROTO,
		Request: trace.NewBlob([]byte("\n\x01a")), Response: trace.NewBlob([]byte("\n\x01a0\x01")),
	}
}

func TestTheLatestAreKept(t *testing.T) {
	for n := range 9 {
		o, err := New(header(), Config{Keep: 3})
		if err != nil {
			t.Fatal(err)
		}
		for range n {
			o.Recorder.End(done())
		}
		seen := o.Seen()
		if want := min(n, 3); len(seen.Events) != want {
			t.Fatalf("of %d events %d are kept, want %d", n, len(seen.Events), want)
		}
		for i, e := range seen.Events {
			if want := uint64(max(0, n-3) + i + 1); e.Number != want {
				t.Errorf("of %d events, place %d has number %d, want %d", n, i, e.Number, want)
			}
		}
		lost := uint64(0)
		for _, g := range seen.Gaps {
			lost += g.GetEvents()
		}
		if lost != uint64(max(0, n-3)) {
			t.Errorf("of %d events, %d are said to be lost", n, lost)
		}
	}
}

func TestReport(t *testing.T) {
	var out bytes.Buffer
	var told []string
	o, err := New(header(), Config{Trace: &out, Found: func(f conformance.Found) { told = append(told, f.ID) }})
	if err != nil {
		t.Fatal(err)
	}
	o.Recorder.End(done())
	o.Flush()
	if n := strings.Count(out.String(), "\n"); n != 4 { // header, two blobs, event
		t.Errorf("the trace has %d lines after Flush: %s", n, out.String())
	}
	r, err := o.Report()
	if err != nil || r.Rule("OP-08").Verdict != conformance.Failed || len(told) == 0 {
		t.Errorf("got %v: %v, told of %v", r, err, told)
	}
	size := out.Len()
	o.Recorder.End(done())
	if again, err := o.Report(); again != r || err != nil || out.Len() != size || len(o.Seen().Events) != 0 {
		t.Error("the observer goes on after its report")
	}
	read, err := trace.Read(&out, "x")
	if err != nil || read.Header.GetProfile() != "eventual (5s)" || time.Since(read.Header.GetStart().AsTime()) > time.Hour {
		t.Errorf("got %v: %v", read.Header, err)
	}
}

type full struct{ room int }

var errFull = errors.New("disk full")

func (f *full) Write(p []byte) (int, error) {
	if f.room -= len(p); f.room < 0 {
		return 0, errFull
	}
	return len(p), nil
}

// A trace that can't be written fails the report, once, and nothing else.
func TestTraceThatFails(t *testing.T) {
	o, err := New(header(), Config{Trace: &full{room: 300}})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		o.Recorder.End(done())
		o.Flush()
	}
	r, err := o.Report()
	if !errors.Is(err, errFull) || strings.Count(err.Error(), "disk full") != 1 || r.Rule("OP-08").Verdict != conformance.Failed {
		t.Errorf("got %v: %v", r, err)
	}
}
