package rules

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// binds reports whether the later call must not be behind what the earlier one has
// shown: that one had returned before. Where reads may be stale, it had for as long
// as they may, or both are reads over one connection: what a write has answered may
// not have come to where reads go.
func (e *Env) binds(earlier, s *Seen) bool {
	if earlier == nil || earlier.Returned >= s.Called || e.adjusted(earlier, s) {
		return false
	}
	return !e.Eventual() || s.Called-earlier.Returned > e.Window || earlier.Is(MethodGet) && s.Is(MethodGet) && sameConnection(earlier, s)
}

// sameConnection reports false for connections without a name: nobody knows whether
// they are the same.
func sameConnection(a, b *Seen) bool { return a.Connection() != "" && a.Connection() == b.Connection() }

// adjusted reports whether the clock may have been set between two calls, so that
// their times order nothing.
func (e *Env) adjusted(a, b *Seen) bool {
	return len(e.Untimed) > 0 && e.Header.GetClock() == optestv1.TraceHeader_WALL && !e.Timed(a.Called, b.Returned)
}

// order is what an operation's answers said that a later one must not go behind.
// Every call asks it, so that it holds times besides the calls that have them.
type order struct {
	stamps rises
	conns  []connOrder
}

// connOrder is the same for one connection: for all calls, and for reads alone.
type connOrder struct {
	name       string
	all, reads marks
	stamps     rises // of reads
}

// marks are the first answers of each rank.
type marks [Done + 1]returned

// returned is a call and when it had returned, nil without one.
type returned struct {
	seen *Seen
	at   time.Duration
}

func (m *marks) note(s *Seen) {
	if first := &m[s.Answer.Rank()]; first.seen == nil {
		*first = returned{s, s.Returned}
	}
}

// rank is the first answer with the highest rank that had returned before the call,
// nil without any.
func (m *marks) rank(s *Seen) (*Seen, Rank) {
	for r := Done; r >= Pending; r-- {
		if first := m[r]; first.seen != nil && first.at < s.Called {
			return first.seen, r
		}
	}
	return nil, Pending
}

// Bounds of what is kept for an operation. Of more connections, the first ones are
// forgotten.
const (
	maxStamps = 16
	maxConns  = 16
)

// rises are answers with rising modified_at, in the order of their returns.
type rises []returned

func (r *rises) note(s *Seen) {
	n := len(*r)
	if n > 0 && (*r)[n-1].seen.Answer == s.Answer {
		return
	}
	m := s.Answer.GetModifiedAt()
	if !m.IsValid() || n > 0 && !later(m, (*r)[n-1].seen.Answer.GetModifiedAt()) {
		return
	}
	if n == maxStamps {
		copy(*r, (*r)[1:])
		*r = (*r)[:n-1]
	}
	*r = append(*r, returned{s, s.Returned})
}

// before is the last that had returned before a time, nil without one.
func (r rises) before(at time.Duration) *Seen {
	for i := len(r) - 1; i >= 0; i-- {
		if r[i].at < at {
			return r[i].seen
		}
	}
	return nil
}

func later(a, b *timestamppb.Timestamp) bool {
	return a.GetSeconds() > b.GetSeconds() || a.GetSeconds() == b.GetSeconds() && a.GetNanos() > b.GetNanos()
}

func (o *order) note(s *Seen) {
	o.stamps.note(s)
	if s.Connection() == "" {
		return
	}
	c := o.on(s)
	if c == nil {
		if len(o.conns) == maxConns {
			copy(o.conns, o.conns[1:])
			o.conns = o.conns[:maxConns-1]
		}
		o.conns = append(o.conns, connOrder{name: s.Connection()})
		c = &o.conns[len(o.conns)-1]
	}
	c.all.note(s)
	if s.Is(MethodGet) {
		c.reads.note(s)
		c.stamps.note(s)
	}
}

// on is what the call's connection has shown, nil if that is not known. It is good
// until the next note.
func (o *order) on(s *Seen) *connOrder {
	name := s.Connection()
	for i := range o.conns {
		if o.conns[i].name == name {
			return &o.conns[i]
		}
	}
	return nil
}

// stampBefore is the answer with the greatest modified_at that binds the call, nil
// without one.
func (op *Op) stampBefore(env *Env, s *Seen) *Seen {
	found := op.order.stamps.before(s.Called - env.Window)
	if env.Eventual() && s.Is(MethodGet) {
		// A read over the same connection binds sooner.
		if c := op.order.on(s); c != nil {
			if read := c.stamps.before(s.Called); read != nil && (found == nil || later(read.Answer.GetModifiedAt(), found.Answer.GetModifiedAt())) {
				found = read
			}
		}
	}
	if found != nil && env.adjusted(found, s) {
		return nil
	}
	return found
}

// doneBefore is an answer that said done and binds the call, nil without one.
func (op *Op) doneBefore(env *Env, s *Seen) *Seen { return op.rankBefore(env, s, op.Done, Done) }

// failingBefore is an answer that had an error, was not done and binds the call;
// nil without one.
func (op *Op) failingBefore(env *Env, s *Seen) *Seen {
	return op.rankBefore(env, s, op.Failing, Failing)
}

func (op *Op) rankBefore(env *Env, s, first *Seen, rank Rank) *Seen {
	if first == nil || first.Returned >= s.Called {
		return nil
	}
	if env.binds(first, s) {
		return first
	}
	if c := op.order.on(s); c != nil && env.binds(c.reads[rank].seen, s) {
		return c.reads[rank].seen
	}
	return nil
}

// furtherBefore is an answer that binds the call and says that the operation had
// come further than rank, nil without one.
func (op *Op) furtherBefore(env *Env, s *Seen, rank Rank) *Seen {
	if rank < Done {
		if a := op.doneBefore(env, s); a != nil {
			return a
		}
	}
	if rank < Failing {
		return op.failingBefore(env, s)
	}
	return nil
}
