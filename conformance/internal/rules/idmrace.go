package rules

import (
	"strings"

	"google.golang.org/genproto/googleapis/rpc/code"
)

// judgeRaces looks for calls with one key at one time that each started something.
func judgeRaces(*Env) Machine {
	var keys keyring
	return Machine{Call: func(s *Seen, sink *Sink) {
		key, ok := uuidOf(s)
		if !ok {
			return
		}
		for _, a := range keys.with(s, key) {
			if a.Returned < s.Called || !sameCall(a, s) {
				continue
			}
			switch {
			case started(a) && started(s):
				sink.Exercise(key)
				if different := apart(a, s); different != "" {
					sink.Breach(by(a, s), "%s and %s had the same idempotency key and request and were under way at the same time, and got %s; a server that looks a key up and notes it in one step starts one operation", a.When(), s.When(), different)
					keys.add(s, key)
					return
				}
			case started(a) && lostRace(s):
				sink.Warn(by(a, s), "%s and %s had the same idempotency key and request and were under way at the same time; the first got the operation, the second %s, so that its caller has to ask again", a.When(), s.When(), ending(s))
			case started(s) && lostRace(a):
				sink.Warn(by(a, s), "%s and %s had the same idempotency key and request and were under way at the same time; the second got the operation, the first %s, so that its caller has to ask again", a.When(), s.When(), ending(a))
			}
		}
		keys.add(s, key)
	}}
}

// lostRace reports whether a call failed because another with its key was under
// way.
func lostRace(s *Seen) bool {
	if !s.Failed() {
		return false
	}
	switch s.Code() {
	case code.Code_ABORTED, code.Code_ALREADY_EXISTS, code.Code_FAILED_PRECONDITION:
		return true
	}
	return false
}

// apart says what two answers that should be about one operation have two of,
// empty for nothing.
func apart(a, b *Seen) string {
	switch {
	case a.Answer.GetId() != b.Answer.GetId():
		return "operations " + short(a.Answer.GetId()) + " and " + short(b.Answer.GetId())
	case a.Answer.ImageID() != "" && b.Answer.ImageID() != "" && a.Answer.ImageID() != b.Answer.ImageID():
		return "images " + short(a.Answer.ImageID()) + " and " + short(b.Answer.ImageID())
	}
	return ""
}

// judgeOtherBody looks for calls that start something although their key belongs
// to an operation that was asked for in other words.
func judgeOtherBody(*Env) Machine {
	var keys keyring
	return Machine{Call: func(s *Seen, sink *Sink) {
		key, ok := uuidOf(s)
		if !ok {
			return
		}
		defer keys.add(s, key)
		if s.Request == nil || s.Unsure() {
			return
		}
		for _, a := range keys.with(s, key) {
			if !started(a) || a.Request == nil || a.Event.Method != s.Event.Method || sameCall(a, s) {
				continue
			}
			if started(s) || refused(s) || s.Code() == code.Code_FAILED_PRECONDITION {
				sink.Exercise(a.Answer.GetId())
			}
			if started(s) && a.Answer.GetId() != s.Answer.GetId() {
				sink.Breach(by(a, s), "%s was answered with operation %s, and %s, with the same idempotency key and another request, with operation %s; one key starts one operation: the second call gets the first one's, or is refused",
					a.When(), short(a.Answer.GetId()), s.When(), short(s.Answer.GetId()))
				return
			}
		}
	}}
}

// judgeDistinct looks for calls with different keys that were answered with one
// operation.
func judgeDistinct(*Env) Machine {
	bodies := newSieve()
	return Machine{Call: func(s *Seen, sink *Sink) {
		key, ok := uuidOf(s)
		if !ok || !creates(s) || !started(s) {
			return
		}
		if id := bodies.pass(s); id != "" && id != s.Answer.GetId() {
			sink.Exercise(s.Answer.GetId())
		}
		start := s.Op.Start
		other, ok := uuidOf(start)
		if start == s || !ok || strings.EqualFold(other, key) {
			return
		}
		sink.Exercise(s.Answer.GetId())
		sink.Breach(by(start, s), "%s and %s had different idempotency keys and were both answered with operation %s; who makes a new key means a new operation", start.When(), s.When(), short(s.Answer.GetId()))
	}}
}

// judgeKeyless looks for calls without a key that were answered with an operation
// which another call had started.
func judgeKeyless(*Env) Machine {
	bodies := newSieve()
	return Machine{Call: func(s *Seen, sink *Sink) {
		if !creates(s) || !keyless(s) {
			return
		}
		if s.Code() == code.Code_ALREADY_EXISTS {
			if id := bodies.known(s); id != "" {
				sink.Exercise(id)
			}
			return
		}
		if !started(s) {
			return
		}
		if id := bodies.pass(s); id != "" && id != s.Answer.GetId() {
			sink.Exercise(s.Answer.GetId())
		}
		start := s.Op.Start
		if start == s || !keyless(start) {
			return
		}
		sink.Exercise(s.Answer.GetId())
		sink.Breach(by(start, s), "%s and %s had no idempotency key and were both answered with operation %s; a client that asks twice without a key means two images", start.When(), s.When(), short(s.Answer.GetId()))
	}}
}
