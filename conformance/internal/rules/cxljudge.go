package rules

import (
	"errors"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/genproto/googleapis/rpc/code"

	"github.com/optest-dev/optest/trace"
)

func judgeCancelAnswer(*Env) Machine {
	return Machine{Call: func(s *Seen, sink *Sink) {
		id, named := askedFor(s)
		if !s.Is(MethodCancel) || harmless(s) || !s.OK() || !named {
			return
		}
		if s.Answer == nil {
			if !errors.Is(s.ResponseErr, trace.ErrNoMessage) {
				sink.Exercise(id)
				sink.Breach(by(s), "%s ended with OK, and its answer is no Operation: %v", s.When(), s.ResponseErr)
			}
			return
		}
		sink.Exercise(id)
		if got := s.Answer.GetId(); got != id {
			sink.Breach(by(s), "%s was about operation %s, and its answer is about %q; it has to tell the status of the one that is being cancelled", s.When(), short(id), short(got))
		}
	}}
}

// cancelAfter is a Cancel that was called after e had returned and that s is, or
// was called after. Nil: there is none.
func cancelAfter(e, s *Seen) *Seen {
	if s.Is(MethodCancel) && !harmless(s) && e.Returned < s.Called {
		return s
	}
	for _, c := range s.Op.Cancels {
		if e.Returned < c.Called && c.Returned < s.Called {
			return c
		}
	}
	return nil
}

func judgeCancelOfDone(env *Env) Machine {
	return Machine{Call: func(s *Seen, sink *Sink) {
		if s.Op == nil || s.Op.Done == nil {
			return
		}
		done := s.Op.Done
		c := cancelAfter(done, s)
		if c == nil {
			return
		}
		if c == s && brokenBy(s) {
			sink.Exercise(s.Op.ID)
			sink.Breach(by(done, s), "%s said that the operation is done, and %s ended with %s; of an operation that is completed, Cancel tells the status or that it can't be cancelled", done.When(), s.When(), s.Code())
			return
		}
		if !about(s) {
			if c == s && s.Failed() && s.Code() == code.Code_FAILED_PRECONDITION {
				sink.Exercise(s.Op.ID)
			}
			return
		}
		sink.Exercise(s.Op.ID)
		was, is := done.Answer, s.Answer
		switch {
		case !isDone(s) && before(done, s, int64(env.Window)) == nil:
		case !isDone(s):
			sink.Breach(by(done, c, s), "%s said that the operation is done, it was cancelled by %s, and %s says that it is %s; nothing is left to be cancelled of an operation that is completed", done.When(), c.When(), s.When(), is.Rank())
		case was.Outcome() != is.Outcome() || was.GetError().GetCode() != is.GetError().GetCode() || imageOfResult(was) != imageOfResult(is):
			sink.Breach(by(done, c, s), "%s said that the operation is done with %s, it was cancelled by %s, and %s says that it is done with %s; nothing is left to be cancelled of an operation that is completed", done.When(), outcomeText(was), c.When(), s.When(), outcomeText(is))
		}
	}}
}

// brokenBy reports whether a call failed in a way that nobody but the server is to
// blame for.
func brokenBy(s *Seen) bool {
	return s.Failed() && (s.Code() == code.Code_INTERNAL || s.Code() == code.Code_DATA_LOSS)
}

func imageOfResult(a *Answer) string {
	if a.Image == nil {
		return ""
	}
	return a.Image.GetId()
}

func outcomeText(a *Answer) string {
	if e := a.GetError(); e != nil {
		return "the error " + code.Code(e.GetCode()).String()
	}
	return a.Outcome()
}

