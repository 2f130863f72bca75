package rules

import (
	"math/rand/v2"
	"slices"

	"google.golang.org/genproto/googleapis/rpc/code"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// reached is what is known of who finds an operation.
type reached struct {
	found   []*Seen // the first read over each protocol
	missing []*Seen // reads that did not find it, and are not told of yet
}

// maxReached bounds the operations, and maxMissing what is kept of each.
const (
	maxReached = 4096
	maxMissing = 8
)

// judgeReach looks for operations that only some protocols find.
func judgeReach(env *Env) Machine {
	known := map[string]*reached{}
	var order []string
	return Machine{Call: func(s *Seen, sink *Sink) {
		if s.Op == nil || s.Op.ID == "" || !spoken(s) || !s.Is(MethodGet) && !s.Starts() {
			return
		}
		r := known[s.Op.ID]
		if r == nil {
			if s.Answer == nil {
				return
			}
			if len(order) == maxReached {
				delete(known, order[0])
				order = slices.Delete(order, 0, 1)
			}
			r = &reached{}
			known[s.Op.ID], order = r, append(order, s.Op.ID)
		}
		switch {
		case s.Answer != nil:
			r.find(env, s, sink)
		case s.Is(MethodGet) && notFound(s) && len(r.missing) < maxMissing:
			r.missing = append(r.missing, s)
		}
	}}
}

func notFound(s *Seen) bool {
	return s.Failed() && s.Code() == code.Code_NOT_FOUND && s.ResponseCodec != optestv1.Event_FOREIGN
}

func (r *reached) find(env *Env, s *Seen, sink *Sink) {
	if start := s.Op.Start; start != nil && s.Is(MethodGet) && start.Protocol != s.Protocol {
		sink.Exercise(s.Op.ID + " " + protocolName(start) + " " + protocolName(s))
	}
	r.missing = slices.DeleteFunc(r.missing, func(m *Seen) bool {
		for _, before := range r.found {
			if before.Protocol == m.Protocol || s.Protocol == m.Protocol || m.Called-before.Returned <= env.Window || s.Called <= m.Returned || !sameParty(before, m) {
				continue
			}
			sink.Exercise(s.Op.ID + " " + protocolName(m))
			breachOfParty(env, sink, before, m, by(before, m, s), "%s over %s does not find the operation, which %s over %s had shown before and %s over %s shows after; ids are the same over all protocols", m.When(), protocolName(m), before.When(), protocolName(before), s.When(), protocolName(s))
			return true
		}
		return false
	})
	if s.Is(MethodGet) && !slices.ContainsFunc(r.found, func(f *Seen) bool { return f.Protocol == s.Protocol }) {
		r.found = append(r.found, s)
	}
}

// hiddenOverOther has a read not find an operation that was found before and after
// over other protocols.
func hiddenOverOther(t *Tape, draw *rand.Rand) (string, bool) {
	finds := func(s *Seen) bool { return s.Answer != nil && spoken(s) && (s.Is(MethodGet) || s.Starts()) }
	by := map[string][]*Seen{}
	for _, i := range t.Where(finds) {
		id := operationOf(t.At(i))
		by[id] = append(by[id], t.At(i))
	}
	i, ok := t.Pick(draw, func(s *Seen) bool {
		if !finds(s) || !s.Is(MethodGet) {
			return false
		}
		all := by[operationOf(s)]
		return slices.ContainsFunc(all, func(o *Seen) bool {
			return o.Is(MethodGet) && o.Protocol != s.Protocol && s.Called-o.Returned > t.Env.Window
		}) &&
			slices.ContainsFunc(all, func(o *Seen) bool { return o.Protocol != s.Protocol && o.Called > s.Returned })
	})
	if !ok {
		return "", false
	}
	t.Fail(i, trace.Failure{Code: code.Code_NOT_FOUND, Message: "Operation not found"})
	return t.At(i).When(), true
}
