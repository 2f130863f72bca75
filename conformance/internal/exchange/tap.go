package exchange

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoregistry"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// Tap is an [http.RoundTripper] that records the calls it passes on. What it
// passes on and returns is what it was given, byte by byte, as it comes. It is safe
// for concurrent use.
type Tap struct {
	Next     http.RoundTripper
	Recorder *Recorder
	// Callers name the connections of Next. Nil: nobody knows them.
	Callers *Callers
	// All has requests recorded that are calls of no method that is known. Their
	// messages are not kept.
	All bool
}

var errClosed = errors.New("the answer was not read to its end")

// exchange is one request and its answer, of which a tap keeps copies.
type exchange struct {
	*Underway
	target       string
	length       int64 // of the request, -1 if unknown
	coding       string
	requestSeen  *capture
	answer       Answer // without the body and what comes behind it
	responseSeen *capture
}

// RoundTrip implements [http.RoundTripper].
func (t *Tap) RoundTrip(req *http.Request) (*http.Response, error) {
	target := req.URL.RequestURI()
	c := callOf(req.Method, target, req.Header)
	if !t.All && !c.unary() {
		return t.Next.RoundTrip(req)
	}
	x := &exchange{target: target, length: req.ContentLength, coding: req.Header.Get("Content-Encoding")}
	if x.length == 0 {
		x.length = -1 // with a body, it means that nobody knows
	}
	if c.framed() {
		x.coding = req.Header.Get("Grpc-Encoding")
	}
	var ctx context.Context
	x.Underway, ctx = t.Recorder.Begin(req.Context(), c, t.Callers)
	out := x.follow(ctx, req)
	x.begin(req)
	resp, err := t.Next.RoundTrip(out)
	if err != nil {
		x.Lost(err)
		x.end()
		return resp, err
	}
	x.answered(resp)
	return resp, nil
}

// keeps reports whether messages are kept.
func (x *exchange) keeps() bool { return x.unary() && !x.withheld }

// follow is the request to be sent in the place of req, which stays as it is.
func (x *exchange) follow(ctx context.Context, req *http.Request) *http.Request {
	out := req.WithContext(ctx)
	x.requestSeen = newCapture(x.recorder, x.keeps())
	if req.Body == nil || req.Body == http.NoBody {
		x.requestSeen.ended()
		return out
	}
	out.Body = &tee{ReadCloser: req.Body, capture: x.requestSeen}
	if req.GetBody != nil {
		out.GetBody = func() (io.ReadCloser, error) {
			body, err := req.GetBody()
			if err != nil {
				return nil, err
			}
			x.requestSeen.again()
			return &tee{ReadCloser: body, capture: x.requestSeen}, nil
		}
	}
	return out
}

func (x *exchange) begin(req *http.Request) {
	e := x.Event
	e.Timeout, e.RequestHeader, e.Operation = timeoutOf(req.Header), x.recorder.Fields(req.Header), cancelled(&x.Call, x.target)
	if deadline, ok := x.ctx.Deadline(); ok && e.Timeout == 0 {
		e.Timeout = max(0, time.Until(deadline))
	}
	if x.protocol == optestv1.Event_REST || x.protocol == optestv1.Event_OTHER || x.get {
		e.HTTPRequest = x.verb + " " + x.recorder.Redactor.Target(x.target)
	}
	e.Called = x.recorder.Now()
}

// answered follows the answer to its end.
func (x *exchange) answered(resp *http.Response) {
	// Whoever gets the answer may change its header.
	x.answer = Answer{Status: resp.StatusCode, Header: resp.Header.Clone(), Length: resp.ContentLength}
	x.head(x.answer)
	x.responseSeen = newCapture(x.recorder, x.keeps())
	_, upgraded := resp.Body.(io.Writer)
	_, sized := resp.Header["Content-Length"]
	// Of HTTP/2, a length of 0 that no header tells means that the header was all; after
	// one that does, there may be trailers.
	over := resp.ContentLength == 0 && (resp.ProtoMajor < 2 || !sized)
	if resp.Body == nil || resp.Body == http.NoBody || over || x.verb == http.MethodHead || upgraded {
		x.responseSeen.ended()
		x.finish(resp, io.EOF)
		return
	}
	resp.Body = &tee{ReadCloser: resp.Body, capture: x.responseSeen, end: func(err error) { x.finish(resp, err) }}
}