func judgeCancelledResult(*Env) Machine {
	return Machine{Call: func(s *Seen, sink *Sink) {
		if !about(s) || !isDone(s) {
			return
		}
		c := s.Op.CancelBefore(s)
		if c == nil && s.Is(MethodCancel) && !harmless(s) {
			c = s
		}
		if c == nil || s.Op.Done != nil && s.Op.Done.Returned < c.Called {
			return
		}
		sink.Exercise(s.Op.ID)
		response := s.Answer.GetResponse()
		switch {
		case s.Answer.Outcome() == "neither":
			sink.Breach(by(c, s), "the operation was cancelled by %s, and %s says that it is done and has neither error nor response; an operation that Cancel has ended has an error, and one that came first a response", c.When(), s.When())
		case response != nil && s.Op.Method != nil && s.Op.Method.Response != "" && response.MessageName() != s.Op.Method.Response:
			sink.Breach(by(c, s), "the operation was cancelled by %s, and %s says that it is done with a response of type %s; success is a %s, and what Cancel has ended has an error", c.When(), s.When(), response.MessageName(), s.Op.Method.Response)
		}
	}}
}

// wouldSucceed reports whether the operation is a copy of the desktop whose copy
// succeeds.
func wouldSucceed(env *Env, start *Seen) bool {
	if start == nil || env.Desktops.Succeeds == "" {
		return false
	}
	r, ok := start.Request.(*clouddesktop.CopyFromDesktopRequest)
	return ok && r.GetDesktopId() == env.Desktops.Succeeds
}

func judgeCancelledCode(env *Env) Machine {
	return Machine{Call: func(s *Seen, sink *Sink) {
		if !about(s) || !isDone(s) || !hasError(s) || !wouldSucceed(env, s.Op.Start) {
			return
		}
		c := s.Op.CancelBefore(s)
		if c == nil || s.Op.Failing != nil && s.Op.Failing.Returned < c.Called {
			return
		}
		sink.Exercise(s.Op.ID)
		if got := s.Answer.GetError().GetCode(); got != int32(code.Code_CANCELLED) {
			sink.Breach(by(c, s), "the operation would have succeeded but was cancelled by %s, and in %s its error has the code %s", c.When(), s.When(), code.Code(got))
		}
	}}
}

func judgeSecondCancel(env *Env) Machine {
	return Machine{Call: func(s *Seen, sink *Sink) {
		if s.Op == nil {
			return
		}
		var first, second *Seen
		for _, c := range s.Op.Cancels {
			switch {
			case first == nil && c.OK():
				first = c
			case first != nil && first.Returned < c.Called:
				second = c
			}
		}
		if s.Is(MethodCancel) && !harmless(s) {
			if first == nil || first.Returned >= s.Called {
				return
			}
			sink.Exercise(s.Op.ID)
			switch s.Code() {
			case code.Code_INTERNAL, code.Code_DATA_LOSS, code.Code_INVALID_ARGUMENT, code.Code_NOT_FOUND, code.Code_ALREADY_EXISTS, code.Code_OUT_OF_RANGE:
				if s.Failed() {
					sink.Breach(by(first, s), "%s ended with OK, and %s, a second one, with %s; to cancel again what is being cancelled, or is over, tells the status or that it can't be cancelled", first.When(), s.When(), s.Code())
				}
			}
			second = s
		}
		if second == nil || !about(s) || second != s && second.Returned >= s.Called {
			return
		}
		for _, e := range []*Seen{s.Op.Done, s.Op.Failing} {
			if e != nil && e.Returned < second.Called && e.Answer.Rank() > s.Answer.Rank() && before(e, s, int64(env.Window)) != nil {
				sink.Breach(by(e, second, s), "%s said that the operation is %s, %s cancelled it a second time, and %s says that it is %s; a Cancel starts nothing again", e.When(), e.Answer.Rank(), second.When(), s.When(), s.Answer.Rank())
				return
			}
		}
	}}
}

// isCancelled reports whether the answer says that the operation was cancelled.
func isCancelled(s *Seen) bool {
	return about(s) && s.Answer.GetError().GetCode() == int32(code.Code_CANCELLED)
}

