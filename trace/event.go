// Package trace is what one observer saw of calls: the journal of the mock
// server, a hook in a client, a proxy. It is the one form in which all of them
// hand their observations to the rules, in memory and in files.
//
// An [Event] is one call with its begin and end on its observer's clock, the
// bytes of request and response before anything decoded them, headers, trailers
// and outcome. The schema is optest.v1 in proto/optest/v1/trace.proto; a file is
// a line of JSON for each [Writer.Write], read back by a [Reader].
//
// Clocks of two observers are never compared: a [Trace] holds the events of one,
// and [Merge] joins only parts of the same.
package trace

import (
	"bytes"
	"slices"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// Event is one call as one observer saw it. The message optest.v1.Event says
// what each field means; in memory an event is a struct of its own because it
// takes 300 to 500 bytes where the message, whose durations, headers and nested
// messages are an allocation each, takes 2,000.
//
// An event that has been recorded does not change, so events may share all that
// they point to. To alter one, copy the struct and replace what differs.
type Event struct {
	// Number names the event in its trace, from 1. It is not an order.
	Number uint64
	// Called and Returned are since the start in the trace's header, by the clock
	// named there. Only they order events: one happened before another if it
	// returned before the other was called.
	Called, Returned time.Duration
	// Timeout is 0 where the client gave none.
	Timeout time.Duration

	// Caller may be nil, if nothing is known. [Event.Connection] and the like
	// allow for that.
	Caller *Caller

	// Method is `package.Service/Method`, empty where the request names none.
	Method string
	// HTTPRequest is method and target, such as `GET /operations/fv4:cancel`. It is
	// empty over gRPC.
	HTTPRequest string

	// Request and Response are nil where there was no message or, as the fidelity
	// says, where it was not kept.
	Request, Response             *Blob
	RequestHeader, ResponseHeader Fields
	// Trailer is the response's.
	Trailer Fields
	// Frames is nil where the observer does not see them.
	Frames *Frames

	Protocol                          optestv1.Event_Protocol
	RequestCodec, ResponseCodec       optestv1.Event_Codec
	RequestFidelity, ResponseFidelity optestv1.Event_Fidelity
	// HTTPStatus is 0 where there was none or the observer does not see it.
	HTTPStatus uint32

	Outcome optestv1.Event_Outcome
	// Failure is nil if the outcome is OK.
	Failure *Failure

	// Operation is the id of the operation that the call was about, where the
	// observer knows it.
	Operation string
	// Played is nil where no mock server played the answer.
	Played *Play
	Note   string
}

// Caller is who called. Events share it.
type Caller struct {
	Connection, Reader, Peer, Session string
}

// Frames is how a response was framed. Events share it.
type Frames struct {
	// Messages counts the whole ones, Compressed those of them that were flagged so.
	Messages, Compressed uint32
	// Partial counts the bytes of a message that was cut short.
	Partial  uint32
	Trailers optestv1.Event_Frames_Trailers
	// Further are messages beyond the first.
	Further []*Blob
}

// Failure is what is known of a call that did not end with OK.
type Failure struct {
	Code    code.Code
	Message string
	// Details is an encoded google.rpc.Status.
	Details []byte
	Cause   optestv1.Event_Failure_Cause
}

// Play is what a mock server's answer comes from. Events share it.
type Play struct {
	Scenario, Step string
	Faults         []AppliedFault
}

// AppliedFault is a fault that hit the call.
type AppliedFault struct {
	Name string
	// Effect is its kind, such as `delay`.
	Effect string
	// Scenario has the fault. Empty: it was injected.
	Scenario string
}

// Connection is the caller's, empty if unknown.
func (e *Event) Connection() string { return e.caller().Connection }

// Reader is the caller's, empty if unknown.
func (e *Event) Reader() string { return e.caller().Reader }

// Peer is the caller's, empty if unknown.
func (e *Event) Peer() string { return e.caller().Peer }

// Session is the caller's, empty if there is none.
func (e *Event) Session() string { return e.caller().Session }

func (e *Event) caller() Caller {
	if e.Caller == nil {
		return Caller{}
	}
	return *e.Caller
}

// Code is that of a call that failed, OK if it did not. Of a call whose outcome
// is INDETERMINATE it says nothing.
func (e *Event) Code() code.Code {
	if e.Failure == nil {
		return code.Code_OK
	}
	return e.Failure.Code
}

// Before reports whether the event ended before the other began. Both must be of
// one observer. If neither is before the other, they overlap.
func (e *Event) Before(other *Event) bool { return e.Returned < other.Called }

// Equal reports whether both say the same.
func (e *Event) Equal(other *Event) bool {
	return e.Number == other.Number && e.Called == other.Called && e.Returned == other.Returned && e.Timeout == other.Timeout &&
		e.RequestHeader.Equal(other.RequestHeader) && e.ResponseHeader.Equal(other.ResponseHeader) && e.Trailer.Equal(other.Trailer) &&
		e.alike(other)
}

// alike compares what the events of a run have in common.
func (e *Event) alike(other *Event) bool {
	return e.Method == other.Method && e.HTTPRequest == other.HTTPRequest && e.Operation == other.Operation && e.Note == other.Note &&
		e.Protocol == other.Protocol && e.HTTPStatus == other.HTTPStatus && e.Outcome == other.Outcome &&
		e.RequestCodec == other.RequestCodec && e.ResponseCodec == other.ResponseCodec &&
		e.RequestFidelity == other.RequestFidelity && e.ResponseFidelity == other.ResponseFidelity &&
		e.caller() == other.caller() && e.Request.Equal(other.Request) && e.Response.Equal(other.Response) &&
		e.Frames.equal(other.Frames) && e.Failure.equal(other.Failure) && e.Played.equal(other.Played)
}

func (f *Frames) equal(other *Frames) bool {
	if f == nil || other == nil {
		return f == other
	}
	return f == other || f.Messages == other.Messages && f.Compressed == other.Compressed && f.Partial == other.Partial &&
		f.Trailers == other.Trailers && slices.EqualFunc(f.Further, other.Further, (*Blob).Equal)
}

func (f *Failure) equal(other *Failure) bool {
	if f == nil || other == nil {
		return f == other
	}
	return f == other || f.Code == other.Code && f.Message == other.Message && f.Cause == other.Cause && bytes.Equal(f.Details, other.Details)
}

func (p *Play) equal(other *Play) bool {
	if p == nil || other == nil {
		return p == other
	}
	return p == other || p.Scenario == other.Scenario && p.Step == other.Step && slices.Equal(p.Faults, other.Faults)
}
