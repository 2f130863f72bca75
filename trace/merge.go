package trace

import (
	"cmp"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// observer is whose clock a trace goes by.
type observer struct {
	kind  optestv1.TraceHeader_Observer
	name  string
	start string
}

func observerOf(h *optestv1.TraceHeader) observer {
	return observer{h.GetObserver(), h.GetName(), h.GetStart().String()}
}

func (o observer) String() string { return fmt.Sprintf("%s %q", o.kind, o.name) }

// Merge joins traces that are parts of what one observer saw, such as files that
// were rotated, and leaves apart those of different ones: two observers have two
// clocks, and nothing says which of two events on them was first. Parts may
// overlap. The result has one trace for each observer, in the order in which they
// come first.
func Merge(traces ...*Trace) ([]*Trace, error) {
	var merged []*Trace
	at := map[observer]int{}
	for _, t := range traces {
		who := observerOf(t.Header)
		i, ok := at[who]
		if !ok {
			at[who] = len(merged)
			merged = append(merged, &Trace{Header: t.Header, Events: slices.Clone(t.Events), Gaps: slices.Clone(t.Gaps)})
			continue
		}
		into := merged[i]
		if !sameRun(into.Header, t.Header) {
			return nil, fmt.Errorf("optest: two traces of the observer %v differ in their headers, want parts of one trace", who)
		}
		into.Events = append(into.Events, t.Events...)
		for _, g := range t.Gaps {
			if !slices.ContainsFunc(into.Gaps, func(known *optestv1.Gap) bool { return proto.Equal(known, g) }) {
				into.Gaps = append(into.Gaps, g)
			}
		}
	}
	for _, t := range merged {
		if err := t.order(); err != nil {
			return nil, err
		}
	}
	return merged, nil
}

// sameRun leaves out what wrote the parts.
func sameRun(a, b *optestv1.TraceHeader) bool {
	a, b = proto.CloneOf(a), proto.CloneOf(b)
	a.Version, b.Version, a.Tool, b.Tool = "", "", "", ""
	return proto.Equal(a, b)
}

// order sorts events by number and drops those that are there twice.
func (t *Trace) order() error {
	slices.SortStableFunc(t.Events, func(a, b *Event) int { return cmp.Compare(a.Number, b.Number) })
	for i := 1; i < len(t.Events); i++ {
		a, b := t.Events[i-1], t.Events[i]
		if a.Number == b.Number && !a.Equal(b) {
			return fmt.Errorf("optest: the observer %v has two different events %d, want a name of its own for each observer", observerOf(t.Header), a.Number)
		}
	}
	t.Events = slices.CompactFunc(t.Events, func(a, b *Event) bool { return a.Number == b.Number })
	return nil
}
