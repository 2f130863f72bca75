package exchange

import (
	"context"
	"errors"
	"net"
	"net/http/httptrace"
	"os"
	"sync/atomic"
	"syscall"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// Underway is a call on its way to an event. Only what a transport calls may come
// from other goroutines.
type Underway struct {
	Call
	// Event is what is known so far.
	Event    *trace.Event
	recorder *Recorder
	ctx      context.Context
	caller   atomic.Pointer[trace.Caller]
	began    atomic.Bool
	withheld bool // messages are not kept
}

// Begin returns a call with the context for its request. Callers, if it has any,
// tell who makes it on its connection; else it is who the event says.
func (r *Recorder) Begin(ctx context.Context, c Call, callers *Callers) (*Underway, context.Context) {
	e := &trace.Event{Protocol: c.protocol, Method: c.method, RequestCodec: c.codec}
	u := &Underway{Call: c, Event: e, recorder: r, ctx: ctx, withheld: r.Redactor.Withholds(c.method)}
	hooks := &httptrace.ClientTrace{WroteHeaders: func() { u.began.Store(true) }}
	if callers != nil {
		hooks.GotConn = func(info httptrace.GotConnInfo) { u.caller.Store(callers.of(info.Conn)) }
	}
	return u, httptrace.WithClientTrace(ctx, hooks)
}

// Answered puts an answer into the event. An error is why there is no more of it.
func (u *Underway) Answered(a Answer, err error) {
	u.head(a)
	got := u.read(a)
	u.hear(a, got)
	if err != nil {
		u.broken(a, got, err)
		return
	}
	u.conclude(got)
}

// head puts the head of an answer into the event.
func (u *Underway) head(a Answer) {
	u.began.Store(true)
	u.Event.HTTPStatus = uint32(a.Status)
	u.Event.ResponseHeader = u.recorder.Fields(a.Header)
}

// hear puts the rest of an answer into the event, but for how the call has ended.
func (u *Underway) hear(a Answer, got received) {
	e, store := u.Event, u.recorder.Store
	e.Trailer = u.recorder.Fields(a.Trailer)
	if got.trailer != nil {
		e.Trailer = store.Fields(u.recorder.Redactor.AppendMap(e.Trailer[:len(e.Trailer):len(e.Trailer)], got.trailer))
	}
	e.ResponseCodec, e.ResponseFidelity = got.codec, got.fidelity
	if u.withheld {
		e.ResponseFidelity = optestv1.Event_WITHHELD
		return
	}
	if got.message != nil {
		e.Response = store.Blob(got.message)
	}
	if !u.unary() {
		return
	}
	e.Frames = got.frames
	for _, m := range got.further {
		e.Frames.Further = append(e.Frames.Further, store.Blob(m))
	}
}

// broken is the outcome of a call whose answer has not come to its end.
func (u *Underway) broken(a Answer, got received, err error) {
	if u.Event.Response != nil && got.frames == nil {
		u.Event.Response = trace.CutBlob(got.message, max(len(got.message)+1, int(a.Length)))
	}
	u.Lost(err)
}

// conclude is the outcome of a call whose answer was read to its end.
func (u *Underway) conclude(got received) {
	e := u.Event
	switch {
	case got.failure == nil:
		e.Outcome = optestv1.Event_OK
	case got.open:
		e.Outcome, e.Failure = optestv1.Event_INDETERMINATE, got.failure
	default:
		e.Outcome, e.Failure = optestv1.Event_FAILED, got.failure
	}
}

// Lost is the outcome of a call whose answer has not come, or not all of it.
func (u *Underway) Lost(err error) {
	cause := optestv1.Event_Failure_RESET
	var dial *net.OpError
	switch {
	case errors.Is(u.ctx.Err(), context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded):
		cause = optestv1.Event_Failure_TIMEOUT
	case u.ctx.Err() != nil || errors.Is(err, errClosed):
		cause = optestv1.Event_Failure_CANCELLED
	case !u.began.Load() || errors.Is(err, syscall.ECONNREFUSED) || errors.As(err, &dial) && dial.Op == "dial":
		cause = optestv1.Event_Failure_LOCAL_ERROR
	}
	u.Event.Outcome = optestv1.Event_INDETERMINATE
	u.Event.Failure = &trace.Failure{Cause: cause, Message: err.Error()}
}

// End hands the event on.
func (u *Underway) End() {
	if caller := u.caller.Load(); caller != nil {
		u.Event.Caller = caller
	}
	u.recorder.End(u.Event)
}
