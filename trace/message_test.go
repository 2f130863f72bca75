package trace

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"
	"pgregory.net/rapid"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

func TestEventToMessageAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := drawEvent(t)
		got, err := EventOf(e.Proto(), blobsOf(e))
		if err != nil {
			t.Fatal(err)
		}
		if d := differ([]*Event{got}, []*Event{e}); d != "" {
			t.Fatal(d)
		}
	})
}

// What is written by hand is what package protojson writes, and what it reads.
func TestJSONIsThatOfTheMessage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := drawEvent(t)
		line := appendRun(nil, &Run{First: e})
		var m optestv1.TraceLine
		if err := protojson.Unmarshal(line, &m); err != nil {
			t.Fatalf("%v\n%s", err, line)
		}
		if d := cmp.Diff(e.Proto(), m.GetEvent(), protocmp.Transform()); d != "" {
			t.Fatalf("%s\n%s", d, line)
		}
		want, err := compactJSON(&optestv1.TraceLine{Line: &optestv1.TraceLine_Event{Event: e.Proto()}})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimSuffix(string(line), "\n"); got != string(want) {
			t.Fatalf("\ngot  %s\nwant %s", got, want)
		}
	})
}

// Usual calls are all read by hand.
func TestUsualCallsAreReadByHand(t *testing.T) {
	events := append(earlyError().Events, dayOfPolls(100)...)
	d := newLineDecoder()
	for i, e := range events {
		for _, b := range []*Blob{e.Request, e.Response} {
			if b != nil {
				d.blobs.put(b.ID(), b, 1)
			}
		}
		line := appendRun(nil, newRun([]*Event{e}))
		if r := d.run(line[:len(line)-1]); r == nil || !r.First.Equal(e) {
			t.Errorf("event %d is not read by hand:\n%s", i, line)
		}
	}
}

// The reader by hand and package protojson understand a line alike.
func TestReadingByHand(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := drawEvent(t)
		line := appendRun(nil, &Run{First: e})
		d := newLineDecoder()
		for _, b := range append(bodies, e.Request, e.Response) {
			if b != nil {
				d.blobs.put(b.ID(), b, 1)
			}
		}
		line = line[:len(line)-1]
		for range 2 { // the second time from what the first has left
			if r := d.run(line); r != nil {
				if diff := differ([]*Event{r.First}, []*Event{e}); diff != "" {
					t.Fatalf("%s\n%s", diff, line)
				}
			}
			r, _, err := d.line(line)
			if err != nil {
				t.Fatalf("%v\n%s", err, line)
			}
			if diff := differ([]*Event{r.First}, []*Event{e}); diff != "" {
				t.Fatalf("%s\n%s", diff, line)
			}
		}
	})
}

func TestBrokenText(t *testing.T) {
	e := &Event{Number: 1, Method: "a\xff\xfeb", Note: "\xc3", Outcome: optestv1.Event_OK, RequestHeader: Fields{{"x\x80", "\x80"}}}
	line := appendRun(nil, &Run{First: e})
	var m optestv1.TraceLine
	if err := protojson.Unmarshal(line, &m); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(e.Proto(), m.GetEvent(), protocmp.Transform()); d != "" {
		t.Error(d)
	}
	if got := m.GetEvent().GetMethod(); got != "a\uFFFDb" {
		t.Errorf("got %q, want the bytes that are no text replaced", got)
	}
	if got := m.GetEvent().GetRequestHeader()[0].GetRaw(); string(got) != "\x80" {
		t.Errorf("got %q, want the header's bytes kept", got)
	}
}

func TestEventThatMakesNoSense(t *testing.T) {
	whole := func() *optestv1.Event {
		return (&Event{Number: 7, Called: time.Second, Returned: 2 * time.Second, Outcome: optestv1.Event_OK}).Proto()
	}
	for _, tt := range []struct {
		name   string
		change func(*optestv1.Event)
		want   string
	}{
		{"number", func(e *optestv1.Event) { e.Number = 0 }, "an event has no number, want one from 1 on"},
		{"order", func(e *optestv1.Event) { e.Called = durationpb.New(time.Minute) }, "event 7 returned at 2s, before its call at 1m0s"},
		{"early", func(e *optestv1.Event) { e.Called = durationpb.New(-1) }, "event 7 was called at -1ns, want an offset from the start"},
		{"no time", func(e *optestv1.Event) { e.Returned = nil }, "event 7 has no time of call or return, want both"},
		{"outcome", func(e *optestv1.Event) { e.Outcome = 0 }, "event 7 has no outcome, want OK, FAILED or INDETERMINATE"},
		{
			"centuries", func(e *optestv1.Event) { e.Returned = &durationpb.Duration{Seconds: 1e10} },
			"event 7 has returned at 10000000000 seconds and 0 nanoseconds, want at most 292 years",
		},
		{
			"nanoseconds", func(e *optestv1.Event) { e.Returned = &durationpb.Duration{Seconds: 1, Nanos: -1} },
			"event 7 has returned at 1 seconds and -1 nanoseconds, want at most 292 years",
		},
		{"reference", func(e *optestv1.Event) { e.Request = "abc" }, `event 7 refers to a blob "abc", want 24 hexadecimal digits`},
		{
			"blob", func(e *optestv1.Event) { e.Response = NewBlob(nil).ID().String() },
			"event 7 refers to blob e3b0c44298fc1c149afbf4c8, which no line before it holds or which is too far back, want the blob's line first",
		},
		{"run", func(e *optestv1.Event) { e.Repeat = &optestv1.Event_Repeat{Count: 1} }, "event 7 stands for several, want one at a time"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := whole()
			tt.change(m)
			if _, err := EventOf(m, func(ID) *Blob { return nil }); err == nil || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
	if _, err := EventOf(whole(), nil); err != nil {
		t.Error(err)
	}
}
