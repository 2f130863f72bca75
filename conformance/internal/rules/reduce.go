package rules

import (
	"slices"
	"time"

	"github.com/optest-dev/optest/trace"
)

// Reduced is the smallest part of a trace found in which the rule still has a
// finding of the same kind, and that finding. Nothing is asked of the server. The
// result is the whole trace and the finding itself where the finding does not show
// again: such as one that came from more than the trace.
//
// Events of which a rule allows any subset are left out one by one. Other traces
// are cut after the evidence, and then only operations that it does not cite and
// calls that only read are left out, and only while the rule cites the same events.
func Reduced(env *Env, rule *Rule, events []*trace.Event, f Finding) ([]*trace.Event, Finding) {
	if rule.New == nil {
		return nil, f // it is about no events
	}
	r := reducer{env: env, rule: rule, kind: f.Kind, decoder: newDecoder()}
	if rule.Reduce == Prefix {
		r.cites = f.Evidence
	}
	events = InOrder(events)
	first, ok := r.shows(events)
	if !ok {
		return events, f
	}
	r.best, r.finding = events, first
	r.cut(f.Evidence)
	if rule.Reduce == Subset {
		r.fewer(r.best)
	} else {
		r.fewerOperations()
		r.fewer(slices.DeleteFunc(slices.Clone(r.best), func(e *trace.Event) bool {
			return !reads(e) || slices.Contains(r.cites, e)
		}))
	}
	return r.best, r.finding
}

// reads reports whether a call changes nothing.
func reads(e *trace.Event) bool {
	return e.Method == MethodGet || e.Method == MethodGetImage || e.Method == MethodListImage
}

// mostChecks bounds how often a reduction runs the rule over a trace.
const mostChecks = 2000

type reducer struct {
	env     *Env
	rule    *Rule
	kind    Kind
	cites   []*trace.Event // what the finding has to cite, nil: anything
	decoder *decoder       // shared, so that each answer is decoded once
	checks  int
	best    []*trace.Event
	finding Finding
}

// shows reports whether the rule has such a finding in the events, and the first.
func (r *reducer) shows(events []*trace.Event) (Finding, bool) {
	if r.checks >= mostChecks {
		return Finding{}, false
	}
	r.checks++
	c := NewChecker(r.env, []*Rule{r.rule})
	c.decoder = r.decoder
	for _, e := range events {
		c.Observe(e)
	}
	for _, f := range c.End()[0].Findings {
		if f.Kind == r.kind && (r.cites == nil || slices.Equal(f.Evidence, r.cites)) {
			return f, true
		}
	}
	return Finding{}, false
}

// try takes the events if they show the finding too.
func (r *reducer) try(events []*trace.Event) bool {
	if len(events) >= len(r.best) {
		return false
	}
	f, ok := r.shows(events)
	if ok {
		r.best, r.finding = events, f
	}
	return ok
}

// cut tries the evidence alone, where the rule allows that, and then the events
// up to it.
func (r *reducer) cut(evidence []*trace.Event) {
	if len(evidence) == 0 {
		return
	}
	if r.rule.Reduce == Subset && r.try(InOrder(evidence)) {
		return
	}
	var last time.Duration
	for _, e := range evidence {
		last = max(last, e.Returned)
	}
	r.try(r.best[:slices.IndexFunc(r.best, func(e *trace.Event) bool { return e.Returned == last })+1])
	if r.rule.Reduce == Subset {
		r.try(r.about(r.cited(evidence)))
	}
}

// fewer leaves events of the list out as delta debugging does: halves, quarters
// and so on, until no single one can go.
func (r *reducer) fewer(list []*trace.Event) {
	for size := (len(list) + 1) / 2; size > 0; {
		smaller := false
		for from := 0; from < len(list); {
			part := list[from:min(from+size, len(list))]
			if r.without(part) {
				smaller = true
				list = slices.Delete(slices.Clone(list), from, from+len(part))
				continue // what comes next now stands at the same place
			}
			from += size
		}
		switch {
		case smaller && size > 1:
			size = min(size, (len(list)+1)/2)
		case size == 1 && !smaller:
			return
		default:
			size = max(1, size/2)
		}
	}
}

// without tries to do without events, which are in order.
func (r *reducer) without(part []*trace.Event) bool {
	rest := make([]*trace.Event, 0, len(r.best))
	for _, e := range r.best {
		if len(part) > 0 && e == part[0] {
			part = part[1:]
			continue
		}
		rest = append(rest, e)
	}
	return len(rest) > 0 && r.try(rest)
}

// fewerOperations leaves out all that is about one operation, for each that the
// evidence does not cite.
func (r *reducer) fewerOperations() {
	cited := r.cited(r.finding.Evidence)
	if r.try(r.about(cited)) {
		return
	}
	var others []string
	for _, e := range r.best {
		if id := r.subject(e); id != "" && !cited[id] && !slices.Contains(others, id) {
			others = append(others, id)
		}
	}
	for _, id := range others {
		r.try(slices.DeleteFunc(slices.Clone(r.best), func(e *trace.Event) bool { return r.subject(e) == id }))
	}
	r.try(slices.DeleteFunc(slices.Clone(r.best), func(e *trace.Event) bool { return r.subject(e) == "" && !slices.Contains(r.finding.Evidence, e) }))
}

// cited are what events are about.
func (r *reducer) cited(events []*trace.Event) map[string]bool {
	cited := map[string]bool{}
	for _, e := range events {
		cited[r.subject(e)] = true
	}
	return cited
}

// about are the events that are about one of those, or are cited themselves.
func (r *reducer) about(subjects map[string]bool) []*trace.Event {
	var list []*trace.Event
	for _, e := range r.best {
		if subjects[r.subject(e)] {
			list = append(list, e)
		}
	}
	return list
}

// subject is what an event is about: an operation, or an image of one, or nothing.
func (r *reducer) subject(e *trace.Event) string {
	s := r.decoder.see(e)
	if id := operationOf(s); id != "" {
		return id
	}
	return imageOf(s.Request)
}
