package trace

import (
	"container/heap"
	"iter"
)

// maxOpen is how many runs a reader keeps open at once; a writer keeps fewer.
const maxOpen = 1 << 14

// Expand gives back the events of runs in the order of their numbers, if the
// runs are in the order of their first.
func Expand(runs iter.Seq[*Run]) iter.Seq[*Event] {
	return func(yield func(*Event) bool) {
		var u unfolder
		for r := range runs {
			if !u.until(r.First.Number, yield) || !u.add(r, yield) {
				return
			}
		}
		u.rest(yield)
	}
}

// unfolder is the runs of which events are still to come, by the number of the
// next one.
type unfolder []*cursor

// add takes a run whose first event is the next of all.
func (u *unfolder) add(r *Run, yield func(*Event) bool) bool {
	if !yield(r.First) {
		return false
	}
	if r.repeat == nil {
		return true
	}
	if len(*u) == maxOpen && !u.one(yield) {
		return false
	}
	if c := newCursor(r); c.next() {
		heap.Push(u, c)
	}
	return true
}

// until yields what comes before the number.
func (u *unfolder) until(number uint64, yield func(*Event) bool) bool {
	for len(*u) > 0 && (*u)[0].number < number {
		if !u.one(yield) {
			return false
		}
	}
	return true
}

func (u *unfolder) rest(yield func(*Event) bool) bool {
	for len(*u) > 0 {
		if !u.one(yield) {
			return false
		}
	}
	return true
}

func (u *unfolder) one(yield func(*Event) bool) bool {
	c := (*u)[0]
	e := c.event()
	if c.next() {
		heap.Fix(u, 0)
	} else {
		heap.Pop(u)
	}
	return yield(e)
}

func (u unfolder) Len() int           { return len(u) }
func (u unfolder) Less(i, j int) bool { return u[i].number < u[j].number }
func (u unfolder) Swap(i, j int)      { u[i], u[j] = u[j], u[i] }

// Push is for package heap.
func (u *unfolder) Push(c any) { *u = append(*u, c.(*cursor)) }

// Pop is for package heap.
func (u *unfolder) Pop() any {
	last := len(*u) - 1
	c := (*u)[last]
	(*u)[last] = nil
	*u = (*u)[:last]
	return c
}
