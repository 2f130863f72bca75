package rules

import "time"

// judgeEnds looks for operations that are still in progress after the time that
// they may take. It counts from since, which is nil for operations that are of no
// interest.
func judgeEnds(since func(*Op) *Seen) func(*Env) Machine {
	return func(env *Env) Machine {
		if env.Bound <= 0 {
			return Machine{} // nobody knows how long is too long
		}
		return Machine{Leave: func(op *Op, sink *Sink) {
			first := since(op)
			if first == nil || len(op.Looks) == 0 {
				return
			}
			if op.Done != nil {
				sink.exercise(op)
				return
			}
			last := op.Looks[0].Last
			for _, l := range op.Looks {
				if l.Last.Returned > last.Returned {
					last = l.Last
				}
			}
			waited := last.Called - first.Returned
			if waited < env.Bound || !env.Timed(first.Called, last.Returned) && env.adjusted(first, last) {
				return
			}
			sink.exercise(op)
			sink.Unsure(evidence(first, last), "%s was %s before %s, the last call that saw the operation, and that says that it is still %s; it may yet end, but %s is what was to be enough",
				first.When(), waited.Round(time.Second), last.When(), last.Answer.Rank(), env.Bound)
		}}
	}
}

// sinceFirst is the first answer about an operation.
func sinceFirst(op *Op) *Seen {
	switch {
	case op.Start != nil:
		return op.Start
	case len(op.Looks) > 0:
		return op.Looks[0].First
	}
	return nil
}

// sinceCancel is the first Cancel of an operation that may have taken effect before
// the operation was done.
func sinceCancel(op *Op) *Seen {
	for _, c := range op.Cancels {
		if !turnedAway(c) && (op.Done == nil || c.Called < op.Done.Returned) {
			return c
		}
	}
	return nil
}
