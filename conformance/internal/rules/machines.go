package rules

import (
	"math/rand/v2"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
)

// What most rows are made of.

// look is the machine of a rule about single answers. Breach says what is wrong,
// if anything; applies is false for answers that the rule is not about.
func look(judge func(env *Env, s *Seen) (applies bool, breach string)) func(*Env) Machine {
	return weigh(func(env *Env, s *Seen, sink *Sink) {
		applies, breach := judge(env, s)
		if !applies {
			return
		}
		sink.Exercise(cell(s))
		if breach != "" {
			sink.Breach(by(s), "%s: %s", s.When(), breach)
		}
	})
}

// weigh is the machine of a rule about single answers that tells the sink itself
// how much its findings weigh.
func weigh(judge func(env *Env, s *Seen, sink *Sink)) func(*Env) Machine {
	return func(env *Env) Machine {
		return Machine{Look: func(s *Seen, sink *Sink) { judge(env, s, sink) }}
	}
}

// each is the machine of a rule about single calls. The key tells instances apart
// and is empty for calls that the rule is not about; breach says what is wrong, if
// anything.
func each(judge func(env *Env, s *Seen) (key, breach string)) func(*Env) Machine {
	return func(env *Env) Machine {
		return Machine{Call: func(s *Seen, sink *Sink) {
			key, breach := judge(env, s)
			if key == "" {
				return
			}
			sink.Exercise(key)
			if breach != "" {
				sink.Breach(by(s), "%s: %s", s.When(), breach)
			}
		}}
	}
}

// cell is the instance that an answer is of a rule about answers: one for each
// operation and rank.
func cell(s *Seen) string { return s.Op.ID + "/" + s.Answer.Rank().String() }

// edit is the corruption of one answer that the function holds for. Where a
// message can't be encoded any more, as JSON can't show every error, it is another
// one.
func edit(is func(*Seen) bool, change func(*operation.Operation)) Corruption {
	return func(t *Tape, draw *rand.Rand) (string, bool) {
		places := t.Where(func(s *Seen) bool { return s.Answer != nil && is(s) })
		for _, n := range draw.Perm(len(places)) {
			if i := places[n]; t.Edit(i, change) {
				return t.At(i).When(), true
			}
		}
		return "", false
	}
}

// editKnown is the corruption of one answer about an operation whose start was seen
// before it, or is the answer itself.
func editKnown(is func(start, s *Seen) bool, change func(*operation.Operation)) Corruption {
	return func(t *Tape, draw *rand.Rand) (string, bool) {
		starts, known := map[string]*Seen{}, map[*Seen]*Seen{}
		for _, i := range t.Where(func(s *Seen) bool { return s.Answer != nil }) {
			s := t.At(i)
			id := operationOf(s)
			if s.Starts() && starts[id] == nil {
				starts[id] = s
			}
			known[s] = starts[id]
		}
		return edit(func(s *Seen) bool { return known[s] != nil && is(known[s], s) }, change)(t, draw)
	}
}

// editLater is the corruption of the later of two answers about one operation.
func editLater(is func(a, b *Seen) bool, change func(b *operation.Operation, a *operation.Operation)) Corruption {
	return func(t *Tape, draw *rand.Rand) (string, bool) {
		i, j, ok := t.Pair(draw, is)
		if !ok {
			return "", false
		}
		earlier := t.At(i).Answer.Operation
		if !t.Edit(j, func(m *operation.Operation) { change(m, earlier) }) {
			return "", false
		}
		return t.At(j).When(), true
	}
}

// rewrite is the corruption of one response's bytes, of an event that the function
// holds for.
func rewrite(is func(*Seen) bool, change func(*Seen, []byte) []byte) Corruption {
	return func(t *Tape, draw *rand.Rand) (string, bool) {
		i, ok := t.Pick(draw, is)
		if !ok {
			return "", false
		}
		s := t.At(i)
		t.Raw(i, func(raw []byte) []byte { return change(s, raw) })
		return s.When(), true
	}
}

// either is one of several corruptions, or another where that one has no place.
func either(list ...Corruption) Corruption {
	return func(t *Tape, draw *rand.Rand) (string, bool) {
		for _, n := range draw.Perm(len(list)) {
			if where, ok := list[n](t, draw); ok {
				return where, true
			}
		}
		return "", false
	}
}
