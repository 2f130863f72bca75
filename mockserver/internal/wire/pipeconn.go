package wire

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// A direction starts small, because most connections carry a few calls of a test, and doubles up to its limit, at which Write waits.
const (
	pipeFirstSize = 4 << 10
	pipeLimit     = 64 << 10
)

// pipeConn is one end of a connection in memory.
type pipeConn struct {
	in, out       *pipeStream
	local, remote pipeAddr
	reset         atomic.Bool // Close is a reset
}

func newPipeConns(client pipeAddr) (dialled, accepted *pipeConn) {
	up, down := newPipeStream(), newPipeStream()
	return &pipeConn{in: down, out: up, local: client}, &pipeConn{in: up, out: down, remote: client}
}

func (c *pipeConn) Read(p []byte) (int, error) {
	n, err := c.in.read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = opError("read", c, err)
	}
	return n, err
}

func (c *pipeConn) Write(p []byte) (int, error) {
	n, err := c.out.write(p)
	if err != nil {
		err = opError("write", c, err)
	}
	return n, err
}

// SetLinger is that of [net.TCPConn]: Close after SetLinger(0) is a reset. In memory nothing lingers, so that other times only take
// that back.
func (c *pipeConn) SetLinger(seconds int) error {
	c.reset.Store(seconds == 0)
	return nil
}

// Close lets the other end read what was written, and then io.EOF: after a reset, syscall.ECONNRESET, and its writes fail with that.
func (c *pipeConn) Close() error {
	if c.reset.Load() {
		c.out.breakOff()
		c.in.breakOff()
	}
	c.out.closeWriter()
	c.in.closeReader()
	return nil
}

func (c *pipeConn) LocalAddr() net.Addr  { return c.local }
func (c *pipeConn) RemoteAddr() net.Addr { return c.remote }

func (c *pipeConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

func (c *pipeConn) SetReadDeadline(t time.Time) error {
	if !c.in.setReadDeadline(t) {
		return opError("set", c, net.ErrClosed)
	}
	return nil
}

func (c *pipeConn) SetWriteDeadline(t time.Time) error {
	if !c.out.setWriteDeadline(t) {
		return opError("set", c, net.ErrClosed)
	}
	return nil
}

// pipeStream is one direction of a connection: a ring of bytes that grows up to pipeLimit. Waiting is done on a condition and never
// on a lock, because only the former lets the time of a bubble move on.
type pipeStream struct {
	mu      sync.Mutex
	changed sync.Cond

	ring        []byte // its length is a power of two, or 0
	head, count int

	writing                    bool // a Write that waits for room keeps its place: concurrent writes are not mixed
	readerClosed, writerClosed bool
	broken                     bool // an end was closed by a reset
	readUntil, writeUntil      deadline
}

func newPipeStream() *pipeStream {
	s := &pipeStream{}
	s.changed.L = &s.mu
	return s
}

func (s *pipeStream) read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.readerClosed:
			return 0, net.ErrClosed
		case s.readUntil.passed():
			return 0, os.ErrDeadlineExceeded
		case len(p) == 0:
			return 0, nil
		case s.count > 0:
			n := s.take(p)
			s.changed.Broadcast()
			return n, nil
		case s.writerClosed && s.broken:
			return 0, syscall.ECONNRESET
		case s.writerClosed:
			return 0, io.EOF
		}
		s.changed.Wait()
	}
}

func (s *pipeStream) write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.writing {
		if err := s.refusal(); err != nil {
			return 0, err
		}
		s.changed.Wait()
	}
	s.writing = true
	defer func() {
		s.writing = false
		s.changed.Broadcast()
	}()
	written := 0
	for {
		if err := s.refusal(); err != nil {
			return written, err
		}
		if n := s.put(p[written:]); n > 0 {
			written += n
			s.changed.Broadcast()
		}
		if written == len(p) {
			return written, nil
		}
		s.changed.Wait()
	}
}

// refusal is why a write can't go on, or nil.
func (s *pipeStream) refusal() error {
	switch {
	case s.writerClosed:
		return net.ErrClosed
	case s.readerClosed && s.broken:
		return syscall.ECONNRESET
	case s.readerClosed:
		return io.ErrClosedPipe
	case s.writeUntil.passed():
		return os.ErrDeadlineExceeded
	}
	return nil
}

func (s *pipeStream) take(p []byte) int {
	n := copy(p, s.ring[s.head:min(s.head+s.count, len(s.ring))])
	n += copy(p[n:], s.ring[:s.count-n]) // nothing unless the first part reached the ring's end
	s.count -= n
	s.head = (s.head + n) & (len(s.ring) - 1)
	if s.count == 0 {
		s.head = 0
	}
	return n
}

func (s *pipeStream) put(p []byte) int {
	if need := min(s.count+len(p), pipeLimit); need > len(s.ring) {
		s.grow(need)
	}
	n := min(len(p), len(s.ring)-s.count)
	if n == 0 {
		return 0
	}
	tail := (s.head + s.count) & (len(s.ring) - 1)
	first := copy(s.ring[tail:], p[:n])
	copy(s.ring, p[first:n])
	s.count += n
	return n
}

func (s *pipeStream) grow(need int) {
	size := max(len(s.ring), pipeFirstSize)
	for size < need {
		size *= 2
	}
	larger := make([]byte, size)
	n := copy(larger, s.ring[s.head:min(s.head+s.count, len(s.ring))])
	copy(larger[n:], s.ring[:s.count-n])
	s.ring, s.head = larger, 0
}

// breakOff makes the closing of an end a reset to the other one.
func (s *pipeStream) breakOff() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.readerClosed && !s.writerClosed { // what was closed before stays so
		s.broken = true
	}
}

func (s *pipeStream) closeWriter() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writerClosed = true
	s.writeUntil.clear()
	s.changed.Broadcast()
}

// closeReader drops what was not read: nobody can read it any more.
func (s *pipeStream) closeReader() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readerClosed = true
	s.ring, s.head, s.count = nil, 0, 0
	s.readUntil.clear()
	s.changed.Broadcast()
}

func (s *pipeStream) setReadDeadline(t time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.readerClosed {
		s.readUntil.set(t, &s.changed)
	}
	return !s.readerClosed
}

func (s *pipeStream) setWriteDeadline(t time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.writerClosed {
		s.writeUntil.set(t, &s.changed)
	}
	return !s.writerClosed
}
