package rules

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"
)

// back is by how much modified_at goes back from a to b, 0 where it does not or
// where either is none. A store that keeps fewer digits does not go back.
func back(a, b *Seen) time.Duration {
	if a.Answer == b.Answer {
		return 0
	}
	was, is := a.Answer.GetModifiedAt(), b.Answer.GetModifiedAt()
	if !was.IsValid() || !is.IsValid() || !later(was, is) || sameInstant(was, is) {
		return 0
	}
	return distance(was, is)
}

func judgeStampRises(env *Env) Machine {
	return Machine{Call: func(s *Seen, sink *Sink) {
		if !about(s) || !s.Answer.GetModifiedAt().IsValid() {
			return
		}
		e := s.Op.stampBefore(env, s)
		if e == nil {
			return
		}
		sink.exercise(s.Op)
		d := back(e, s)
		if d == 0 {
			return
		}
		report := sink.Breach
		if d <= time.Second {
			report = sink.Warn // as after a clock was set
		}
		report(by(e, s), "%s showed modified_at %s, and %s, called after that had returned, shows %s; the time of the last modification can't become earlier", e.When(), stampText(e.Answer.GetModifiedAt()), s.When(), stampText(s.Answer.GetModifiedAt()))
	}}
}

// judgeStampMoves looks for states that differ and have the same modified_at.
//
// A stamp that was shown belongs to a modification before. If a state with this
// stamp is still there a tick later, and then another state follows, that one comes
// from a modification more than a tick after the first, and its stamp is another.
// A read that may be stale shows what may have been over for as long as the window.
func judgeStampMoves(env *Env) Machine {
	return Machine{Call: func(s *Seen, sink *Sink) {
		if !about(s) || s.look.Count > 0 || !s.Answer.GetModifiedAt().IsValid() {
			return
		}
		for _, l := range s.Op.Looks {
			a := l.First
			if a.Returned >= s.Called || !a.Answer.GetModifiedAt().IsValid() || env.adjusted(a, s) {
				continue
			}
			what := changed(a.Answer, s.Answer)
			if what == "" {
				continue
			}
			shown := s.Op.firstStamped(a.Answer.GetModifiedAt())
			span := l.Last.Called - shown.Returned
			if span < tick(a.Answer.GetModifiedAt())+env.Window {
				continue
			}
			sink.exercise(s.Op)
			if sameTime(a.Answer.GetModifiedAt(), s.Answer.GetModifiedAt()) {
				sink.Breach(evidence(shown, l.Last, s), "%s showed modified_at %s, %s saw the operation as it was then, %s later, and %s sees that %s has changed, with the same modified_at; a change that long after the stamp is a later modification",
					shown.When(), stampText(a.Answer.GetModifiedAt()), l.Last.When(), seconds(span), s.When(), what)
				return
			}
		}
	}}
}

// firstStamped is the first answer with that modified_at, among those that are
// kept.
func (op *Op) firstStamped(at *timestamppb.Timestamp) *Seen {
	var first *Seen
	for _, l := range op.Looks {
		if sameTime(l.First.Answer.GetModifiedAt(), at) && (first == nil || l.First.Returned < first.Returned) {
			first = l.First
		}
	}
	return first
}

// tick is how far apart two changes have to be for their stamps to differ, by what
// one of them shows.
func tick(t *timestamppb.Timestamp) time.Duration {
	const slowest = 20 * time.Millisecond // that clocks of operating systems move on
	unit := time.Second
	for n := time.Duration(t.GetNanos()); unit > slowest && n%unit != 0; {
		unit /= 10
	}
	return max(unit, slowest)
}
