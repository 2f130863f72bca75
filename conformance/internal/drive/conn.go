package drive

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/optest-dev/optest/conformance/internal/exchange"
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

// maxBody bounds a response, in bytes, before decompression.
const maxBody = 16 << 20

// Conn is one connection to the server, and calls on it. It is safe for
// concurrent use over protocols that share a connection. If the server ends the
// connection, the next call makes another one, whose name has a number.
type Conn struct {
	endpoint Endpoint
	protocol Protocol
	recorder *Recorder
	caller   *trace.Caller // of calls that get no connection
	callers  *exchange.Callers
	http     *http.Transport
	pace     func(context.Context) error // waits until a request may be sent; nil: at once
}

// Dial makes a connection of that name for a reader. Nothing is sent yet.
func Dial(endpoint Endpoint, p Protocol, recorder *Recorder, name, reader string) *Conn {
	caller := trace.Caller{Connection: name, Reader: reader}
	c := &Conn{endpoint: endpoint, protocol: p, recorder: recorder, caller: &caller, callers: exchange.NewCallers(exchange.Named(caller))}
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
	x, ctx := c.recorder.Begin(ctx, c.protocol.call(call.Method, sent.verb), c.callers)
	req, err := c.request(ctx, call, sent)
	if err != nil {
		return nil, err
	}
	e := x.Event
	e.Caller, e.Timeout, e.RequestHeader = c.caller, call.Timeout, c.recorder.Fields(req.Header)
	if sent.message != nil {
		e.Request = c.recorder.Store.Blob(sent.message)
	}
	if c.protocol == REST {
		e.HTTPRequest = sent.verb + " " + c.recorder.Redactor.Target(sent.target)
	}
	e.Called = c.recorder.Now()
	resp, err := c.http.RoundTrip(req)
	if err != nil {
		x.Lost(err)
	} else {
		body, err := readBody(resp)
		x.Answered(exchange.Answer{Status: resp.StatusCode, Header: resp.Header, Trailer: resp.Trailer, Body: body, Length: resp.ContentLength}, err)
	}
	x.End()
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