// finish records the call when the answer has ended with the error.
func (x *exchange) finish(resp *http.Response, err error) {
	a := x.answer
	body, lost, whole := x.responseSeen.seen(a.Length)
	if errors.Is(err, errClosed) && (whole || x.complete(body)) {
		err = io.EOF
	}
	a.Trailer, a.Body, a.unseen = resp.Trailer, body, lost
	got := x.read(a)
	x.hear(a, got)
	switch {
	case errors.Is(err, errClosed) && x.framed() && x.unreadable(got.message):
		// An answer came that the client could not read, for which it did not wait to the
		// end.
		x.Event.Outcome, x.Event.Frames, x.Event.Note = optestv1.Event_OK, nil, Unread
	case err != io.EOF:
		x.broken(a, got, err)
	default:
		x.conclude(got)
	}
	x.end()
}

// Unread is the note on an event whose message the client could not decode. What
// comes after the message was not seen.
const Unread = "the client could not decode the answer and did not wait for its status"

// unreadable reports whether a message is none of the method's.
func (x *exchange) unreadable(message []byte) bool {
	if message == nil || !x.unary() || x.codec != optestv1.Event_PROTO {
		return false
	}
	kind, err := protoregistry.GlobalTypes.FindMessageByName(x.desc.Output().FullName())
	return err == nil && proto.Unmarshal(message, kind.New().Interface()) != nil
}

// complete reports whether a body that was not read to its end has no more to say:
// who reads JSON may stop behind it.
func (x *exchange) complete(body []byte) bool {
	return (x.protocol == optestv1.Event_REST || x.protocol == optestv1.Event_CONNECT) && mediaType(x.answer.Header) == "application/json" && json.Valid(body)
}

// end records the event, with the request as far as it was sent.
func (x *exchange) end() {
	x.ask()
	x.requestSeen.release()
	if x.responseSeen != nil {
		x.responseSeen.release()
	}
	x.End()
}

// ask puts the request's message into the event.
func (x *exchange) ask() {
	e := x.Event
	if x.withheld {
		e.RequestFidelity = optestv1.Event_WITHHELD
		return
	}
	body, lost, whole := x.requestSeen.seen(x.length)
	message, ok := x.asked(body)
	if lost || !whole || !ok {
		e.RequestFidelity = optestv1.Event_UNSEEN
		return
	}
	if message != nil {
		e.Request = x.recorder.Store.Blob(message)
	}
}

// asked is the message in a request, nil if there is none.
func (x *exchange) asked(body []byte) (message []byte, ok bool) {
	switch {
	case x.get:
		return queryMessage(x.target)
	case x.framed():
		if x.text {
			body = fromText(body)
		}
		f := unframed(body, x.coding, false)
		return f.message, !f.unseen && f.frames.Partial == 0
	case x.protocol == optestv1.Event_REST && len(body) == 0:
		return nil, true
	}
	plain, ok := decompressed(x.coding, body)
	if ok && plain == nil {
		plain = []byte{}
	}
	return plain, ok
}

// queryMessage is the message in the query of a call of Connect.
func queryMessage(target string) (message []byte, ok bool) {
	query := ""
	for i := range len(target) {
		if target[i] == '?' {
			query = target[i+1:]
			break
		}
	}
	message = []byte(queryValue(query, "message"))
	if queryValue(query, "base64") != "" {
		var err error
		if message, err = base64.RawURLEncoding.AppendDecode(nil, trimPadding(message)); err != nil {
			return nil, false
		}
	}
	return decompressed(queryValue(query, "compression"), message)
}

func trimPadding(text []byte) []byte {
	for len(text) > 0 && text[len(text)-1] == '=' {
		text = text[:len(text)-1]
	}
	return text
}
