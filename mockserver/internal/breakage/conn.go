package breakage

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/optest-dev/optest/mockserver/internal/wire"
)

// Conn is a connection whose calls can be broken. Its methods may be called from several goroutines.
type Conn struct {
	net.Conn
	socket net.Conn             // below TLS
	state  *tls.ConnectionState // nil without TLS

	turn    chan struct{} // holds the one breach that is under way
	pending atomic.Pointer[breach]
	over    chan struct{} // closed when nothing that is written gets through any more
	ending  sync.Once
	broken  atomic.Bool // by a reset
	silent  atomic.Bool // what is read and written is thrown away
	lingers atomic.Pointer[time.Time]

	writing sync.Mutex
	frames  frames
	held    []byte // the begin of a frame that may be the pending breach's
}

// Over puts a Conn over conn: a TCP connection, one of a [wire.Pipe], or a [*tls.Conn] over either, with its handshake done.
func Over(conn net.Conn) net.Conn {
	c := &Conn{Conn: conn, socket: conn, turn: make(chan struct{}, 1), over: make(chan struct{})}
	if secured, ok := conn.(*tls.Conn); ok {
		state := secured.ConnectionState()
		c.state, c.socket = &state, secured.NetConn()
	}
	return c
}

type listener struct{ net.Listener }

// Listen puts a [Conn] over the connections of inner, for listeners that have no place for [Over].
func Listen(inner net.Listener) net.Listener { return listener{inner} }

func (l listener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return Over(conn), nil
}

type connKey struct{}

// ConnContext is for the field of [http.Server] of that name: [Handler] finds the connection of a request by it. It looks below a
// [wire.Coalesce], and changes nothing for connections without a [Conn].
func ConnContext(ctx context.Context, conn net.Conn) context.Context {
	if gathering, ok := conn.(*wire.Coalesce); ok {
		conn = gathering.Conn
	}
	if c, ok := conn.(*Conn); ok {
		return context.WithValue(ctx, connKey{}, c)
	}
	return ctx
}

func connOf(ctx context.Context) *Conn {
	c, _ := ctx.Value(connKey{}).(*Conn)
	return c
}

// Read throws away what comes while the connection is silent, and so sees when the client leaves it.
func (c *Conn) Read(p []byte) (int, error) {
	for {
		n, err := c.Conn.Read(p)
		if !c.silent.Load() || len(p) == 0 {
			return n, err
		}
		if err != nil {
			return 0, err
		}
	}
}

// Write sends p, but what a breach sends instead of its frame.
func (c *Conn) Write(p []byte) (int, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	switch {
	case c.broken.Load():
		return 0, &net.OpError{Op: "write", Net: c.LocalAddr().Network(), Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: syscall.ECONNRESET}
	case c.silent.Load():
		return len(p), nil
	}
	b := c.pending.Load()
	if b == nil {
		c.frames.pass(p)
		return c.Conn.Write(p)
	}
	if err := c.writeTo(b, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// writeTo sends p up to the place of b, if that is in it, and what b makes of the rest.
func (c *Conn) writeTo(b *breach, p []byte) error {
	p = append(c.held, p...)
	at, found := c.frames.findReset(p)
	if !found {
		c.held = append([]byte(nil), p[at:]...)
		return c.send(p[:at])
	}
	c.held = nil
	c.pending.Store(nil)
	defer close(b.done)
	out := append(p[:at:at], b.frames(streamOf(p[at:]))...)
	if b.end == onward {
		rest := p[at+resetLen:]
		c.frames.pass(rest)
		return c.send(append(out, rest...))
	}
	if err := c.send(out); err != nil {
		return err
	}
	c.stop(b.end)
	return nil
}

func (c *Conn) send(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	_, err := c.Conn.Write(p)
	return err
}

// Close ends the connection and whatever waits for its place in it.
func (c *Conn) Close() error {
	c.noMore()
	if c.broken.Load() {
		return c.socket.Close() // TLS would say close_notify before the reset
	}
	return c.Conn.Close()
}

func (c *Conn) noMore() { c.ending.Do(func() { close(c.over) }) }

// CloseWrite ends the outgoing direction, where the connection can do so.
func (c *Conn) CloseWrite() error { return closeWrite(c.Conn) }
