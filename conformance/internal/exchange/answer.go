package exchange

import (
	"fmt"
	"net/http"
	"strings"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// Answer is a response as HTTP carries it, as far as it came.
type Answer struct {
	Status          int
	Header, Trailer http.Header
	Body            []byte
	// Length is how long the body was to be, -1 if unknown.
	Length int64
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
func (c *Call) read(a Answer) received {
	if c.protocol == optestv1.Event_OTHER {
		r := received{fidelity: optestv1.Event_UNSEEN}
		if a.Status >= http.StatusBadRequest {
			r.failure = c.failed(a)
		}
		return r
	}
	if c.protocol != optestv1.Event_GRPC && !a.unseen {
		plain, ok := decompressed(a.Header.Get("Content-Encoding"), a.Body)
		if !ok && c.uncoded {
			return c.garbled(a)
		}
		a.Body, a.unseen = plain, !ok
	}
	switch {
	case c.framed() && a.unseen:
		return c.readTrailers(a)
	case c.framed():
		return c.readFrames(a)
	case a.unseen:
		return c.undecoded(a)
	case c.protocol == optestv1.Event_CONNECT:
		return c.readConnect(a)
	}
	return c.readREST(a)
}

// readFrames reads an answer of gRPC or gRPC-Web.
func (c *Call) readFrames(a Answer) received {
	web := c.protocol == optestv1.Event_GRPC_WEB
	if web {
		if subtype, ok := strings.CutPrefix(mediaType(a.Header), "application/grpc-web"); ok && textual(subtype) {
			a.Body = fromText(a.Body)
		}
	}
	f := unframed(a.Body, a.Header.Get("Grpc-Encoding"), web)
	f.frames.Trailers = place(a.Header, a.Trailer, f.trailers)
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
		r.failure = statusOf(a.Header)
	default:
		r.failure = statusOf(a.Trailer)
	}
	return r
}

// readTrailers reads an answer whose messages were not kept.
func (c *Call) readTrailers(a Answer) received {
	r := received{codec: c.codec, fidelity: optestv1.Event_UNSEEN}
	switch place(a.Header, a.Trailer, nil) {
	case optestv1.Event_Frames_ONLY:
		r.failure = statusOf(a.Header)
	case optestv1.Event_Frames_AFTER:
		r.failure = statusOf(a.Trailer)
	default:
		r.failure, r.open = &trace.Failure{Code: c.codeOf(a.Status), Message: "the answer's status was not seen"}, true
	}
	return r
}

// unfinished is an answer without a status.
func (c *Call) unfinished(a Answer, r received) received {
	if other := callOf(c.verb, "/", a.Header); other.protocol != c.protocol || a.Status != http.StatusOK {
		return c.foreign(a, a.Body)
	}
	r.failure, r.open = &trace.Failure{Message: "the answer ends without grpc-status"}, true
	return r
}

// foreign is an answer that is none of the protocol's, such as the page of a
// proxy. A request that was refused with 4xx had no effect; else nobody knows.
func (c *Call) foreign(a Answer, body []byte) received {
	r := received{
		message: body, codec: optestv1.Event_FOREIGN, open: a.Status < 400 || a.Status > 499,
		failure: &trace.Failure{Code: c.codeOf(a.Status), Message: fmt.Sprintf("HTTP %d with content type %q instead of an answer of %s", a.Status, a.Header.Get("Content-Type"), c.name())},
	}
	if c.framed() {
		r.frames = &trace.Frames{Trailers: place(a.Header, a.Trailer, nil)}
	}
	return r
}

// garbled is an answer in a coding that its client has not asked for and nobody
// understands.
func (c *Call) garbled(a Answer) received {
	r := c.foreign(a, nil)
	r.fidelity = optestv1.Event_UNSEEN
	return r
}

// undecoded is an answer whose body was not kept, or whose coding is understood by
// its client alone: its status is all that is known.
func (c *Call) undecoded(a Answer) received {
	r := received{codec: c.codec, fidelity: optestv1.Event_UNSEEN}
	if a.Status < 200 || a.Status > 299 {
		r.failure = c.failed(a)
	}
	return r
}

// failed is all that an HTTP status says.
func (c *Call) failed(a Answer) *trace.Failure {
	return &trace.Failure{Code: c.codeOf(a.Status), Message: fmt.Sprintf("HTTP %d", a.Status)}
}
