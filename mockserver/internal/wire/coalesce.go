package wire

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"sync"
	"time"
)

const (
	// coalesceLimit bounds the bytes that were accepted and not yet handed to the socket; at it, Write waits.
	coalesceLimit = 256 << 10
	// coalesceKeep bounds a buffer that stays with an idle connection.
	coalesceKeep = 64 << 10
	// coalesceLinger bounds how long Close waits for a peer that does not read. http.Server.Close closes its connections one after
	// another, so it must be short; a peer that reads takes the whole limit in far less.
	coalesceLinger = time.Second
)

// Coalesce is a [net.Conn] over a TCP connection that gathers writes. net/http's HTTP/2 server flushes the headers, the data and
// the trailers of an answer one by one, and each flush is a system call. Here Write only appends to a buffer; a goroutine that
// lives while there is something to send lets the others run once and then sends in one call all that has gathered. It is of no
// use to HTTP/1, which writes an answer at once, and none on a [Pipe], where a write is no system call.
//
// It is to its user what a larger send buffer of the kernel would be. Write returns before the bytes are sent, and a failure to
// send them is the error of a later Write and of Close. A write deadline ends the waiting for room in the buffer, and bytes
// accepted before it are sent nevertheless. Close sends what was accepted and waits for that at most one second.
//
// Its methods may be called from several goroutines.
type Coalesce struct {
	net.Conn

	mu       sync.Mutex
	changed  sync.Cond
	gathered []byte // accepted, not yet on its way
	sending  []byte // in the hands of the flusher
	flushing bool   // the flusher lives
	writing  bool   // a Write that waits for room keeps its place: concurrent writes are not mixed
	ended    bool   // by Close or CloseWrite: nothing more is accepted
	closed   bool
	failure  error // of sending, for good
	unsent   int   // bytes that were accepted and lost by failure
	until    deadline
}

// NewCoalesce wraps conn, which nobody else may write to from then on.
func NewCoalesce(conn net.Conn) *Coalesce {
	c := &Coalesce{Conn: conn}
	c.changed.L = &c.mu
	return c
}

// Write accepts p, waiting while 256 KiB are still to be sent. It fails with [net.ErrClosed] after Close, with
// [os.ErrDeadlineExceeded] when the write deadline has passed, and with the error of an earlier attempt to send.
func (c *Coalesce) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.writing {
		if err := c.refusal(); err != nil {
			return 0, err
		}
		c.changed.Wait()
	}
	c.writing = true
	defer func() {
		c.writing = false
		c.changed.Broadcast()
	}()
	written := 0
	for {
		if err := c.refusal(); err != nil {
			return written, err
		}
		room := coalesceLimit - len(c.gathered) - len(c.sending)
		if n := min(room, len(p)-written); n > 0 {
			c.gathered = append(c.gathered, p[written:written+n]...)
			written += n
			if !c.flushing {
				c.flushing = true
				go c.flush()
			}
		}
		if written == len(p) {
			return written, nil
		}
		c.changed.Wait()
	}
}

// refusal is why a write can't go on, or nil.
func (c *Coalesce) refusal() error {
	switch {
	case c.ended:
		return opError("write", c, net.ErrClosed)
	case c.failure != nil:
		return c.failure
	case c.until.passed():
		return opError("write", c, os.ErrDeadlineExceeded)
	}
	return nil
}

// flush sends until nothing is left. Close and CloseWrite wait for its end.
func (c *Coalesce) flush() {
	// The goroutines that are ready to run are the handlers of other calls on this connection, and what follows of this answer.
	runtime.Gosched()
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.gathered) > 0 && c.failure == nil {
		c.gathered, c.sending = c.sending[:0], c.gathered
		sent, err := c.send(c.sending)
		if err != nil {
			c.failure = err
			c.unsent = len(c.sending) - sent + len(c.gathered)
		}
		c.sending = c.sending[:0]
		c.changed.Broadcast()
	}
	if c.failure != nil || cap(c.gathered)+cap(c.sending) > 2*coalesceKeep {
		c.gathered, c.sending = nil, nil
	}
	c.flushing = false
	c.changed.Broadcast()
}

// send writes without the lock, so that more can gather meanwhile.
func (c *Coalesce) send(batch []byte) (int, error) {
	c.mu.Unlock()
	defer c.mu.Lock()
	return c.Conn.Write(batch)
}

// Close sends what Write has accepted and closes the connection. Its error says how much could not be sent.
func (c *Coalesce) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return opError("close", c, net.ErrClosed)
	}
	c.closed = true
	unsent := c.finish()
	c.mu.Unlock()
	return errors.Join(unsent, c.Conn.Close())
}

// CloseWrite sends what Write has accepted and ends this direction only. net/http's server does so before it closes a connection
// with unread input: a reset would take the answer from the client.
func (c *Coalesce) CloseWrite() error {
	c.mu.Lock()
	unsent := c.finish()
	c.mu.Unlock()
	return errors.Join(unsent, closeWrite(c.Conn))
}

// finish accepts nothing more and waits, with the lock held, for the flusher.
func (c *Coalesce) finish() error {
	c.ended = true
	c.until.clear()
	c.changed.Broadcast()
	if c.flushing {
		if err := c.Conn.SetWriteDeadline(time.Now().Add(coalesceLinger)); err != nil {
			return err
		}
	}
	for c.flushing {
		c.changed.Wait()
	}
	if c.unsent > 0 {
		return fmt.Errorf("optest: close of the connection to %s got %d bytes unsent, want 0: %w", c.RemoteAddr(), c.unsent, c.failure)
	}
	return nil
}

// SetDeadline sets the read and the write deadline.
func (c *Coalesce) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetWriteDeadline bounds how long Write waits for room. The zero time means no bound.
func (c *Coalesce) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return opError("set", c, net.ErrClosed)
	}
	c.until.set(t, &c.changed)
	return nil
}

// closeWrite ends the outgoing direction of a connection that can do so.
func closeWrite(conn net.Conn) error {
	half, ok := conn.(interface{ CloseWrite() error })
	if !ok {
		return opError("close", conn, errors.ErrUnsupported)
	}
	return half.CloseWrite()
}
