package proxy

import (
	"bufio"
	"crypto/tls"
	"net"
	"sync"
	"time"
)

// front is a listener for TLS and plaintext on one port: the first byte of a
// connection tells which. A goroutine for each connection waits for it.
type front struct {
	net.Listener
	config   *tls.Config // nil: plaintext only
	arrivals chan arrival
	closing  chan struct{}
	once     sync.Once
	work     sync.WaitGroup
	slots    chan struct{}
}

type arrival struct {
	conn net.Conn
	err  error
}

const (
	// silence is how long a client may say nothing.
	silence = 10 * time.Second
	// maxSilent bounds the clients that have said nothing yet.
	maxSilent = 1024
	// handshake is the first byte of TLS (RFC 8446, 5.1).
	handshake = 0x16
)

func newFront(inner net.Listener, config *tls.Config) *front {
	f := &front{Listener: inner, arrivals: make(chan arrival), closing: make(chan struct{}), slots: make(chan struct{}, maxSilent)}
	if config == nil {
		return f
	}
	f.config = config.Clone()
	if len(f.config.NextProtos) == 0 {
		f.config.NextProtos = []string{"h2", "http/1.1"}
	}
	f.work.Go(f.accept)
	return f
}

func (f *front) accept() {
	for {
		conn, err := f.Listener.Accept()
		if err != nil {
			f.deliver(arrival{err: err})
			return
		}
		select {
		case f.slots <- struct{}{}:
		case <-f.closing:
			_ = conn.Close() // it was not begun
			return
		}
		f.work.Go(func() {
			defer func() { <-f.slots }()
			f.greet(conn)
		})
	}
}

// greet waits for a client's first byte.
func (f *front) greet(conn net.Conn) {
	stop := make(chan struct{})
	defer close(stop)
	f.work.Go(func() {
		select {
		case <-f.closing:
			_ = conn.SetReadDeadline(time.Unix(1, 0)) // so that nothing waits any more
		case <-stop:
		}
	})
	_ = conn.SetReadDeadline(time.Now().Add(silence)) // one that fails fails to be read, too
	reader := bufio.NewReaderSize(conn, 16)
	first, err := reader.Peek(1)
	if err != nil {
		_ = conn.Close()
		return
	}
	_ = conn.SetReadDeadline(time.Time{})
	var greeted net.Conn = &begun{conn, reader}
	if first[0] == handshake {
		greeted = tls.Server(greeted, f.config)
	}
	f.deliver(arrival{conn: greeted})
}

func (f *front) deliver(a arrival) {
	select {
	case f.arrivals <- a:
	case <-f.closing:
		if a.conn != nil {
			_ = a.conn.Close()
		}
	}
}

// Accept returns a connection of TLS as a *tls.Conn, for net/http to see.
func (f *front) Accept() (net.Conn, error) {
	if f.config == nil {
		return f.Listener.Accept()
	}
	select {
	case a := <-f.arrivals:
		return a.conn, a.err
	case <-f.closing:
		return nil, net.ErrClosed
	}
}

func (f *front) Close() error {
	f.once.Do(func() { close(f.closing) })
	return f.Listener.Close()
}

// wait returns when no goroutine of the front is left.
func (f *front) wait() { f.work.Wait() }

// begun is a connection of which something was read already.
type begun struct {
	net.Conn
	reader *bufio.Reader
}

func (b *begun) Read(p []byte) (int, error) {
	if b.reader == nil {
		return b.Conn.Read(p)
	}
	n, err := b.reader.Read(p)
	if b.reader.Buffered() == 0 {
		b.reader = nil
	}
	return n, err
}
