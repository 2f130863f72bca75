package mockserver

import (
	"slices"
	"strings"
	"sync/atomic"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// quirk is an optestv1.QuirkFault made ready: a mistake of the server itself. It
// is not struck like other faults; the place where the right behaviour is
// decided asks for it by its kind.
type quirk struct {
	fault
	kind  optestv1.QuirkFault_Kind
	asked atomic.Uint64 // for calls that meet its conditions
}

// newQuirks takes the name of the scenario that has them, empty if they were
// injected.
func newQuirks(list []*optestv1.Fault, scenario string) []*quirk {
	var quirks []*quirk
	for _, f := range list {
		if q := f.GetQuirk(); q != nil {
			label := f.GetName()
			if label == "" {
				label = strings.ReplaceAll(strings.ToLower(q.GetKind().String()), "_", "-")
			}
			quirks = append(quirks, &quirk{fault: newFault(f, label, scenario), kind: q.GetKind()})
		}
	}
	return quirks
}

// asking is what a quirk's conditions are held against.
type asking struct {
	kind     optestv1.QuirkFault_Kind
	method   string // empty: the request has not come to one yet
	protocol string
	header   func(name string) string
	seed     uint64
}

// answer is the first of the quirks that shows now, or nil.
func (a asking) answer(quirks []*quirk) *quirk {
	for _, q := range quirks {
		if q.kind != a.kind || !q.isOver(a.protocol, a.header) {
			continue
		}
		if want := q.GetMethod(); want != "" && !matchesMethod(pattern(want), a.method) {
			continue
		}
		if q.GetProbability() == 0 || draw(a.seed, uint64(a.kind)<<32, q.asked.Add(1)) < q.GetProbability() {
			return q
		}
	}
	return nil
}

// ask looks for a quirk in the scenario of an operation, in the default one and
// among what was injected, in this order. Either scenario may be nil.
func (ss *session) ask(a asking, p, standard *playing) *quirk {
	if p != nil {
		if q := a.answer(p.quirks); q != nil {
			return q
		}
	}
	if standard != nil && standard != p {
		if q := a.answer(standard.quirks); q != nil {
			return q
		}
	}
	return ss.injected.ask(a, p)
}

func (in *injections) ask(a asking, p *playing) *quirk {
	if in.none() {
		return nil
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, one := range in.list {
		if one.scenario != "" && (p == nil || one.scenario != p.name()) {
			continue
		}
		if q := a.answer(one.quirks); q != nil {
			return q
		}
	}
	return nil
}

// quirky reports whether there is any quirk to ask for.
func (ss *session) quirky(p, standard *playing) bool {
	return p != nil && len(p.quirks) > 0 || standard != nil && len(standard.quirks) > 0 || !ss.injected.none()
}

// quirky is false for control calls: they are how a test tells the server to have
// quirks.
func (c *call) quirky(p *playing) bool { return !c.control && c.session.quirky(p, c.standard) }

// has is the quirk of this kind that shows in the call, which is played by p if
// that is known yet, or nil.
func (c *call) has(kind optestv1.QuirkFault_Kind, p *playing) *quirk {
	if !c.quirky(p) {
		return nil
	}
	a := asking{kind: kind, method: c.record.Method, protocol: c.record.Protocol, header: c.header, seed: c.session.store.seed}
	return c.session.ask(a, p, c.standard)
}

// quirk is has for quirks that show whenever they are asked for.
func (c *call) quirk(kind optestv1.QuirkFault_Kind, p *playing) bool {
	q := c.has(kind, p)
	if q == nil {
		return false
	}
	c.note(q)
	return true
}

// note takes quirks that have shown into the record, each once.
func (c *call) note(shown ...*quirk) {
	var b blow
	for _, q := range shown {
		if q != nil && !slices.ContainsFunc(c.record.Faults, func(f AppliedFault) bool { return f.Name == q.applied.Name }) {
			b.applied = append(b.applied, q.applied)
		}
	}
	c.struck(b)
}

// recountQuirks has probabilities drawn anew.
func recountQuirks(quirks []*quirk) {
	for _, q := range quirks {
		q.asked.Store(0)
	}
}
