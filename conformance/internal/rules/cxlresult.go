package rules

import (
	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/genproto/googleapis/rpc/code"
)

// judgeCancelledResult looks for operations that were cancelled and are done with
// neither an error nor what success is.
func judgeCancelledResult(*Env) Machine {
	return Machine{Call: func(s *Seen, sink *Sink) {
		if !about(s) || !isDone(s) {
			return
		}
		op := s.Op
		c := op.CancelBefore(s)
		if c == nil && cancels(s) {
			c = s
		}
		if c == nil || op.Done != nil && op.Done.Returned < c.Called {
			return
		}
		sink.exercise(op)
		response := s.Answer.GetResponse()
		switch {
		case s.Answer.Outcome() == "neither":
			sink.Breach(evidence(c, s), "the operation was cancelled by %s, and %s says that it is done and has neither error nor response; an operation that Cancel has ended has an error, and one that came first a response", c.When(), s.When())
		case response != nil && op.Method != nil && op.Method.Response != "" && response.MessageName() != op.Method.Response:
			sink.Breach(evidence(c, s), "the operation was cancelled by %s, and %s says that it is done with a response of type %s; success is a %s, and what Cancel has ended has an error", c.When(), s.When(), response.MessageName(), op.Method.Response)
		}
	}}
}

// wouldSucceed reports whether the operation is a copy of the desktop whose copy
// succeeds.
func wouldSucceed(env *Env, start *Seen) bool {
	if start == nil || env.Desktops.Succeeds == "" {
		return false
	}
	request := start.Request
	if start.Op != nil && start.Op.Start == start {
		request = start.Op.Request
	}
	r, ok := request.(*clouddesktop.CopyFromDesktopRequest)
	return ok && r.GetDesktopId() == env.Desktops.Succeeds
}

// judgeCancelledCode looks for operations that would have succeeded, were cancelled
// and ended with another error.
func judgeCancelledCode(env *Env) Machine {
	return Machine{Call: func(s *Seen, sink *Sink) {
		if !about(s) || !isDone(s) || !hasError(s) || s.Op.Doubtful || !wouldSucceed(env, s.Op.Start) {
			return
		}
		op := s.Op
		c := op.CancelBefore(s)
		if c == nil || op.Failing != nil && op.Failing.Returned < c.Called || op.Done != nil && op.Done.Returned < c.Called {
			return
		}
		sink.exercise(op)
		if got := s.Answer.GetError().GetCode(); got != int32(code.Code_CANCELLED) && s.Fresh {
			sink.Breach(by(c, s), "the operation would have succeeded but was cancelled by %s, and in %s its error has the code %s", c.When(), s.When(), code.Code(got))
		}
	}}
}
