package rules

import "google.golang.org/protobuf/types/known/timestamppb"

// order is what an operation's answers said that a later one must not go behind.
type order struct {
	// stamps are answers with rising modified_at, each fed after the one before.
	stamps []*Seen
	conns  map[string]*connOrder
}

// connOrder is the same for one connection: for all calls, and for reads alone.
type connOrder struct{ all, reads ahead }

// ahead are the answers that have gone farthest.
type ahead struct {
	stamp *Seen // with the greatest modified_at
	rank  *Seen // the first with the highest rank
}

// Bounds of what is kept for an operation. Of more connections, none is told from
// the others.
const (
	maxStamps = 16
	maxConns  = 64
)

func (o *order) note(s *Seen) {
	var last *Seen
	if n := len(o.stamps); n > 0 {
		last = o.stamps[n-1]
	}
	if rises(last, s) {
		if len(o.stamps) == maxStamps {
			copy(o.stamps, o.stamps[1:])
			o.stamps = o.stamps[:maxStamps-1]
		}
		o.stamps = append(o.stamps, s)
	}
	c := o.conns[s.Connection()]
	if c == nil {
		if len(o.conns) >= maxConns {
			return
		}
		if o.conns == nil {
			o.conns = map[string]*connOrder{}
		}
		c = &connOrder{}
		o.conns[s.Connection()] = c
	}
	c.all.note(s)
	if s.Is(MethodGet) {
		c.reads.note(s)
	}
}

func (a *ahead) note(s *Seen) {
	if rises(a.stamp, s) {
		a.stamp = s
	}
	if a.rank == nil || s.Answer.Rank() > a.rank.Answer.Rank() {
		a.rank = s
	}
}

// rises reports whether the answer has a later modified_at than another, which
// may be nil.
func rises(than, s *Seen) bool {
	m := s.Answer.GetModifiedAt()
	return m.IsValid() && (than == nil || later(m, than.Answer.GetModifiedAt()))
}

func later(a, b *timestamppb.Timestamp) bool { return a.AsTime().After(b.AsTime()) }

// on is what reads over the call's connection have said that had returned before
// the call, if that is a read, too. Either may be nil. What writes have answered
// does not bind reads that may be stale: they may go to another replica.
func (o *order) on(s *Seen) (stamp, rank *Seen) {
	c := o.conns[s.Connection()]
	if c == nil || !s.Is(MethodGet) {
		return nil, nil
	}
	return before(c.reads.stamp, s, 0), before(c.reads.rank, s, 0)
}

// before is the earlier call if its answer binds the later one: it had returned
// for as long as a read may be stale. Else nil.
func before(earlier, s *Seen, window int64) *Seen {
	if earlier == nil || int64(earlier.Returned)+window >= int64(s.Called) {
		return nil
	}
	return earlier
}

// stampBefore is the answer with the greatest modified_at that binds the call, nil
// without one.
func (op *Op) stampBefore(env *Env, s *Seen) *Seen {
	for i := len(op.order.stamps) - 1; i >= 0; i-- {
		if e := before(op.order.stamps[i], s, int64(env.Window)); e != nil {
			return e
		}
	}
	stamp, _ := op.order.on(s)
	return stamp
}

// doneBefore is an answer that said done and binds the call, nil without one.
func (op *Op) doneBefore(env *Env, s *Seen) *Seen {
	if e := before(op.Done, s, int64(env.Window)); e != nil {
		return e
	}
	if _, e := op.order.on(s); e != nil && e.Answer.GetDone() {
		return e
	}
	return nil
}

// failingBefore is an answer that had an error, was not done and binds the call;
// nil without one.
func (op *Op) failingBefore(env *Env, s *Seen) *Seen {
	if e := before(op.Failing, s, int64(env.Window)); e != nil {
		return e
	}
	if _, e := op.order.on(s); e != nil && e.Answer.Rank() == Failing {
		return e
	}
	return nil
}

// about reports whether the call has answered with the operation that it was to be
// about.
func about(s *Seen) bool { return s.Answer != nil && s.Op != nil && s.Op.ID != "" && own(s) }
