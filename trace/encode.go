package trace

import (
	"strconv"

	"google.golang.org/genproto/googleapis/rpc/code"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// The JSON of events is that of package protojson, written by hand because it is
// written for every call. A test holds the two together.

// appendRun appends a line for the event and those that repeat it.
func appendRun(buf []byte, r *Run) []byte {
	e := r.First
	o := object{append(buf, `{"event":`...), '{'}
	if e.Number != 0 {
		o.key("number")
		o.buf = append(strconv.AppendUint(append(o.buf, '"'), e.Number, 10), '"')
	}
	o.span("called", e.Called)
	o.span("returned", e.Returned)
	if e.Timeout != 0 {
		o.span("timeout", e.Timeout)
	}
	if c := e.caller(); c != (Caller{}) {
		o.key("caller")
		inner := object{o.buf, '{'}
		inner.text("connection", c.Connection)
		inner.text("reader", c.Reader)
		inner.text("peer", c.Peer)
		inner.text("session", c.Session)
		o.buf = inner.end()
	}
	o.enum("protocol", int32(e.Protocol), optestv1.Event_Protocol_name)
	o.text("method", e.Method)
	o.text("httpRequest", e.HTTPRequest)
	o.count("httpStatus", e.HTTPStatus)
	o.blob("request", e.Request)
	o.enum("requestCodec", int32(e.RequestCodec), optestv1.Event_Codec_name)
	o.enum("requestFidelity", int32(e.RequestFidelity), optestv1.Event_Fidelity_name)
	o.fields("requestHeader", e.RequestHeader)
	o.blob("response", e.Response)
	o.enum("responseCodec", int32(e.ResponseCodec), optestv1.Event_Codec_name)
	o.enum("responseFidelity", int32(e.ResponseFidelity), optestv1.Event_Fidelity_name)
	o.fields("responseHeader", e.ResponseHeader)
	o.fields("responseTrailer", e.Trailer)
	o.frames(e.Frames)
	o.enum("outcome", int32(e.Outcome), optestv1.Event_Outcome_name)
	o.failure(e.Failure)
	o.text("operation", e.Operation)
	o.played(e.Played)
	o.text("note", e.Note)
	o.repeat(r.repeat)
	return append(o.end(), '}', '\n')
}

func (o *object) frames(f *Frames) {
	if f == nil {
		return
	}
	o.key("frames")
	inner := object{o.buf, '{'}
	inner.count("messages", f.Messages)
	inner.count("compressed", f.Compressed)
	inner.count("partial", f.Partial)
	inner.enum("trailers", int32(f.Trailers), optestv1.Event_Frames_Trailers_name)
	if len(f.Further) > 0 {
		inner.key("further")
		for i, b := range f.Further {
			sep := byte(',')
			if i == 0 {
				sep = '['
			}
			inner.buf = appendID(append(inner.buf, sep), b.ID())
		}
		inner.buf = append(inner.buf, ']')
	}
	o.buf = inner.end()
}

func (o *object) failure(f *Failure) {
	if f == nil {
		return
	}
	o.key("failure")
	inner := object{o.buf, '{'}
	inner.enum("code", int32(f.Code), code.Code_name)
	inner.text("message", f.Message)
	inner.bytes("details", f.Details)
	inner.enum("cause", int32(f.Cause), optestv1.Event_Failure_Cause_name)
	o.buf = inner.end()
}

func (o *object) played(p *Play) {
	if p == nil {
		return
	}
	o.key("played")
	inner := object{o.buf, '{'}
	inner.text("scenario", p.Scenario)
	inner.text("step", p.Step)
	if len(p.Faults) > 0 {
		inner.key("faults")
		for i, f := range p.Faults {
			sep := byte(',')
			if i == 0 {
				sep = '['
			}
			fault := object{append(inner.buf, sep), '{'}
			fault.text("name", f.Name)
			fault.text("effect", f.Effect)
			fault.text("scenario", f.Scenario)
			inner.buf = fault.end()
		}
		inner.buf = append(inner.buf, ']')
	}
	o.buf = inner.end()
}
