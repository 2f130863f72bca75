package rules

import (
	"math"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
)

// isCancelled reports whether the answer says that the operation was cancelled.
func isCancelled(s *Seen) bool {
	return about(s) && s.Answer.GetError().GetCode() == int32(code.Code_CANCELLED)
}

// unasked are answers that say CANCELLED of operations which nobody seems to have
// cancelled. Of each operation, one is judged: once all calls have returned that
// may yet turn out to have cancelled it.
type unasked struct {
	waiting held
	judged  map[*Op]bool
	early   map[string]time.Duration // when Cancel was called of operations that were not known yet
	blind   time.Duration            // when it was first called of nobody knows which; never without one
}

const (
	maxEarly = 1 << 10
	never    = time.Duration(math.MaxInt64)
)

func newUnasked() *unasked {
	return &unasked{judged: map[*Op]bool{}, early: map[string]time.Duration{}, blind: never}
}

func (u *unasked) call(s *Seen, sink *Sink) {
	u.waiting.release(s, sink)
	if !cancels(s) || s.Op != nil || turnedAway(s) {
		return
	}
	id, named := askedFor(s)
	called, again := u.early[id]
	switch {
	case again:
		u.early[id] = min(called, s.Called)
	case named && len(u.early) < maxEarly:
		u.early[id] = s.Called
	default:
		u.blind = min(u.blind, s.Called)
	}
}

// caused reports whether anybody may have asked for the operation's end before the
// call returned.
func (u *unasked) caused(s *Seen) bool {
	early, asked := u.early[s.Op.ID]
	return s.Op.caused(s) || asked && early < s.Returned || u.blind < s.Returned
}

// hold has the answer judged later, if it says CANCELLED and no Cancel is known. An
// operation whose start was not seen may have been cancelled before, and so may one
// that had to be forgotten.
func (u *unasked) hold(s *Seen, breach func(*Sink)) {
	op := s.Op
	if !isCancelled(s) || op.Start == nil || op.Gone != nil || u.judged[op] || u.caused(s) {
		return
	}
	u.judged[op] = true
	u.waiting.hold(s, func(sink *Sink) {
		if !u.caused(s) {
			breach(sink)
		}
	})
}

// machine is one that is given each call.
func (u *unasked) machine(call func(*Seen, *Sink)) Machine {
	return Machine{
		Call: func(s *Seen, sink *Sink) {
			u.call(s, sink)
			call(s, sink)
		},
		Leave: func(op *Op, _ *Sink) { delete(u.judged, op) },
		End:   u.waiting.end,
	}
}

// judgeCause looks for operations that were cancelled by nobody.
func judgeCause(*Env) Machine {
	u := newUnasked()
	return u.machine(func(s *Seen, sink *Sink) {
		if !isCancelled(s) {
			return
		}
		if s.Op.caused(s) {
			sink.exercise(s.Op)
			return
		}
		u.hold(s, func(sink *Sink) {
			sink.exercise(s.Op)
			sink.Breach(by(s), "%s says that the operation was cancelled, and no call of anybody has asked for that; an operation has no such error without a cause", s.When())
		})
	})
}

// latestCancels are Cancels of whatever operations, the latest ones.
type latestCancels struct{ list []*Seen }

const maxLatestCancels = 64

func (l *latestCancels) note(s *Seen) {
	if !cancels(s) || s.Op == nil || turnedAway(s) {
		return
	}
	if len(l.list) == maxLatestCancels {
		copy(l.list, l.list[1:])
		l.list = l.list[:maxLatestCancels-1]
	}
	l.list = append(l.list, s)
}

// other is a Cancel of another operation that may have taken effect before the
// call returned, nil without one.
func (l *latestCancels) other(s *Seen) *Seen {
	for i := len(l.list) - 1; i >= 0; i-- {
		if c := l.list[i]; c.Op != s.Op && c.Called < s.Returned {
			return c
		}
	}
	return nil
}

// judgeIndependent looks for operations that the Cancel of another one has hit.
func judgeIndependent(*Env) Machine {
	u := newUnasked()
	var latest latestCancels
	return u.machine(func(s *Seen, sink *Sink) {
		latest.note(s)
		if !about(s) || cancels(s) || len(latest.list) == 0 || len(s.Op.Looks) == 0 {
			return
		}
		c := latest.other(s)
		if c == nil {
			return
		}
		if c.Returned < s.Called && s.Op.Looks[0].First.Returned < c.Called {
			sink.exercise(s.Op)
		}
		u.hold(s, func(sink *Sink) {
			sink.exercise(s.Op)
			sink.Breach(by(c, s), "%s cancelled operation %s, and %s says that %s was cancelled, which no call of anybody has asked for; one operation's Cancel is nothing to another", c.When(), short(c.Op.ID), s.When(), short(s.Op.ID))
		})
	})
}

// judgeHarmless looks for operations that a read over HTTP has cancelled.
func judgeHarmless(*Env) Machine {
	u := newUnasked()
	var latest latestCancels
	return u.machine(func(s *Seen, sink *Sink) {
		latest.note(s)
		if !about(s) {
			return
		}
		for i := range s.Op.harmless {
			if h := &s.Op.harmless[i]; !h.counted && h.seen.Returned < s.Called {
				h.counted = true
				sink.Exercise(h.kind.String())
			}
		}
		if !isCancelled(s) {
			return
		}
		read, odd := s.Op.suspect(s)
		if read == nil {
			return
		}
		if c := latest.other(s); c != nil && c.Returned > s.Op.lastUntouched() && !odd {
			return // which may have hit the wrong one
		}
		u.hold(s, func(sink *Sink) {
			sink.Breach(evidence(read, s), "%s is %q, and %s says that the operation was cancelled, which no other call has asked for; a request that proxies and prefetchers repeat at will must not cancel", read.When(), read.HTTPRequest, s.When())
		})
	})
}

// lastUntouched is when the last call was made that did not find the operation
// cancelled.
func (op *Op) lastUntouched() time.Duration {
	var last time.Duration
	for _, l := range op.Looks {
		if !isCancelled(l.Last) {
			last = max(last, l.Last.Called)
		}
	}
	return last
}
