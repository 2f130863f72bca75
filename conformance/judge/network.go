package judge

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// network is the way to a server in memory, on which bytes are under way for a
// while, so that calls of several clients overlap and answers come late. It is safe
// for concurrent use.
type network struct {
	dial func(context.Context) (net.Conn, error)
	// slowest is how long bytes are under way at most, in one direction.
	slowest time.Duration
	// mortal is how long connections last on average, 0 for ever.
	mortal time.Duration
	// named connections have an address of their own, as those of TCP have.
	named bool

	mu    sync.Mutex
	draw  *rand.Rand
	wires []*wire
	work  sync.WaitGroup
}

// newNetwork draws what kind of network it is.
func newNetwork(dial func(context.Context) (net.Conn, error), seed uint64) *network {
	draw := rand.New(rand.NewPCG(seed, 2))
	n := &network{dial: dial, named: draw.IntN(3) > 0, draw: draw}
	n.slowest = []time.Duration{0, 20 * time.Millisecond, 400 * time.Millisecond}[draw.IntN(3)]
	if draw.IntN(3) == 0 {
		n.mortal = time.Minute
	}
	return n
}

// Close closes the connections that clients have left, and waits until nothing is
// under way.
func (n *network) Close() {
	n.mu.Lock()
	wires := n.wires
	n.mu.Unlock()
	for _, w := range wires {
		_ = w.Close() // which may be closed
	}
	n.work.Wait()
}

// upTo is a time drawn from 0 to most.
func (n *network) upTo(most time.Duration) time.Duration {
	if most <= 0 {
		return 0
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return time.Duration(n.draw.Int64N(int64(most)))
}

// Dial connects to the server.
func (n *network) Dial(ctx context.Context) (net.Conn, error) {
	inner, err := n.dial(ctx)
	if err != nil {
		return nil, err
	}
	w := &wire{Conn: inner, local: inner.LocalAddr(), in: newDelayed(n), out: newDelayed(n)}
	n.mu.Lock()
	n.wires = append(n.wires, w)
	if n.named {
		w.local = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: len(n.wires)}
	}
	n.mu.Unlock()
	n.work.Go(w.receive)
	n.work.Go(w.send)
	if n.mortal > 0 {
		w.dies = time.AfterFunc(n.upTo(2*n.mortal), w.tear)
	}
	return w, nil
}

// wire is a connection over a network. What is written waits in it, never the
// writer: net/http writes with a lock held, and in a bubble time stands still for who
// waits for a lock.
type wire struct {
	net.Conn
	local   net.Addr
	in, out *delayed
	dies    *time.Timer
}

func (w *wire) receive() {
	for {
		chunk := make([]byte, 16<<10)
		n, err := w.Conn.Read(chunk)
		w.in.put(chunk[:n])
		if err != nil {
			w.in.end(err)
			return
		}
	}
}

func (w *wire) send() {
	for {
		chunk, err := w.out.get()
		if err != nil {
			return
		}
		if _, err := w.Conn.Write(chunk); err != nil {
			_ = w.Close() // it is broken
			return
		}
	}
}

func (w *wire) Read(p []byte) (int, error) { return w.in.read(p) }

func (w *wire) Write(p []byte) (int, error) {
	if !w.out.put(append([]byte(nil), p...)) {
		return 0, net.ErrClosed
	}
	return len(p), nil
}

func (w *wire) Close() error {
	if w.dies != nil {
		w.dies.Stop()
	}
	w.in.end(net.ErrClosed)
	w.out.end(net.ErrClosed)
	return w.Conn.Close()
}

// tear is what happens to a connection that breaks.
func (w *wire) tear() {
	w.in.end(io.ErrUnexpectedEOF)
	w.out.end(io.ErrUnexpectedEOF)
	_ = w.Conn.Close() // for good
}

func (w *wire) LocalAddr() net.Addr { return w.local }

// Deadlines are of no use to clients that have contexts.
func (w *wire) SetDeadline(time.Time) error      { return nil }
func (w *wire) SetReadDeadline(time.Time) error  { return nil }
func (w *wire) SetWriteDeadline(time.Time) error { return nil }

// delayed are bytes under way in one direction, which arrive in their order.
type delayed struct {
	network *network
	mu      sync.Mutex
	more    *sync.Cond
	chunks  []chunk
	last    time.Time
	err     error
	cut     chan struct{} // closed when what is under way is lost
	rest    []byte        // of the chunk that is being read, by one reader
}

type chunk struct {
	data []byte
	due  time.Time
}

func newDelayed(n *network) *delayed {
	d := &delayed{network: n, cut: make(chan struct{})}
	d.more = sync.NewCond(&d.mu)
	return d
}

func (d *delayed) put(data []byte) bool {
	due := time.Now().Add(d.network.upTo(d.network.slowest))
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return false
	}
	if len(data) == 0 {
		return true
	}
	if due.Before(d.last) {
		due = d.last
	}
	d.last = due
	d.chunks = append(d.chunks, chunk{data, due})
	d.more.Signal()
	return true
}

// end is what comes after the bytes under way, or in their place where the
// connection is closed.
func (d *delayed) end(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	lost := err != io.EOF && (d.err == nil || d.err == io.EOF)
	if d.err == nil || lost {
		d.err = err
	}
	if lost {
		d.chunks = nil
		close(d.cut)
	}
	d.more.Broadcast()
}

func (d *delayed) get() ([]byte, error) {
	d.mu.Lock()
	for len(d.chunks) == 0 {
		if d.err != nil {
			defer d.mu.Unlock()
			return nil, d.err
		}
		d.more.Wait()
	}
	c := d.chunks[0]
	d.chunks = d.chunks[1:]
	d.mu.Unlock()
	timer := time.NewTimer(time.Until(c.due))
	defer timer.Stop()
	select {
	case <-timer.C:
		return c.data, nil
	case <-d.cut:
		return nil, net.ErrClosed
	}
}

func (d *delayed) read(p []byte) (int, error) {
	if len(d.rest) == 0 {
		data, err := d.get()
		if err != nil {
			return 0, err
		}
		d.rest = data
	}
	n := copy(p, d.rest)
	d.rest = d.rest[n:]
	return n, nil
}
