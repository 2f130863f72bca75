package conformance

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/optest-dev/optest/trace"
)

// Events that are out of order by less than the bound come in order, and none is
// lost or told twice.
func TestSorter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 400).Draw(t, "events")
		block := rapid.IntRange(1, 60).Draw(t, "block")
		events := make([]*trace.Event, n)
		for i := range events {
			events[i] = &trace.Event{Number: uint64(i), Returned: time.Duration(i / 3)}
		}
		for part := range slices.Chunk(events, block) {
			copy(part, rapid.Permutation(slices.Clone(part)).Draw(t, "part"))
		}
		var s sorter
		var got []*trace.Event
		hand := func(e *trace.Event) { got = append(got, e) }
		for _, e := range events {
			s.add(e, hand)
		}
		s.rest(hand)
		if s.late || len(got) != n || !slices.IsSortedFunc(got, func(a, b *trace.Event) int { return int(a.Returned - b.Returned) }) {
			t.Fatalf("got %d of %d events, late %v", len(got), n, s.late)
		}
	})
}

func TestSorterIsBounded(t *testing.T) {
	var s sorter
	last, handed := time.Duration(-1), 0
	hand := func(e *trace.Event) {
		if e.Returned < last {
			t.Fatalf("got %v after %v", e.Returned, last)
		}
		last = e.Returned
		handed++
	}
	const n = 10 * maxLate
	for i := range n {
		s.add(&trace.Event{Returned: time.Duration(i ^ 1)}, hand) // pairs are the wrong way round
		if len(s.waiting) > 2*maxLate+2 {
			t.Fatalf("%d events wait", len(s.waiting))
		}
	}
	if s.late || handed != n-maxLate {
		t.Errorf("handed on %d of %d, late %v", handed, n, s.late)
	}
	if s.add(&trace.Event{Returned: 5}, hand); !s.late {
		t.Error("an event that comes after others which returned later is not noticed")
	}
}
