package rules

import (
	"net"

	"google.golang.org/genproto/googleapis/rpc/code"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// missed reports whether the call is a read that did not find an operation which
// was started before. What a proxy says, or a server to somebody whom it does not
// know, is no such read.
func missed(s *Seen) bool {
	return s.Is(MethodGet) && s.Request != nil && s.Failed() && s.Code() == code.Code_NOT_FOUND && speaks(s) &&
		s.Op != nil && s.Op.Start != nil && s.Op.Start.Returned < s.Called && sameParty(s.Op.Start, s)
}

// breachOfParty reports a breach where what b was told is wrong only if its caller
// may see what a's may. As tokens are not seen, that is a warning unless both calls
// have none, or are those of a driver, which names its readers.
func breachOfParty(env *Env, sink *Sink, a, b *Seen, evidence []*Seen, format string, args ...any) {
	driven := env.Header.GetObserver() == optestv1.TraceHeader_CLIENT && a.Reader() != "" && b.Reader() != ""
	if driven || env.sees(optestv1.TraceHeader_METADATA) && !authorized(a) && !authorized(b) {
		sink.Breach(evidence, format, args...)
		return
	}
	sink.Warn(evidence, format+", unless it is none of that caller's", args...)
}

// authorized reports whether a call says who makes it.
func authorized(s *Seen) bool {
	for _, name := range []string{"authorization", "cookie", "x-api-key", "x-yc-session", "proxy-authorization"} {
		if _, has := s.RequestHeader.Get(name); has {
			return true
		}
	}
	return false
}

// sameParty reports whether two calls may well be of callers with the same rights,
// by what is seen of them: tokens are not.
func sameParty(a, b *Seen) bool {
	_, known := a.RequestHeader.Get("authorization")
	_, also := b.RequestHeader.Get("authorization")
	return known == also && a.Session() == b.Session() && (b.Reader() == stranger) == (a.Reader() == stranger) && host(a) == host(b)
}

func host(s *Seen) string {
	h, _, err := net.SplitHostPort(s.Peer())
	if err != nil {
		return s.Peer()
	}
	return h
}

// patience is how many reads may miss a new operation where reads may be stale, as
// the vendor's own client lets them.
const patience = 3

// misses are the reads that did not find an operation.
type misses struct {
	count int
	late  *Seen // the last one, after another had found it
}

// judgeReadable looks for operations that can't be found while they are in
// progress.
func judgeReadable(env *Env) Machine {
	known := map[*Op]*misses{}
	return Machine{
		Call: func(s *Seen, sink *Sink) {
			switch op := s.Op; {
			case about(s) && s.Is(MethodGet) && op.Start != nil && op.Start.Returned < s.Called:
				sink.exercise(op)
				if m := known[op]; m != nil && m.late != nil && m.late.Returned < s.Called && !isDone(s) {
					breachOfParty(env, sink, op.Start, m.late, by(op.Found, m.late, s), "%s and %s find operation %s, which is still %s, and between them %s was told that there is none; an operation in progress can be read", op.Found.When(), s.When(), short(op.ID), s.Answer.Rank(), m.late.When())
					m.late = nil
				}
			case missed(s) && (op.Done == nil || op.Done.Returned >= s.Called):
				m := known[op]
				if m == nil {
					m = &misses{}
					known[op] = m
				}
				m.count++
				early := env.Eventual() && (m.count <= patience || s.Called-op.Start.Returned <= env.Window)
				switch {
				case early:
					sink.exercise(op)
				case op.Found != nil && op.Found.Returned < s.Called:
					m.late = s // it may just have ended
				default:
					sink.exercise(op)
					breachOfParty(env, sink, op.Start, s, by(op.Start, s), "%s answered with operation %s, and %s, called after that had returned, is told that there is none; a client that gives up now has started what it can't find again", op.Start.When(), short(op.ID), s.When())
				}
			}
		},
		Leave: func(op *Op, _ *Sink) { delete(known, op) },
	}
}

// judgeStillReadable looks for operations that were found before and can't be found
// any more.
func judgeStillReadable(env *Env) Machine {
	return Machine{Call: func(s *Seen, sink *Sink) {
		if s.Op == nil || !s.Is(MethodGet) {
			return
		}
		seen := s.Op.Done
		if seen == nil || seen.Returned >= s.Called {
			seen = s.Op.Found
		}
		switch {
		case about(s):
			if s.Op.Done != nil && s.Op.Done.Returned < s.Called {
				sink.exercise(s.Op)
			}
		case missed(s) && env.binds(seen, s):
			sink.exercise(s.Op)
			sink.Breach(by(seen, s), "%s said that the operation is %s, and %s is told that there is none; a client that polls slower never learns how it ended", seen.When(), seen.Answer.Rank(), s.When())
		}
	}}
}
