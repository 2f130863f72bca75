package trace

import (
	"cmp"
	"iter"
	"slices"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// Events are folded a window at a time, so that a writer keeps few of them back
// and a file is in the order of numbers.
const (
	windowEvents = 1024
	windowCost   = 4 << 20 // bytes that their blobs, headers and text may take
)

// Compress joins polls that repeat each other, see [Run]. Events should come in
// the order of their numbers.
func Compress(events iter.Seq[*Event]) iter.Seq[*Run] {
	return func(yield func(*Run) bool) {
		var w window
		for e := range events {
			if w.full(e) {
				for _, r := range w.fold() {
					if !yield(r) {
						return
					}
				}
			}
			w.add(e)
		}
		for _, r := range w.fold() {
			if !yield(r) {
				return
			}
		}
	}
}

// window is events that may still be joined.
type window struct {
	runs   [][]*Event
	open   map[runKey]int // index of the run that such events join
	events int
	cost   int
}

// runKey is what the events of a run have in common, as far as it is cheap to
// compare.
type runKey struct {
	caller                         Caller
	method, httpRequest, operation string
	request, response              ID
	outcome                        optestv1.Event_Outcome
	status                         uint32
}

func keyOf(e *Event) runKey {
	return runKey{e.caller(), e.Method, e.HTTPRequest, e.Operation, e.Request.ID(), e.Response.ID(), e.Outcome, e.HTTPStatus}
}

// full reports whether the event has to go to the next window.
func (w *window) full(e *Event) bool {
	return w.events > 0 && (w.events == windowEvents || w.cost+cost(e) > windowCost)
}

func (w *window) add(e *Event) {
	if w.open == nil {
		w.open = map[runKey]int{}
	}
	w.events++
	w.cost += cost(e)
	key := keyOf(e)
	if i, ok := w.open[key]; ok {
		run := w.runs[i]
		if last := run[len(run)-1]; e.Number > last.Number && repeats(run[0], e) {
			w.runs[i] = append(run, e)
			return
		}
	}
	w.open[key] = len(w.runs)
	w.runs = append(w.runs, []*Event{e})
}

// fold empties the window.
func (w *window) fold() []*Run {
	slices.SortStableFunc(w.runs, func(a, b []*Event) int { return cmp.Compare(a[0].Number, b[0].Number) })
	folded := make([]*Run, len(w.runs))
	for i, events := range w.runs {
		folded[i] = newRun(events)
	}
	clear(w.open)
	*w = window{open: w.open}
	return folded
}

// cost is about what an event keeps from the garbage collector.
func cost(e *Event) int {
	n := 512 + len(e.Request.Bytes()) + len(e.Response.Bytes()) + len(e.Note)
	for _, p := range places {
		for _, f := range *p.list(e) {
			n += 32 + len(f.Name) + len(f.Value)
		}
	}
	if e.Frames != nil {
		for _, b := range e.Frames.Further {
			n += len(b.Bytes())
		}
	}
	if e.Failure != nil {
		n += len(e.Failure.Message) + len(e.Failure.Details)
	}
	return n
}
