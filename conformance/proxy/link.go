package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/optest-dev/optest/conformance/internal/exchange"
	"github.com/optest-dev/optest/trace"
)

// link is a client's connection and those to the server that are its own.
type link struct {
	proxy   *Proxy
	callers *exchange.Callers

	mu     sync.Mutex
	http1  *http.Transport
	http2  *http.Transport
	closed bool
}

type linkKey struct{}

// connect is called for each connection of a client.
func (p *Proxy) connect(ctx context.Context, conn net.Conn) context.Context {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.linked++
	name, peer := fmt.Sprintf("c%d", p.linked), ""
	if address := conn.RemoteAddr(); address != nil {
		peer = address.String()
	}
	l := &link{proxy: p, callers: exchange.NewCallers(exchange.Named(trace.Caller{Connection: name, Reader: name, Peer: peer}))}
	p.links[conn] = l
	return context.WithValue(ctx, linkKey{}, l)
}

// disconnect is called when a client's connection changes its state.
func (p *Proxy) disconnect(conn net.Conn, state http.ConnState) {
	if state != http.StateClosed {
		return
	}
	p.mu.Lock()
	l := p.links[conn]
	delete(p.links, conn)
	p.mu.Unlock()
	if l != nil {
		l.close()
	}
}

// errDial marks that the server was not reached.
type errDial struct{ error }

func (e errDial) Unwrap() error { return e.error }

// transport is for the version of HTTP that the client speaks.
func (l *link) transport(major int) (http.RoundTripper, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, errors.New("the client is gone")
	}
	at := &l.http1
	if major == 2 {
		at = &l.http2
	}
	if *at == nil {
		*at = l.proxy.newTransport(major)
	}
	return &exchange.Tap{Next: *at, Recorder: l.proxy.observer.Recorder, Callers: l.callers, All: true}, nil
}

func (p *Proxy) newTransport(major int) *http.Transport {
	protocols := new(http.Protocols)
	switch {
	case major != 2:
		protocols.SetHTTP1(true)
	case p.upstream.Scheme == "http":
		protocols.SetUnencryptedHTTP2(true)
	default:
		// A server without HTTP/2 is spoken to as it can.
		protocols.SetHTTP1(true)
		protocols.SetHTTP2(true)
	}
	dial := (&net.Dialer{Timeout: 10 * time.Second}).DialContext
	if p.config.dial != nil {
		dial = func(ctx context.Context, _, _ string) (net.Conn, error) { return p.config.dial(ctx) }
	}
	conns := 1
	if major == 2 {
		conns = 0 // more only if the server allows no more streams
	}
	return &http.Transport{
		Protocols:              protocols,
		TLSClientConfig:        p.config.upstreamTLS.Clone(),
		DisableCompression:     true,
		ExpectContinueTimeout:  time.Second,
		MaxConnsPerHost:        conns,
		MaxIdleConnsPerHost:    1,
		MaxResponseHeaderBytes: 1 << 20,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			if err != nil {
				return nil, errDial{err}
			}
			return conn, nil
		},
	}
}

func (l *link) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for _, t := range []*http.Transport{l.http1, l.http2} {
		if t != nil {
			t.CloseIdleConnections()
		}
	}
}