// judgeCause looks for operations that were cancelled by nobody.
func judgeCause(*Env) Machine {
	var waiting held
	judged := map[string]bool{}
	return Machine{
		Call: func(s *Seen, sink *Sink) {
			waiting.release(s, sink)
			if !isCancelled(s) {
				return
			}
			if s.Op.CancelBefore(s) != nil || s.Is(MethodCancel) {
				sink.Exercise(s.Op.ID)
				return
			}
			if judged[s.Op.ID] || s.Op.Start == nil {
				return
			}
			remember(judged, s.Op.ID)
			waiting.hold(s, func(sink *Sink) {
				if s.Op.CancelBefore(s) == nil {
					sink.Exercise(s.Op.ID)
					sink.Breach(by(s), "%s says that the operation was cancelled, and no call of anybody has done so; an operation has no such error without a cause", s.When())
				}
			})
		},
		End: waiting.end,
	}
}

func remember(known map[string]bool, id string) {
	if len(known) >= maxOps {
		clear(known)
	}
	known[id] = true
}

// judgeIndependent looks for operations that the Cancel of another one has hit.
func judgeIndependent(*Env) Machine {
	var waiting held
	var cancels []*Seen // of whatever operation, the latest
	judged := map[string]bool{}
	others := func(s *Seen, is func(c *Seen) bool) *Seen {
		for _, c := range cancels {
			if c.Op != s.Op && c.Called < s.Returned && !turnedAway(c) && is(c) {
				return c
			}
		}
		return nil
	}
	return Machine{
		Call: func(s *Seen, sink *Sink) {
			waiting.release(s, sink)
			if s.Is(MethodCancel) && !harmless(s) && s.Op != nil {
				const most = 64
				if len(cancels) == most {
					cancels = cancels[1:]
				}
				cancels = append(cancels, s)
			}
			if !about(s) || s.Is(MethodCancel) {
				return
			}
			if len(s.Op.Looks) > 0 && others(s, func(c *Seen) bool { return c.Returned < s.Called && s.Op.Looks[0].First.Returned < c.Called }) != nil {
				sink.Exercise(s.Op.ID)
			}
			c := others(s, func(*Seen) bool { return true })
			if c == nil || !isCancelled(s) || judged[s.Op.ID] || s.Op.Start == nil || s.Op.CancelBefore(s) != nil {
				return
			}
			remember(judged, s.Op.ID)
			waiting.hold(s, func(sink *Sink) {
				if s.Op.CancelBefore(s) == nil {
					sink.Exercise(s.Op.ID)
					sink.Breach(by(c, s), "%s cancelled operation %s, and %s says that %s was cancelled, which no call of anybody has done; one operation's Cancel is nothing to another", c.When(), short(c.Op.ID), s.When(), short(s.Op.ID))
				}
			})
		},
		End: waiting.end,
	}
}

// judgeHarmless looks for operations that a read over HTTP has cancelled.
func judgeHarmless(*Env) Machine {
	var waiting held
	judged := map[string]bool{}
	return Machine{
		Call: func(s *Seen, sink *Sink) {
			waiting.release(s, sink)
			if !about(s) {
				return
			}
			var read *Seen
			for _, h := range s.Op.Harmless {
				if h.Called < s.Returned {
					read = h
				}
			}
			if read == nil {
				return
			}
			if read.Returned < s.Called {
				sink.Exercise(s.Op.ID)
			}
			if !isCancelled(s) || judged[s.Op.ID] || s.Is(MethodCancel) && !harmless(s) || s.Op.CancelBefore(s) != nil {
				return
			}
			remember(judged, s.Op.ID)
			waiting.hold(s, func(sink *Sink) {
				if s.Op.CancelBefore(s) == nil {
					sink.Breach(by(read, s), "%s is %q, and %s says that the operation was cancelled, which no other call has done; a request that proxies and prefetchers repeat at will must not cancel", read.When(), read.HTTPRequest, s.When())
				}
			})
		},
		End: waiting.end,
	}
}
