package conformance

import (
	"cmp"
	"slices"
	"time"

	"github.com/optest-dev/optest/trace"
)

// maxLate bounds the events that wait for others which have returned before them.
// In a trace, events are in the order in which they were written, which is almost
// the one of their returns.
const maxLate = 1 << 14

// sorter brings events in the order of their returns.
type sorter struct {
	waiting []*trace.Event // sorted, from next on
	next    int
	passed  time.Duration // return of the last that was handed on
	late    bool          // one has come too late
}

// add takes an event in and hands on those that have waited long enough.
func (s *sorter) add(e *trace.Event, hand func(*trace.Event)) {
	if e.Returned < s.passed {
		s.late = true
		return
	}
	if n := len(s.waiting); n == s.next || s.waiting[n-1].Returned <= e.Returned {
		s.waiting = append(s.waiting, e)
	} else {
		at, _ := slices.BinarySearchFunc(s.waiting[s.next:], e, func(a, b *trace.Event) int {
			return cmp.Or(cmp.Compare(a.Returned, b.Returned), -1) // behind those that returned at the same time
		})
		s.waiting = slices.Insert(s.waiting, s.next+at, e)
	}
	if len(s.waiting)-s.next > maxLate {
		s.pass(hand)
	}
	if s.next > maxLate {
		clear(s.waiting[copy(s.waiting, s.waiting[s.next:]):])
		s.waiting = s.waiting[:len(s.waiting)-s.next]
		s.next = 0
	}
}

func (s *sorter) pass(hand func(*trace.Event)) {
	e := s.waiting[s.next]
	s.waiting[s.next] = nil
	s.next++
	s.passed = e.Returned
	hand(e)
}

// rest hands on all that wait.
func (s *sorter) rest(hand func(*trace.Event)) {
	for s.next < len(s.waiting) {
		s.pass(hand)
	}
	s.waiting, s.next = nil, 0
}
