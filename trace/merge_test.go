package trace

import (
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// Parts of one trace, however they overlap and in whatever order they come, are
// the trace.
func TestMergeOfParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := drawPolls(t)
		gap := &optestv1.Gap{Kind: optestv1.Gap_LOST, Events: 1}
		var parts []*Trace
		for from := 0; from == 0 || from < len(events); {
			to := min(len(events), from+rapid.IntRange(1, 20).Draw(t, "length"))
			overlap := rapid.IntRange(0, min(from, 5)).Draw(t, "overlap")
			parts = append(parts, &Trace{Header: header(), Events: events[from-overlap : to], Gaps: []*optestv1.Gap{gap}})
			from = to + 1
			if to < len(events) {
				from = to
			}
		}
		parts = rapid.Permutation(parts).Draw(t, "order")
		got, err := Merge(parts...)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != 1 || len(got[0].Gaps) != 1 {
			t.Fatalf("got %d traces, want one with one gap", len(got))
		}
		if d := differ(got[0].Events, events); d != "" {
			t.Fatal(d)
		}
	})
}

// Clocks of two observers are never compared, so their events stay apart.
func TestMergeKeepsObserversApart(t *testing.T) {
	trace := func(change func(*optestv1.TraceHeader)) *Trace {
		h := header()
		change(h)
		return &Trace{Header: h, Events: []*Event{{Number: 1, Called: time.Second, Returned: time.Second, Outcome: optestv1.Event_OK}}}
	}
	all := []*Trace{
		trace(func(*optestv1.TraceHeader) {}),
		trace(func(h *optestv1.TraceHeader) { h.Name = "another" }),
		trace(func(h *optestv1.TraceHeader) { h.Observer = optestv1.TraceHeader_SERVER }),
		trace(func(h *optestv1.TraceHeader) { h.Start = timestamppb.New(time.Unix(1, 0)) }),
		trace(func(h *optestv1.TraceHeader) { h.Start = nil }),
	}
	got, err := Merge(append(slices.Clone(all), all[0])...)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(all) {
		t.Fatalf("got %d traces, want %d", len(got), len(all))
	}
	for i, tr := range got {
		if !proto.Equal(tr.Header, all[i].Header) || len(tr.Events) != 1 {
			t.Errorf("trace %d is of %v with %d events, want %v with one", i, tr.Header, len(tr.Events), all[i].Header)
		}
	}
	if got, err := Merge(); err != nil || got != nil {
		t.Errorf("got %v, %v, want nothing of nothing", got, err)
	}
}

func TestMergeRefusesContradictions(t *testing.T) {
	one := func(note string) *Trace {
		return &Trace{Header: header(), Events: []*Event{{Number: 5, Outcome: optestv1.Event_OK, Note: note}}}
	}
	_, err := Merge(one("a"), one("b"))
	if want := `optest: the observer CLIENT "test" has two different events 5, want a name of its own for each observer`; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	other := one("a")
	other.Header.Seed = 9
	_, err = Merge(one("a"), other)
	if want := `optest: two traces of the observer CLIENT "test" differ in their headers, want parts of one trace`; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	other = one("a")
	other.Header.Tool = "optest v2" // wrote this part
	if got, err := Merge(one("a"), other); err != nil || len(got) != 1 {
		t.Errorf("got %v, %v, want parts of different writers joined", got, err)
	}
}
