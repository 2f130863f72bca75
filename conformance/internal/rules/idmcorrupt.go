package rules

import (
	"math/rand/v2"
	"strings"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/protobuf/proto"

	"github.com/optest-dev/optest/trace"
)

// keyedPairs is the corruption of the second of two calls with one UUID, of which
// the first returned first, where it can be made.
func keyedPairs(is func(a, b *Seen) bool, at func(t *Tape, a *Seen, b int) bool) Corruption {
	return func(t *Tape, draw *rand.Rand) (string, bool) {
		type pair struct {
			a *Seen
			b int
		}
		var pairs []pair
		var keys keyring
		for _, i := range t.Where(func(s *Seen) bool { _, ok := uuidOf(s); return ok }) {
			s := t.At(i)
			key, _ := uuidOf(s)
			for _, a := range keys.with(s, key) {
				if is(a, s) {
					pairs = append(pairs, pair{a, i})
				}
			}
			keys.add(s, key)
		}
		for _, n := range draw.Perm(len(pairs)) {
			if at(t, pairs[n].a, pairs[n].b) {
				return t.At(pairs[n].b).When(), true
			}
		}
		return "", false
	}
}

// another has the second call be answered with an operation of its own.
func another(t *Tape, _ *Seen, i int) bool {
	if t.At(i).OK() {
		return t.Edit(i, func(m *operation.Operation) { m.Id = inventedID })
	}
	return takes(t, i)
}

func replays(a, b *Seen) bool { return started(a) && a.Returned < b.Called && sameCall(a, b) }

var (
	corruptReplay = either(
		keyedPairs(func(a, b *Seen) bool { return replays(a, b) && started(b) }, another),
		keyedPairs(func(a, b *Seen) bool { return replays(a, b) && !b.Unsure() }, func(t *Tape, _ *Seen, i int) bool {
			t.Fail(i, trace.Failure{Code: code.Code_ALREADY_EXISTS, Message: "An image with this name exists"})
			return true
		}),
		keyedPairs(func(a, b *Seen) bool { return replays(a, b) && started(b) }, outdated),
	)
	corruptRace = keyedPairs(func(a, b *Seen) bool {
		return started(a) && started(b) && a.Returned >= b.Called && sameCall(a, b)
	}, another)
	corruptOtherBody = keyedPairs(func(a, b *Seen) bool {
		return started(a) && a.Event.Method == b.Event.Method && b.Request != nil && a.Request != nil && !sameCall(a, b) && (started(b) || refused(b))
	}, another)
	corruptOddKey = change(func(s *Seen) bool {
		key, ok := keyOf(s)
		return s.Starts() && ok && !isUUID(key) && !s.Unsure()
	}, func(t *Tape, i int) bool {
		t.Fail(i, trace.Failure{Code: code.Code_INTERNAL, Message: "Internal error"})
		return true
	})
	corruptBurntKey = either(
		keyedPairs(func(a, b *Seen) bool {
			return started(a) && started(b) && a.Event.Method != b.Event.Method
		}, func(t *Tape, a *Seen, i int) bool { return t.Respond(i, a.Answer.Operation) }),
		keyedPairs(mends, func(t *Tape, a *Seen, i int) bool {
			t.Fail(i, *a.Failure)
			return true
		}),
	)
)

// outdated has a repeated call be answered as if nothing had come of the operation
// that was seen to be done.
func outdated(t *Tape, _ *Seen, i int) bool {
	s := t.At(i)
	if !s.Answer.GetDone() {
		return false
	}
	done := t.Where(func(a *Seen) bool {
		return a.Answer != nil && a.Answer.GetDone() && a.Answer.GetId() == operationOf(a) && operationOf(a) == operationOf(s) && t.Env.bindsReplay(a, s)
	})
	return len(done) > 0 && t.Edit(i, func(m *operation.Operation) { m.Done, m.Result = false, nil })
}

// mends reports whether the second call is right where the first was refused.
func mends(a, b *Seen) bool {
	return a.Event.Method == b.Event.Method && a.Returned < b.Called && refused(a) && a.Request != nil && b.Request != nil && started(b) &&
		len(excesses(a.Request)) > 0 && len(excesses(b.Request)) == 0
}

func uuidKeyed(s *Seen) bool {
	_, ok := uuidOf(s)
	return ok
}

// corruptDistinct has the second of two creates that ask for the same be answered
// with the operation of the first. Both are such that the function holds for, and
// differ in their key if they have one.
func corruptDistinct(is func(*Seen) bool) Corruption {
	return func(t *Tape, draw *rand.Rand) (string, bool) {
		first := map[string]*Seen{} // of each request
		for _, i := range t.Where(func(s *Seen) bool { return creates(s) && started(s) && s.Request != nil && is(s) }) {
			s := t.At(i)
			if raw, err := (proto.MarshalOptions{Deterministic: true}).Marshal(s.Request); err == nil && first[s.Event.Method+string(raw)] == nil {
				first[s.Event.Method+string(raw)] = s
			}
		}
		return change(func(s *Seen) bool { return creates(s) && started(s) && s.Request != nil && is(s) }, func(t *Tape, i int) bool {
			s := t.At(i)
			raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(s.Request)
			a := first[s.Event.Method+string(raw)]
			if err != nil || a == nil || a == s || a.Answer.GetId() == s.Answer.GetId() {
				return false
			}
			key, _ := keyOf(s)
			other, _ := keyOf(a)
			return (key == "" || !strings.EqualFold(key, other)) && t.Respond(i, a.Answer.Operation)
		})(t, draw)
	}
}
