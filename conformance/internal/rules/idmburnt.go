package rules

import (
	"slices"

	"google.golang.org/genproto/googleapis/rpc/code"
)

// judgeOddKeys looks for servers that stumble over a key which is no UUID.
func judgeOddKeys(*Env) Machine {
	return Machine{Call: func(s *Seen, sink *Sink) {
		if !s.Starts() || s.Unsure() {
			return
		}
		key, ok := keyOf(s)
		if !ok || isUUID(key) {
			return
		}
		switch s.Code() {
		case code.Code_OK, code.Code_INVALID_ARGUMENT:
			sink.Exercise(key)
		case code.Code_INTERNAL, code.Code_UNKNOWN, code.Code_DATA_LOSS:
			if !speaks(s) && s.Code() != code.Code_UNKNOWN {
				return // the answer is of somebody between
			}
			sink.Exercise(key)
			sink.Breach(by(s), "%s: the idempotency key is no UUID, and the call ended with %s; what a client sends is no reason for a server to break: the key is refused, or ignored", s.When(), ending(s))
		}
	}}
}

// judgeBurntKeys looks for keys that a refused call has used up, and for those that
// lead a call of one method to an operation of another.
func judgeBurntKeys(*Env) Machine {
	var keys keyring
	accepted := newSieve()
	return Machine{Call: func(s *Seen, sink *Sink) {
		if started(s) && s.Starts() {
			accepted.pass(s)
		}
		key, ok := uuidOf(s)
		if !ok {
			return
		}
		calls := keys.with(s, key)
		keys.add(s, key)
		judgeMethods(calls, s, sink)
		judgeBurnt(accepted, calls, s, sink)
	}}
}

func judgeMethods(calls []*Seen, s *Seen, sink *Sink) {
	if !started(s) {
		return
	}
	for _, a := range calls {
		if !started(a) || a.Event.Method == s.Event.Method {
			continue
		}
		sink.Exercise("methods/" + a.Answer.GetId())
		if a.Answer.GetId() == s.Answer.GetId() {
			sink.Breach(by(a, s), "%s started operation %s, and %s, a call of another method with the same idempotency key, was answered with it too; the second call has done nothing, and its caller believes that it has", a.When(), short(s.Answer.GetId()), s.When())
			return
		}
	}
}

// judgeBurnt is about a call that mends what the one before it with its key was
// refused for.
func judgeBurnt(accepted *sieve, calls []*Seen, s *Seen, sink *Sink) {
	if s.Request == nil || s.Unsure() || len(excesses(s.Request)) > 0 {
		return
	}
	var bad *Seen
	for _, a := range calls {
		if a.Event.Method != s.Event.Method {
			continue
		}
		if !refused(a) || a.Request == nil {
			return // the key may belong to what this call has done
		}
		if a.Returned < s.Called && len(excesses(a.Request)) > 0 {
			bad = a
		}
	}
	if bad == nil {
		return
	}
	switch {
	case started(s):
		sink.Exercise("refused/" + s.Answer.GetId())
	case refused(s) && (sameRefusal(bad, s) || accepted.known(s) != ""), s.Code() == code.Code_FAILED_PRECONDITION && accepted.known(s) != "":
		sink.Exercise("refused/" + bad.When())
		sink.Breach(by(bad, s), "%s was refused for its request, and so was %s, with the same idempotency key and a request that has nothing wrong with it: %q; a call that has started nothing does not use its key up", bad.When(), s.When(), s.Failure.Message)
	}
}

func sameRefusal(a, b *Seen) bool {
	one, _ := violated(a)
	other, _ := violated(b)
	return a.Failure.Message == b.Failure.Message && slices.Equal(one, other)
}
