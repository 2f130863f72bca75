package drive

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"sync"
	"testing"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc/test/bufconn"

	"github.com/optest-dev/optest/trace"
)

// network makes a listener, and what dials it: nil for TCP.
type network func(*testing.T) (net.Listener, func(context.Context) (net.Conn, error))

func port(t *testing.T) (net.Listener, func(context.Context) (net.Conn, error)) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l, nil
}

// buffered is for grpc-go, whose server and whose client both write first. Its
// deadlines are not exact enough for net/http.
func buffered(*testing.T) (net.Listener, func(context.Context) (net.Conn, error)) {
	l := bufconn.Listen(1 << 16)
	return l, l.DialContext
}

// pipes are for net/http.
func pipes(*testing.T) (net.Listener, func(context.Context) (net.Conn, error)) {
	p := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	return p, p.dial
}

type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipeListener) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "memory"} }

func (p *pipeListener) dial(ctx context.Context) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.conns <- server:
		return client, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// listen is an endpoint for a server that serves a listener.
func listen(t *testing.T, on network, serve func(net.Listener)) Endpoint {
	t.Helper()
	l, dial := on(t)
	serve(l)
	return Endpoint{URL: &url.URL{Scheme: "http", Host: l.Addr().String()}, Dial: dial}
}

// overHTTP serves a handler over HTTP/1 and h2c.
func overHTTP(t *testing.T, h http.Handler) func(net.Listener) {
	return func(l net.Listener) {
		protocols := new(http.Protocols)
		protocols.SetHTTP1(true)
		protocols.SetUnencryptedHTTP2(true)
		s := &http.Server{Handler: h, Protocols: protocols}
		done := make(chan error, 1)
		go func() { done <- s.Serve(l) }()
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if err := <-done; !errors.Is(err, http.ErrServerClosed) {
				t.Error(err)
			}
		})
	}
}

// recording is a connection to the endpoint together with what it records.
func recording(t *testing.T, e Endpoint, p Protocol) (*Conn, *[]*trace.Event) {
	t.Helper()
	events := new([]*trace.Event)
	c := Dial(e, p, NewRecorder(func(e *trace.Event) { *events = append(*events, e) }), "conn", "reader")
	t.Cleanup(c.Close)
	return c, events
}

func get(t *testing.T, c *Conn, call Call) *trace.Event {
	t.Helper()
	if call.Method == nil {
		call.Method = methodGet
	}
	e, err := c.Do(t.Context(), call)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func getting(id string) Call {
	return Call{Method: methodGet, Message: &operation.GetOperationRequest{OperationId: id}}
}
