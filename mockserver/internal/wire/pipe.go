package wire

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
)

// Pipe is a [net.Listener] in memory: [Pipe.Dial] makes a connection whose other end Accept returns. It uses no socket and no
// goroutine, and an end that waits is durably blocked, so that in a testing/synctest bubble time moves on. A Pipe made in a bubble
// is used in that bubble only.
//
// Its methods may be called from several goroutines.
type Pipe struct {
	arrivals chan net.Conn
	closed   chan struct{}
	closing  sync.Once
	dialled  atomic.Uint64
}

// NewPipe returns an open Pipe.
func NewPipe() *Pipe {
	return &Pipe{arrivals: make(chan net.Conn), closed: make(chan struct{})}
}

// Dial connects to the listener. It waits for Accept to take the connection, until ctx is done or the listener is closed.
// The error then wraps the context's error or [net.ErrClosed].
func (p *Pipe) Dial(ctx context.Context) (net.Conn, error) {
	select {
	case <-p.closed:
		return nil, errDialClosed
	default:
	}
	client, server := newPipeConns(pipeAddr(p.dialled.Add(1)))
	select {
	case p.arrivals <- server:
		return client, nil
	case <-p.closed:
		return nil, errDialClosed
	case <-ctx.Done():
		return nil, fmt.Errorf("optest: dial of the in-memory listener got no Accept, want a server that serves it: %w", ctx.Err())
	}
}

var errDialClosed = fmt.Errorf("optest: dial of the in-memory listener got a closed one, want a server that is still open: %w", net.ErrClosed)

// Accept waits for the next Dial. After Close its error wraps [net.ErrClosed].
func (p *Pipe) Accept() (net.Conn, error) {
	select {
	case <-p.closed:
		return nil, p.acceptError()
	default:
	}
	select {
	case conn := <-p.arrivals:
		return conn, nil
	case <-p.closed:
		return nil, p.acceptError()
	}
}

func (p *Pipe) acceptError() error {
	return &net.OpError{Op: "accept", Net: pipeNetwork, Addr: p.Addr(), Err: net.ErrClosed}
}

// Close ends Accept and pending Dials. Connections that were accepted stay open. It may be called more than once.
func (p *Pipe) Close() error {
	p.closing.Do(func() { close(p.closed) })
	return nil
}

// Addr is "pipe:0". The clients are "pipe:1", "pipe:2" and so on, in the order of their dials.
func (p *Pipe) Addr() net.Addr { return pipeAddr(0) }

const pipeNetwork = "pipe"

// pipeAddr is a number of an end, written as host:port because code that reads http.Request.RemoteAddr splits it so.
type pipeAddr uint64

func (a pipeAddr) Network() string { return pipeNetwork }
func (a pipeAddr) String() string  { return pipeNetwork + ":" + strconv.FormatUint(uint64(a), 10) }
