package rules

import "time"

// judgeStaysDone looks for operations that were done and are in progress again.
func judgeStaysDone(env *Env) Machine {
	return Machine{Call: func(s *Seen, sink *Sink) {
		if !about(s) {
			return
		}
		earlier := s.Op.doneBefore(env, s)
		switch {
		case earlier != nil:
			sink.exercise(s.Op)
			if !isDone(s) {
				sink.Breach(by(earlier, s), "%s said done and %s, called after that had returned, says that the operation is %s; no server can do both if done is final", earlier.When(), s.When(), s.Answer.Rank())
			}
		case env.endedLongBefore(s):
			sink.exercise(s.Op)
			if !isDone(s) {
				sink.Breach(by(s), "%s says that the operation is %s, and a call that had returned by %s said done; no server can do both if done is final", s.When(), s.Answer.Rank(), seconds(s.Op.Gone.Done))
			}
		}
	}}
}

// endedLongBefore reports whether the operation was seen to be done before the
// checker had to forget it, and that binds the call.
func (e *Env) endedLongBefore(s *Seen) bool {
	g := s.Op.Gone
	return g != nil && g.Outcome != 0 && s.Op.Done == nil && g.Done+e.Window < s.Called
}

// judgeNotBehindStart compares reads with the answer of the call that has started
// the operation.
func judgeNotBehindStart(env *Env) Machine {
	return Machine{Call: func(s *Seen, sink *Sink) {
		if !about(s) || s.Op.Start == nil || !env.binds(s.Op.Start, s) {
			return
		}
		start := s.Op.Start
		sink.exercise(s.Op)
		if s.Answer.Rank() < start.Answer.Rank() {
			sink.Breach(by(start, s), "%s answered that the operation is %s, and %s, called after that had returned, says that it is %s; what the creating call has told is the first state, not a later one", start.When(), start.Answer.Rank(), s.When(), s.Answer.Rank())
		}
	}}
}

// judgeOneHistory compares what different connections say. It is for servers whose
// reads are never stale.
func judgeOneHistory(env *Env) Machine {
	return Machine{Call: func(s *Seen, sink *Sink) {
		if !about(s) || s.Connection() == "" {
			return
		}
		op, rank := s.Op, s.Answer.Rank()
		var ahead *Seen
		furthest := rank
		for i := range op.order.conns {
			c := &op.order.conns[i]
			if c.name == s.Connection() {
				continue
			}
			a, r := c.all.rank(s)
			if a == nil || env.adjusted(a, s) {
				continue
			}
			sink.exercise(op)
			if r > furthest {
				ahead, furthest = a, r
			}
		}
		stamped := op.order.stamps.before(s.Called)
		switch {
		case ahead != nil:
			sink.Breach(by(ahead, s), "%s said over one connection that the operation is %s, and %s, called over another after that had returned, says that it is %s; readers that see one history can't see both", ahead.When(), ahead.Answer.Rank(), s.When(), rank)
		case stamped != nil && stamped.Connection() != s.Connection() && stamped.Connection() != "" && back(stamped, s) > time.Second:
			sink.Breach(by(stamped, s), "%s showed modified_at %s over one connection, and %s, called over another after that had returned, shows %s; readers that see one history can't see both", stamped.When(), stampText(stamped.Answer.GetModifiedAt()), s.When(), stampText(s.Answer.GetModifiedAt()))
		}
	}}
}

// judgeOneConnection compares what one connection's reads say with what they have
// said.
func judgeOneConnection(env *Env) Machine {
	return Machine{Call: func(s *Seen, sink *Sink) {
		if !about(s) || !s.Is(MethodGet) {
			return
		}
		c := s.Op.order.on(s)
		if c == nil {
			return
		}
		furthest, rank := c.reads.rank(s)
		if furthest == nil || env.adjusted(furthest, s) {
			return
		}
		sink.exercise(s.Op)
		if rank > s.Answer.Rank() {
			sink.Breach(by(furthest, s), "%s and %s are reads over one connection, and the operation is %s and then %s", furthest.When(), s.When(), rank, s.Answer.Rank())
			return
		}
		stamp := c.stamps.before(s.Called)
		if stamp != nil && back(stamp, s) > time.Second {
			sink.Breach(by(stamp, s), "%s and %s are reads over one connection, and modified_at is %s and then %s", stamp.When(), s.When(), stampText(stamp.Answer.GetModifiedAt()), stampText(s.Answer.GetModifiedAt()))
		}
	}}
}
