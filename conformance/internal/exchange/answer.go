package exchange

import (
	"fmt"
	"net/http"

	"google.golang.org/genproto/googleapis/rpc/code"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// answer is a response as HTTP carries it, read to its end.
type answer struct {
	status          int
	header, trailer http.Header
	body            []byte
	// unseen: the body was not kept, or not all of it.
	unseen bool
}

// received is what an answer says.
type received struct {
	message  []byte // nil: none
	codec    optestv1.Event_Codec
	fidelity optestv1.Event_Fidelity
	further  [][]byte
	frames   *trace.Frames
	trailer  http.Header    // what the body has of them
	failure  *trace.Failure // nil: OK
	open     bool           // nobody knows whether the call took effect
}

// read never fails: what an answer is that is none of the protocol, the received
// says.
func (c *call) read(a answer) received {
	switch c.protocol {
	case optestv1.Event_GRPC, optestv1.Event_GRPC_WEB:
		return c.readFrames(a)
	case optestv1.Event_CONNECT:
		return c.readConnect(a)
	case optestv1.Event_REST:
		return c.readREST(a)
	}
	r := received{fidelity: optestv1.Event_UNSEEN}
	if a.status >= http.StatusBadRequest {
		r.failure = &trace.Failure{Code: codeOfREST(a.status), Message: fmt.Sprintf("HTTP %d", a.status)}
	}
	return r
}

// readFrames reads an answer of gRPC or gRPC-Web.
func (c *call) readFrames(a answer) received {
	web := c.protocol == optestv1.Event_GRPC_WEB
	if web && !a.unseen {
		plain, ok := decompressed(a.header.Get("Content-Encoding"), a.body)
		a.body, a.unseen = plain, !ok
		if kind := mediaType(a.header); kind == "application/grpc-web-text" || kind == "application/grpc-web-text+proto" {
			a.body = fromText(a.body)
		}
	}
	if a.unseen {
		return c.readTrailers(a)
	}
	f := unframed(a.body, a.header.Get("Grpc-Encoding"), web)
	f.frames.Trailers = place(a.header, a.trailer, f.trailers)
	r := received{message: f.message, codec: c.codec, further: f.further, frames: &f.frames, trailer: f.trailers}
	if f.unseen {
		r.fidelity = optestv1.Event_UNSEEN
	}
	switch f.frames.Trailers {
	case optestv1.Event_Frames_MISSING:
		return c.unfinished(a, r)
	case optestv1.Event_Frames_IN_BODY:
		r.failure = statusOf(f.trailers)
	case optestv1.Event_Frames_ONLY:
		r.failure = statusOf(a.header)
	default:
		r.failure = statusOf(a.trailer)
	}
	return r
}

// readTrailers reads an answer whose messages were not kept.
func (c *call) readTrailers(a answer) received {
	r := received{codec: c.codec, fidelity: optestv1.Event_UNSEEN}
	switch place(a.header, a.trailer, nil) {
	case optestv1.Event_Frames_ONLY:
		r.failure = statusOf(a.header)
	case optestv1.Event_Frames_AFTER:
		r.failure = statusOf(a.trailer)
	default:
		r.failure, r.open = &trace.Failure{Code: codeOfHTTP(a.status), Message: "the answer's status was not seen"}, true
	}
	return r
}

// unfinished is an answer without a status.
func (c *call) unfinished(a answer, r received) received {
	if other := callOf(c.verb, "/", a.header); other.protocol != c.protocol || a.status != http.StatusOK {
		r = c.foreign(a, a.body, codeOfHTTP(a.status))
		r.frames = &trace.Frames{Trailers: optestv1.Event_Frames_MISSING}
		return r
	}
	r.failure, r.open = &trace.Failure{Message: "the answer ends without grpc-status"}, true
	return r
}

// foreign is an answer that is none of the protocol's, such as the page of a
// proxy. A request that was refused with 4xx had no effect; else nobody knows.
func (c *call) foreign(a answer, body []byte, code code.Code) received {
	return received{
		message: body, codec: optestv1.Event_FOREIGN, open: a.status < 400 || a.status > 499,
		failure: &trace.Failure{Code: code, Message: fmt.Sprintf("HTTP %d with content type %q instead of an answer of %s", a.status, a.header.Get("Content-Type"), c.protocol)},
	}
}

// undecoded is an answer whose body was not kept, or whose coding is not
// understood: its status is all that is known.
func (c *call) undecoded(a answer, code code.Code) received {
	r := received{codec: c.codec, fidelity: optestv1.Event_UNSEEN}
	if a.status < 200 || a.status > 299 {
		r.failure = &trace.Failure{Code: code, Message: fmt.Sprintf("HTTP %d", a.status)}
	}
	return r
}
