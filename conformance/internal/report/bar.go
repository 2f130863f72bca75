package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"

	"github.com/optest-dev/optest/trace"
)

// bar is a call in a picture, or several calls that are alike.
type bar struct {
	events      []*trace.Event // in the order of their calls
	lane        string
	ops         []string // without repetition, at most maxOps+1
	state       state    // of most of them
	states      map[state]int
	from, until time.Duration
	// cited: it is evidence, and stays by itself.
	cited bool
	// mixed: what it stands for is not alike.
	mixed bool
}

// maxOps is how many operations a bar is found by. One that is about more is about
// any.
const maxOps = 8

// operationOf is the id of the operation that a call is about, empty without one.
func (v *view) operationOf(e *trace.Event) string {
	id, known := v.ops[e]
	if !known {
		id = v.readOperation(e)
		v.ops[e] = id
	}
	return id
}

func (v *view) readOperation(e *trace.Event) string {
	if e.Operation != "" {
		return e.Operation
	}
	if m, err := v.request(e); err == nil {
		if about, ok := m.(interface{ GetOperationId() string }); ok {
			return about.GetOperationId()
		}
	}
	if m, err := v.messages.Response(e); err == nil {
		if op, ok := m.(*operation.Operation); ok {
			return op.GetId()
		}
	}
	return ""
}

// bars are the calls by lane and time, where polls that repeat each other are one.
func (v *view) bars(events []*trace.Event, cited map[*trace.Event]bool) []*bar {
	var list []*bar
	last := map[string]*bar{} // of each lane
	for _, e := range byCall(events) {
		s := v.state(e)
		b := &bar{
			events: []*trace.Event{e}, lane: lane(e), ops: []string{v.operationOf(e)}, state: s, states: map[state]int{s: 1},
			from: e.Called, until: e.Returned, cited: cited[e],
		}
		if before := last[b.lane]; before != nil && before.takes(b) {
			before.join(b)
			continue
		}
		last[b.lane] = b
		list = append(list, b)
	}
	return list
}

// takes reports whether another call repeats those of the bar.
func (b *bar) takes(other *bar) bool {
	e, f := b.events[0], other.events[0]
	return !b.cited && !other.cited && slices.Equal(b.ops, other.ops) && b.state == other.state && b.until <= other.from &&
		e.Method == f.Method && e.Outcome == f.Outcome && e.Code() == f.Code() && e.Response.Equal(f.Response)
}

func (b *bar) join(other *bar) {
	b.events = append(b.events, other.events...)
	b.from, b.until = min(b.from, other.from), max(b.until, other.until)
	b.mixed = b.mixed || other.mixed || b.state != other.state || !slices.Equal(b.ops, other.ops)
	for _, op := range other.ops {
		if len(b.ops) <= maxOps && !slices.Contains(b.ops, op) {
			b.ops = append(b.ops, op)
		}
	}
	for s, n := range other.states {
		b.states[s] += n
	}
	for _, a := range aspects {
		if b.states[a.State] > b.states[b.state] {
			b.state = a.State
		}
	}
}

// moments are those that matter for an axis.
func moments(list []*bar) []time.Duration {
	var times []time.Duration
	for _, b := range list {
		times = append(times, b.from, b.until)
	}
	return times
}

// near keeps so many bars: evidence, and what is nearest to it.
func near(list []*bar, most int) []*bar {
	if len(list) <= most {
		return list
	}
	distance := make([]int, len(list))
	far := len(list)
	count := func(i, from int) int {
		if list[i].cited {
			return 0
		}
		return from + 1
	}
	for i, d := 0, far; i < len(list); i++ {
		d = count(i, d)
		distance[i] = d
	}
	for i, d := len(list)-1, far; i >= 0; i-- {
		d = count(i, d)
		distance[i] = min(distance[i], d)
	}
	order := make([]int, len(list))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(distance[a], distance[b]) })
	order = order[:most]
	slices.Sort(order)
	kept := make([]*bar, 0, most)
	for _, i := range order {
		kept = append(kept, list[i])
	}
	return kept
}

// crowded joins bars of one lane that together are less than so many pixels wide.
func crowded(list []*bar, a axis, width float64) []*bar {
	var kept []*bar
	last := map[string]*bar{}
	for _, b := range list {
		before := last[b.lane]
		if before != nil && !b.cited && a.x(max(b.until, before.until))-a.x(before.from) < width {
			before.join(b)
			continue
		}
		one := *b
		one.events, one.ops, one.states = slices.Clone(b.events), slices.Clone(b.ops), maps.Clone(b.states)
		kept = append(kept, &one)
		if !b.cited { // what is cited joins none
			last[b.lane] = &one
		}
	}
	return kept
}

// title says what the bar stands for.
func (b *bar) title() string {
	first, last := b.events[0], b.events[len(b.events)-1]
	if len(b.events) == 1 {
		return fmt.Sprintf("#%d %s, %s: %s", first.Number, plain(callName(first)), span(first.Called, first.Returned), b.means(first))
	}
	what := plain(callName(first)) + ": " + b.means(first)
	if b.mixed {
		var parts []string
		for _, a := range aspects {
			if n := b.states[a.State]; n > 0 {
				parts = append(parts, fmt.Sprintf("%d %s", n, a.Means))
			}
		}
		what = strings.Join(parts, "; ")
	}
	return fmt.Sprintf("%d calls, #%d to #%d, %s: %s", len(b.events), first.Number, last.Number, span(b.from, b.until), what)
}

func (b *bar) means(e *trace.Event) string {
	if b.state == stateRefused || b.state == stateUnknown {
		return clipped(plain(ending(e)), 120)
	}
	return meaning(b.state)
}
