package rules

import "google.golang.org/genproto/googleapis/rpc/code"

// judgeCancelAnswer looks for Cancels that are not answered with the operation.
func judgeCancelAnswer(*Env) Machine {
	return Machine{Call: func(s *Seen, sink *Sink) {
		id, named := askedFor(s)
		// A message that can't be read is judged by its bytes.
		if !cancels(s) || !named || s.Answer == nil {
			return
		}
		sink.Exercise(id)
		if got := s.Answer.GetId(); got != id {
			sink.Breach(by(s), "%s was about operation %s, and its answer is about %q; it has to tell the status of the one that is being cancelled", s.When(), short(id), short(got))
		}
	}}
}

// cancelBetween is a Cancel that was called after e had returned, and that had
// returned before s was called. Nil: there is none.
func (op *Op) cancelBetween(e, s *Seen) *Seen {
	for _, c := range op.Cancels {
		if e.Returned < c.Called && c.Returned < s.Called {
			return c
		}
	}
	return nil
}

// judgeCancelOfDone looks for operations that were done and that a Cancel has
// changed all the same.
func judgeCancelOfDone(env *Env) Machine {
	return Machine{Call: func(s *Seen, sink *Sink) {
		op := s.Op
		if op == nil || op.Done == nil {
			return
		}
		done, c := op.Done, s
		switch {
		case cancels(s):
			if done.Returned >= s.Called {
				return
			}
		case about(s):
			if c = op.cancelBetween(done, s); c == nil {
				return
			}
		default:
			return
		}
		if !s.OK() {
			judgeRefusal(done, s, sink)
			return
		}
		if !about(s) {
			return
		}
		was, is := done.Answer, s.Answer
		if !isDone(s) {
			if done = op.doneBefore(env, s); done != nil {
				sink.exercise(op)
				sink.Breach(evidence(done, c, s), "%s said that the operation is done, it was cancelled by %s, and %s says that it is %s; nothing is left to be cancelled of an operation that is completed", done.When(), c.When(), s.When(), is.Rank())
			}
			return
		}
		sink.exercise(op)
		if !s.Fresh && c != s {
			return
		}
		another := was.Image != nil && is.Image != nil && was.Image.GetId() != is.Image.GetId()
		if was.Outcome() != is.Outcome() || was.GetError().GetCode() != is.GetError().GetCode() || another {
			sink.Breach(evidence(done, c, s), "%s said that the operation is done with %s, it was cancelled by %s, and %s says that it is done with %s; nothing is left to be cancelled of an operation that is completed", done.When(), outcomeText(was), c.When(), s.When(), outcomeText(is))
		}
	}}
}

// judgeRefusal judges a Cancel of a done operation that did not end with OK.
func judgeRefusal(done, s *Seen, sink *Sink) {
	if !s.Failed() || !speaks(s) {
		return
	}
	switch s.Code() {
	case code.Code_FAILED_PRECONDITION:
		sink.exercise(s.Op)
	case code.Code_INTERNAL, code.Code_DATA_LOSS:
		sink.exercise(s.Op)
		sink.Breach(by(done, s), "%s said that the operation is done, and %s ended with %s; of an operation that is completed, Cancel tells the status or that it can't be cancelled", done.When(), s.When(), s.Code())
	}
}

func outcomeText(a *Answer) string {
	if e := a.GetError(); e != nil {
		return "the error " + code.Code(e.GetCode()).String()
	}
	if a.Image != nil {
		return "the image " + short(a.Image.GetId())
	}
	return a.Outcome()
}

// judgeSecondCancel looks for second Cancels that fail for no good reason, or start
// again what was being ended.
func judgeSecondCancel(env *Env) Machine {
	return Machine{Call: func(s *Seen, sink *Sink) {
		op := s.Op
		if op == nil || len(op.Cancels) == 0 {
			return
		}
		first, second := op.twoCancels(s)
		if second == nil {
			return
		}
		if second == s {
			sink.exercise(op)
			if s.Failed() && speaks(s) && op.oddRefusal(env, s) {
				report := sink.Breach
				if s.Code() == code.Code_NOT_FOUND {
					report = func(evidence []*Seen, format string, args ...any) {
						breachOfParty(env, sink, first, s, evidence, format, args...)
					}
				}
				report(by(first, s), "%s ended with OK, and %s, a second one, with %s; to cancel again what is being cancelled, or is over, tells the status or that it can't be cancelled", first.When(), s.When(), s.Code())
			}
		}
		if !about(s) {
			return
		}
		if e := op.furtherBefore(env, s, s.Answer.Rank()); e != nil && e.Returned < second.Called {
			sink.Breach(evidence(e, second, s), "%s said that the operation is %s, %s cancelled it a second time, and %s says that it is %s; a Cancel starts nothing again", e.When(), e.Answer.Rank(), second.When(), s.When(), s.Answer.Rank())
		}
	}}
}

// twoCancels are two Cancels of which the first ended with OK before the second was
// called. The second is s, or had returned before s was called.
func (op *Op) twoCancels(s *Seen) (first, second *Seen) {
	for _, c := range op.Cancels {
		switch {
		case first == nil:
			if c.OK() && c.Returned < s.Called {
				first = c
			}
		case first.Returned < c.Called && c.Returned < s.Called && !turnedAway(c):
			second = c
		}
	}
	if first != nil && cancels(s) && s.Request != nil {
		second = s
	}
	return first, second
}

// oddRefusal reports whether the status of a Cancel has nothing to do with the
// caller, the load or the way, and is not that the operation can't be cancelled.
func (op *Op) oddRefusal(env *Env, s *Seen) bool {
	switch s.Code() {
	case code.Code_INTERNAL, code.Code_DATA_LOSS, code.Code_INVALID_ARGUMENT, code.Code_ALREADY_EXISTS, code.Code_OUT_OF_RANGE:
		return true
	case code.Code_NOT_FOUND:
		// A replica may not know the operation yet, and a server may forget one that is
		// over.
		return op.Done == nil && sameParty(op.Cancels[0], s) && (!env.Eventual() || op.Start != nil && s.Called-op.Start.Returned > env.Window)
	}
	return false
}
