package rules

import (
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/protobuf/proto"
)

// sameCall reports whether both are of one method and ask for the same.
func sameCall(a, b *Seen) bool {
	return a.Event.Method == b.Event.Method && a.Request != nil && b.Request != nil && proto.Equal(a.Request, b.Request)
}

// started reports whether a call was answered with an operation.
func started(s *Seen) bool { return s.OK() && s.Answer != nil && s.Answer.GetId() != "" }

// judgeReplays looks for calls that repeat one which had returned before, and are
// not answered with its operation as it is by then.
func judgeReplays(env *Env) Machine {
	var keys keyring
	names := newClaims()
	free := map[string]bool{} // keys of lost calls for a name that nobody had
	return Machine{Call: func(s *Seen, sink *Sink) {
		key, ok := uuidOf(s)
		defer names.note(s)
		if !ok {
			return
		}
		defer keys.add(s, key)
		if !s.OK() && !turnedAway(s) && names.free(s) && len(free) < maxKeyed {
			free[key] = true
		}
		if s.Unsure() {
			return
		}
		var first, lost *Seen
		for _, a := range keys.with(s, key) {
			if a.Returned >= s.Called || !sameCall(a, s) {
				continue
			}
			if started(a) {
				first = a
				break
			}
			if !turnedAway(a) && lost == nil {
				lost = a
			}
		}
		switch {
		case first != nil:
			judgeReplay(env, first, s, sink)
		case lost != nil && s.Code() == code.Code_ALREADY_EXISTS && env.World && free[key] && !names.others(s):
			// The name was free, and nobody else can have taken it.
			sink.Exercise("lost/" + key)
			sink.Breach(by(lost, s), "%s ended with %s, and %s, with the same idempotency key and request, with ALREADY_EXISTS: what is in the way can only be what the first call has made, so that the key should have led to its operation",
				lost.When(), ending(lost), s.When())
		}
	}}
}

func judgeReplay(env *Env, first, s *Seen, sink *Sink) {
	exercise := func() {
		sink.Exercise(first.Answer.GetId())
		if s.Op != nil && s.Op.Done != nil && s.Op.Done.Returned < s.Called {
			sink.Exercise(first.Answer.GetId() + "/done")
		}
	}
	switch {
	case !s.OK():
		switch s.Code() {
		case code.Code_ALREADY_EXISTS, code.Code_INVALID_ARGUMENT, code.Code_FAILED_PRECONDITION:
			exercise()
			sink.Breach(by(first, s), "%s started an operation, and %s, with the same idempotency key and request, ended with %s; a client that repeats a call because an answer was lost has to get the operation", first.When(), s.When(), ending(s))
		}
	case !started(s):
	case s.Answer.GetId() != first.Answer.GetId():
		exercise()
		sink.Breach(by(first, s), "%s was answered with operation %s, and %s, with the same idempotency key and request, with operation %s; the key is there so that a repeated call has no second effect",
			first.When(), short(first.Answer.GetId()), s.When(), short(s.Answer.GetId()))
	case first.Answer.ImageID() != "" && s.Answer.ImageID() != "" && first.Answer.ImageID() != s.Answer.ImageID():
		exercise()
		sink.Breach(by(first, s), "%s and %s, with the same idempotency key and request, got one operation but two images: %s and %s", first.When(), s.When(), short(first.Answer.ImageID()), short(s.Answer.ImageID()))
	default:
		exercise()
		if l := further(env, s); l != nil {
			sink.Breach(by(l, s), "%s said that the operation is %s, and %s, called later with the idempotency key of its start, says that it is %s; a repeated call gets the operation's current status, not the one of the first answer",
				l.When(), l.Answer.Rank(), s.When(), s.Answer.Rank())
		}
	}
}

// further is an answer that had come before a repeated call and said that the
// operation had come further than the call says, nil without one.
func further(env *Env, s *Seen) *Seen {
	for _, l := range s.Op.Looks {
		a := l.First
		if a.Answer.Rank() > s.Answer.Rank() && env.bindsReplay(a, s) {
			return a
		}
	}
	return nil
}

// bindsReplay is binds for the answer to a repeated call. That is a write, which goes
// to where the current status is known: over one connection, it is not behind what
// was read there.
func (e *Env) bindsReplay(earlier, s *Seen) bool {
	return e.binds(earlier, s) || earlier.Returned < s.Called && sameConnection(earlier, s) && !e.adjusted(earlier, s)
}
