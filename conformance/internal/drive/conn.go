package drive

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// Endpoint is where a server is.
type Endpoint struct {
	// URL is http or https, with a host and no path.
	URL *url.URL
	// Dial replaces the network, for a server in memory. Nil: TCP.
	Dial func(context.Context) (net.Conn, error)
	// TLS is for https. Nil: the system's roots.
	TLS *tls.Config
	// Token is sent as `authorization: Bearer`, if there is one.
	Token string
}

// maxBody bounds a response, in bytes, before and after decompression.
const maxBody = 16 << 20

// Conn is one connection to the server, and calls on it. It is safe for
// concurrent use over protocols that share a connection. If the server ends the
// connection, the next call makes another one, whose name has a number.
type Conn struct {
	endpoint     Endpoint
	protocol     Protocol
	recorder     *Recorder
	redactor     *trace.Redactor
	name, reader string
	http         *http.Transport
	pace         func(context.Context) error // waits until a request may be sent; nil: at once

	mu      sync.Mutex
	current net.Conn
	made    int
	caller  *trace.Caller
}

// Dial makes a connection of that name for a reader. Nothing is sent yet.
func Dial(endpoint Endpoint, p Protocol, recorder *Recorder, name, reader string) *Conn {
	c := &Conn{
		endpoint: endpoint, protocol: p, recorder: recorder, redactor: trace.NewRedactor(), name: name, reader: reader,
		caller: &trace.Caller{Connection: name, Reader: reader},
	}
	protocols := new(http.Protocols)
	secured := endpoint.URL.Scheme == "https"
	switch {
	case !p.http2():
		protocols.SetHTTP1(true)
	case secured:
		protocols.SetHTTP2(true)
	default:
		protocols.SetUnencryptedHTTP2(true)
	}
	dial := (&net.Dialer{Timeout: 10 * time.Second}).DialContext
	if endpoint.Dial != nil {
		dial = func(ctx context.Context, _, _ string) (net.Conn, error) { return endpoint.Dial(ctx) }
	}
	c.http = &http.Transport{
		Protocols:              protocols,
		DialContext:            dial,
		TLSClientConfig:        endpoint.TLS.Clone(),
		MaxConnsPerHost:        1,
		MaxIdleConnsPerHost:    1,
		DisableCompression:     true,
		MaxResponseHeaderBytes: 1 << 20,
	}
	return c
}

// Close ends the connection.
func (c *Conn) Close() { c.http.CloseIdleConnections() }

// Name is that of the connection.
func (c *Conn) Name() string { return c.name }

// Protocol is what the connection speaks.
func (c *Conn) Protocol() Protocol { return c.protocol }

// callerOn is who calls on a connection: rules about one connection must not take
// two for it.
func (c *Conn) callerOn(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if conn == c.current {
		return
	}
	c.current = conn
	if c.made++; c.made > 1 {
		c.caller = &trace.Caller{Connection: fmt.Sprintf("%s#%d", c.name, c.made), Reader: c.reader}
	}
}

func (c *Conn) latest() *trace.Caller {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.caller
}

// Call is what is to be sent.
type Call struct {
	Method  protoreflect.MethodDescriptor
	Message proto.Message
	// Raw is sent instead of the message, in the protocol's encoding.
	Raw []byte
	// Header is sent in addition.
	Header map[string]string
	// Anonymous: without the token.
	Anonymous bool
	// Timeout is told to the server, but over REST, which has no place for it. The
	// call ends so much later that what a server does with it can be seen. 0: nothing
	// is told, and the call ends after half a minute.
	Timeout time.Duration
	// Verb and Target replace those of REST.
	Verb, Target string
}

// longestCall bounds a call that has no timeout of its own.
const longestCall = 30 * time.Second

// Grace is how long a server may take to notice that a deadline has passed. A
// call waits for twice that, so that one who takes longer is seen to.
const Grace = 500 * time.Millisecond

