package exchange

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoregistry"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
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

// exchange is one request and its answer.
type exchange struct {
	call
	recorder           *Recorder
	event              *trace.Event
	ctx                context.Context
	target             string
	length             int64 // of the request, -1 if unknown
	coding             string
	requestSeen        *capture
	answer             *http.Response
	responseSeen       *capture
	caller             atomic.Pointer[trace.Caller]
	began              atomic.Bool
	header             trace.Fields // of the answer
	withheld, messages bool
}

// RoundTrip implements [http.RoundTripper].
func (t *Tap) RoundTrip(req *http.Request) (*http.Response, error) {
	target := req.URL.RequestURI()
	c := callOf(req.Method, target, req.Header)
	if !t.All && !c.unary() {
		return t.Next.RoundTrip(req)
	}
	x := &exchange{call: c, recorder: t.Recorder, target: target, length: req.ContentLength, coding: req.Header.Get("Content-Encoding")}
	if x.length == 0 {
		x.length = -1 // with a body, it means that nobody knows
	}
	if c.framed() {
		x.coding = req.Header.Get("Grpc-Encoding")
	}
	x.withheld = t.Recorder.Redactor.Withholds(c.method)
	x.messages = c.unary() && !x.withheld
	out := x.follow(req, t.Callers)
	x.event = x.begin(req)
	resp, err := t.Next.RoundTrip(out)
	if err != nil {
		x.lost(err)
		x.end()
		return resp, err
	}
	x.answered(resp)
	return resp, nil
}

// follow is the request to be sent in the place of req, which stays as it is.
func (x *exchange) follow(req *http.Request, callers *Callers) *http.Request {
	x.ctx = req.Context()
	hooks := &httptrace.ClientTrace{WroteHeaders: func() { x.began.Store(true) }}
	if callers != nil {
		hooks.GotConn = func(info httptrace.GotConnInfo) { x.caller.Store(callers.of(info.Conn)) }
	}
	out := req.WithContext(httptrace.WithClientTrace(x.ctx, hooks))
	x.requestSeen = newCapture(x.recorder, x.messages)
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

func (x *exchange) begin(req *http.Request) *trace.Event {
	e := &trace.Event{
		Protocol: x.protocol, Method: x.method, RequestCodec: x.codec, Timeout: timeoutOf(req.Header),
		RequestHeader: x.recorder.Fields(req.Header), Operation: cancelled(&x.call, x.target),
	}
	if deadline, ok := x.ctx.Deadline(); ok && e.Timeout == 0 {
		e.Timeout = max(0, time.Until(deadline))
	}
	if x.protocol == optestv1.Event_REST || x.protocol == optestv1.Event_OTHER || x.get {
		e.HTTPRequest = x.verb + " " + x.recorder.Redactor.Target(x.target)
	}
	e.Called = x.recorder.Now()
	return e
}

// answered follows the answer to its end.
func (x *exchange) answered(resp *http.Response) {
	x.event.HTTPStatus = uint32(resp.StatusCode)
	// Whoever gets the answer may change its header.
	x.header = x.recorder.Fields(resp.Header)
	x.answer = &http.Response{StatusCode: resp.StatusCode, Header: resp.Header.Clone(), ContentLength: resp.ContentLength}
	x.responseSeen = newCapture(x.recorder, x.messages)
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
	e := x.event
	e.ResponseHeader = x.header
	body, lost, whole := x.responseSeen.seen(x.answer.ContentLength)
	if errors.Is(err, errClosed) && (whole || x.complete(body)) {
		err = io.EOF
	}
	got := x.read(answer{status: x.answer.StatusCode, header: x.answer.Header, trailer: resp.Trailer, body: body, unseen: lost})
	e.Trailer = x.recorder.Fields(resp.Trailer)
	if got.trailer != nil {
		e.Trailer = x.recorder.Store.Fields(x.recorder.Redactor.AppendMap(e.Trailer[:len(e.Trailer):len(e.Trailer)], got.trailer))
	}
	x.respond(got)
	switch {
	case errors.Is(err, errClosed) && x.framed() && x.unreadable(got.message):
		// An answer came that the client could not read, for which it did not wait to the
		// end.
		e.Outcome, e.Frames, e.Note = optestv1.Event_OK, nil, Unread
	case err != io.EOF:
		if e.Response != nil && got.frames == nil {
			e.Response = trace.CutBlob(got.message, max(len(got.message)+1, int(x.answer.ContentLength)))
		}
		x.lost(err)
	case got.failure == nil:
		e.Outcome = optestv1.Event_OK
	case got.open:
		e.Outcome, e.Failure = optestv1.Event_INDETERMINATE, got.failure
	default:
		e.Outcome, e.Failure = optestv1.Event_FAILED, got.failure
	}
	x.end()
}

// respond puts what an answer says into the event.
func (x *exchange) respond(got received) {
	e, store := x.event, x.recorder.Store
	e.ResponseCodec, e.ResponseFidelity = got.codec, got.fidelity
	if x.withheld {
		e.ResponseFidelity = optestv1.Event_WITHHELD
		return
	}
	if got.message != nil {
		e.Response = store.Blob(got.message)
	}
	if x.unary() {
		e.Frames = got.frames
		for _, m := range got.further {
			e.Frames.Further = append(e.Frames.Further, store.Blob(m))
		}
	}
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
	x.event.Caller = x.caller.Load()
	x.ask()
	x.requestSeen.release()
	if x.responseSeen != nil {
		x.responseSeen.release()
	}
	x.recorder.End(x.event)
}

// ask puts the request's message into the event.
func (x *exchange) ask() {
	e := x.event
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

// lost is the outcome of a call whose answer has not come, or not all of it.
func (x *exchange) lost(err error) {
	cause := optestv1.Event_Failure_RESET
	var dial *net.OpError
	switch {
	case errors.Is(x.ctx.Err(), context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded):
		cause = optestv1.Event_Failure_TIMEOUT
	case x.ctx.Err() != nil || errors.Is(err, errClosed):
		cause = optestv1.Event_Failure_CANCELLED
	case !x.began.Load() || errors.Is(err, syscall.ECONNREFUSED) || errors.As(err, &dial) && dial.Op == "dial":
		cause = optestv1.Event_Failure_LOCAL_ERROR
	}
	x.event.Outcome = optestv1.Event_INDETERMINATE
	x.event.Failure = &trace.Failure{Cause: cause, Message: err.Error()}
}
