package rules

import (
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/genproto/googleapis/rpc/code"
)

// judgeUnknown looks for calls of a method about no operation at all, and about one
// that nobody has started, that were answered as if there was one.
func judgeUnknown(method string) func(*Env) Machine {
	return func(env *Env) Machine { return unknown(env, method) }
}

func unknown(env *Env, method string) Machine {
	var waiting held
	// The server's own stamp of the first operation that was started before our eyes:
	// of one that is as young, we would have seen the start.
	var oldest time.Time
	blind := false
	return Machine{
		Call: func(s *Seen, sink *Sink) {
			waiting.release(s, sink)
			switch {
			case s.Starts() && s.OK() && s.Answer == nil:
				blind = true
			case s.Starts() && s.OK():
				if at := s.Answer.GetCreatedAt(); oldest.IsZero() && at.CheckValid() == nil {
					oldest = at.AsTime()
				}
			}
			if !s.Is(method) || s.Request == nil || harmless(s) && method == MethodCancel {
				return
			}
			switch id, _ := askedFor(s); {
			case id == "":
				judgeNoID(s, sink)
			case id == env.Foreign:
			case s.Op == nil && s.Failed() && (s.Code() == code.Code_NOT_FOUND || s.Code() == code.Code_PERMISSION_DENIED):
				sink.Exercise("unknown/" + s.Protocol.String())
			case env.World && s.Answer != nil && s.Op.Start == nil && s.Op.Gone == nil && s.Op.Reads == 0:
				waiting.hold(s, func(sink *Sink) {
					if s.Op.Start != nil || blind || oldest.IsZero() || older(env, s.Answer, oldest) {
						return
					}
					sink.Exercise("unknown/" + s.Protocol.String())
					sink.Breach(by(s), "%s: the server tells of an operation %s that no call has started, although every call which starts any is seen here; an id that nobody was given is NOT_FOUND, or a mistyped one seems to be at work", s.When(), short(id))
				})
			}
		},
		End: waiting.end,
	}
}

func judgeNoID(s *Seen, sink *Sink) {
	if !speaks(s) {
		return
	}
	sink.Exercise("empty/" + s.Protocol.String())
	if !refused(s) {
		sink.Breach(by(s), "%s: the request names no operation and the call ended with %s; operation_id is required, so that only INVALID_ARGUMENT is right", s.When(), ending(s))
	}
}

// older reports whether the operation may be from before the time, by the
// server's clock. One without a stamp is not: none that is real lacks it.
func older(env *Env, a *Answer, than time.Time) bool {
	at := a.GetCreatedAt()
	if at.CheckValid() != nil {
		return false
	}
	return at.AsTime().Before(than) || at.AsTime().Equal(than) && !env.Virtual()
}

// judgeAbsent looks for images of a desktop that does not exist.
func judgeAbsent(env *Env) Machine {
	asked := func(m any) bool {
		r, ok := m.(*clouddesktop.CopyFromDesktopRequest)
		return ok && env.Desktops.Absent != "" && r.GetDesktopId() == env.Desktops.Absent
	}
	return Machine{
		Call: func(s *Seen, sink *Sink) {
			if s.Is(MethodCreate) && s.Failed() && speaks(s) && asked(s.Request) && len(excesses(s.Request)) == 0 {
				sink.Exercise("refused/" + s.Protocol.String())
			}
		},
		Look: func(s *Seen, sink *Sink) {
			if !s.Answer.GetDone() || s.Op.Start == nil || !asked(s.Op.Request) {
				return
			}
			sink.Exercise(s.Op.ID)
			if s.Answer.Outcome() == "response" {
				sink.breachOf(s.Op, by(s.Op.Start, s), "%s: the operation succeeded in copying from the desktop %s, which does not exist; there is nothing that the image could be a copy of", s.When(), short(env.Desktops.Absent))
			}
		},
	}
}
