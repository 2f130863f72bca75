package rules

import "google.golang.org/genproto/googleapis/rpc/code"

// judgeFailureStays looks for failures that were detected and are not shown any
// more, before the operation is done.
func judgeFailureStays(env *Env) Machine {
	return Machine{Call: func(s *Seen, sink *Sink) {
		if !about(s) || isDone(s) {
			return
		}
		e := s.Op.failingBefore(env, s)
		if e == nil {
			return
		}
		sink.exercise(s.Op)
		was, is := e.Answer.GetError().GetCode(), s.Answer.GetError().GetCode()
		switch {
		case s.Answer.GetError() == nil:
			sink.Breach(by(e, s), "%s showed the error %s of an operation that is not done, and %s, called after that had returned, shows none; a failure that was detected does not go away while the service returns to the state before", e.When(), code.Code(was), s.When())
		case was != is && !s.Op.givesUp(s):
			sink.Breach(by(e, s), "%s showed the error %s of an operation that is not done, and %s shows %s; an operation fails for one reason", e.When(), code.Code(was), s.When(), code.Code(is))
		}
	}}
}

// givesUp reports whether the answer's error is that of a Cancel which came while
// the operation was being rolled back for another reason. Nobody says which of the
// two is the one to be shown.
func (op *Op) givesUp(s *Seen) bool {
	return s.Answer.GetError().GetCode() == int32(code.Code_CANCELLED) && op.caused(s)
}

// judgeFailureEnds looks for operations that showed a failure and ended without it.
// What was shown in progress came before what is final, however the calls overlap.
func judgeFailureEnds(*Env) Machine {
	return Machine{Call: func(s *Seen, sink *Sink) {
		if !about(s) || s.Answer.Outcome() == "neither" {
			return
		}
		op := s.Op
		switch {
		case isDone(s) && op.Failing != nil:
			sink.exercise(op)
			judgeEnding(op.failingUnlike(s), s, s, sink)
		case s.Answer.Rank() == Failing && op.Done != nil:
			sink.exercise(op)
			judgeEnding(s, op.Done, s, sink)
		}
	}}
}

// failingUnlike is an answer with an early error, if possible one with another code
// than the ending has.
func (op *Op) failingUnlike(end *Seen) *Seen {
	for _, l := range op.Looks {
		// A server that changes the code may have shown several.
		if a := l.First.Answer; a.Rank() == Failing && a.GetError().GetCode() != end.Answer.GetError().GetCode() {
			return l.First
		}
	}
	return op.Failing
}

func judgeEnding(e, end, latest *Seen, sink *Sink) {
	if !latest.Fresh {
		return
	}
	was, is := e.Answer.GetError().GetCode(), end.Answer.GetError().GetCode()
	switch {
	case end.Answer.Outcome() == "response":
		sink.Breach(by(e, end), "%s showed the error %s of an operation that was not done, and in %s it is done with a response; a service that has found a failure deletes what it has made, and can't succeed", e.When(), code.Code(was), end.When())
	case end.Answer.Outcome() == "error" && was != is && !end.Op.givesUp(end):
		sink.Breach(by(e, end), "%s showed the error %s of an operation that was not done, and in %s it is done with %s; it has failed for the reason that was shown", e.When(), code.Code(was), end.When(), code.Code(is))
	}
}

// judgeTargetStays looks for operations whose metadata name another image than
// before, or none any more.
func judgeTargetStays(env *Env) Machine {
	return Machine{Call: func(s *Seen, sink *Sink) {
		if !about(s) || s.Answer.MetaErr != nil || s.Op.Named == nil {
			return
		}
		first := s.Op.Named
		if m := s.Answer.GetMetadata(); m != nil && m.TypeUrl != first.Answer.GetMetadata().TypeUrl && m.MessageName() != first.Answer.GetMetadata().MessageName() {
			return
		}
		sink.exercise(s.Op)
		switch was, is := first.Answer.ImageID(), s.Answer.ImageID(); {
		case is == "" && env.binds(first, s):
			sink.Breach(by(first, s), "%s named the image %s, and %s, called after that had returned, names none; the image of an operation does not become unknown", first.When(), short(was), s.When())
		case is != "" && is != was:
			sink.Breach(by(first, s), "%s named the image %s, and %s names %s; an operation makes one image", first.When(), short(was), s.When(), short(is))
		}
	}}
}