// Do makes the call and records it. The event tells how it ended; there is no
// other error but that the message can't be sent over the protocol.
func (c *Conn) Do(ctx context.Context, call Call) (*trace.Event, error) {
	sent, err := c.protocol.encode(call)
	if err != nil {
		return nil, err
	}
	if c.pace != nil {
		if err := c.pace(ctx); err != nil {
			return nil, err
		}
	}
	bound := longestCall
	if call.Timeout > 0 {
		bound = call.Timeout + 2*Grace
	}
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	var began atomic.Bool // written by a goroutine of the transport
	req, err := c.request(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn:      func(info httptrace.GotConnInfo) { c.callerOn(info.Conn) },
		WroteHeaders: func() { began.Store(true) },
	}), call, sent)
	if err != nil {
		return nil, err
	}
	e := &trace.Event{
		Protocol:      c.protocol.event(),
		Method:        methodName(call.Method),
		Timeout:       call.Timeout,
		RequestCodec:  c.protocol.codec(),
		RequestHeader: c.recorder.store.Fields(c.redactor.AppendMap(nil, req.Header)),
	}
	if sent.message != nil {
		e.Request = c.recorder.store.Blob(sent.message)
	}
	if c.protocol == REST {
		e.HTTPRequest = sent.verb + " " + c.redactor.Target(sent.target)
	}
	e.Called = c.recorder.now()
	resp, err := c.http.RoundTrip(req)
	e.Caller = c.latest()
	if err != nil {
		lost(ctx, e, err, began.Load())
		c.recorder.ended(e)
		return e, nil
	}
	body, err := readBody(resp)
	e.HTTPStatus = uint32(resp.StatusCode)
	e.ResponseHeader = c.recorder.store.Fields(c.redactor.AppendMap(nil, resp.Header))
	got := c.protocol.decode(call.Method, sent.verb, resp, body)
	e.Trailer = c.recorder.store.Fields(c.redactor.AppendMap(c.redactor.AppendMap(nil, resp.Trailer), got.trailer))
	e.ResponseCodec, e.ResponseFidelity = got.codec, got.fidelity
	if got.message != nil {
		e.Response = c.recorder.store.Blob(got.message)
	}
	for _, m := range got.further {
		got.frames.Further = append(got.frames.Further, c.recorder.store.Blob(m))
	}
	e.Frames = got.frames
	switch {
	case err != nil:
		if e.Response != nil && got.frames == nil {
			e.Response = trace.CutBlob(got.message, max(len(got.message)+1, int(resp.ContentLength)))
		}
		lost(ctx, e, err, true)
	case got.failure == nil:
		e.Outcome = optestv1.Event_OK
	case got.open:
		e.Outcome, e.Failure = optestv1.Event_INDETERMINATE, got.failure
	default:
		e.Outcome, e.Failure = optestv1.Event_FAILED, got.failure
	}
	c.recorder.ended(e)
	return e, nil
}

// once is a body that net/http can't send a second time. It must not: a call that
// the server gets twice is two calls.
type once struct{ *strings.Reader }

func (once) Close() error { return nil }

func (c *Conn) request(ctx context.Context, call Call, sent sent) (*http.Request, error) {
	target := c.endpoint.URL.Scheme + "://" + c.endpoint.URL.Host + sent.target
	req, err := http.NewRequestWithContext(ctx, sent.verb, target, once{strings.NewReader(string(sent.body))})
	if err != nil {
		return nil, fmt.Errorf("optest: request of %s: %w", call.Method.FullName(), err)
	}
	req.ContentLength = int64(len(sent.body))
	if len(sent.body) == 0 && sent.verb == http.MethodPost && len(call.Header) == 0 {
		req.Body = http.NoBody // else it has no length
	}
	for name, value := range sent.header {
		req.Header.Set(name, value)
	}
	for name, value := range call.Header {
		req.Header.Set(name, value)
	}
	if c.endpoint.Token != "" && !call.Anonymous {
		req.Header.Set("Authorization", "Bearer "+c.endpoint.Token)
	}
	return req, nil
}

func readBody(resp *http.Response) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	_ = resp.Body.Close() // the answer is over, or its error is in err
	if len(body) > maxBody {
		return body[:maxBody], fmt.Errorf("the answer has more than %d bytes", maxBody)
	}
	return body, err
}

// lost is the outcome of a call whose answer has not come, or not all of it.
func lost(ctx context.Context, e *trace.Event, err error, began bool) {
	cause := optestv1.Event_Failure_RESET
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded):
		cause = optestv1.Event_Failure_TIMEOUT
	case ctx.Err() != nil:
		cause = optestv1.Event_Failure_CANCELLED
	case !began || errors.Is(err, syscall.ECONNREFUSED):
		cause = optestv1.Event_Failure_LOCAL_ERROR
	}
	e.Outcome = optestv1.Event_INDETERMINATE
	e.Failure = &trace.Failure{Cause: cause, Message: err.Error()}
}

func methodName(m protoreflect.MethodDescriptor) string {
	return string(m.Parent().FullName()) + "/" + string(m.Name())
}

// IsHTML tells the page of a proxy or a web site from an answer of the API.
func IsHTML(contentType string) bool { return strings.HasPrefix(contentType, "text/html") }
