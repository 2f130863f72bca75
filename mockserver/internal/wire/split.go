package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"
)

const (
	// splitSilence is how long a connection may stay without the bytes that decide.
	splitSilence = 10 * time.Second
	// splitUndecided bounds the connections without them. When there are more, the oldest has only splitHurry.
	splitUndecided = 1024
	splitHurry     = time.Second
)

// Split is a [net.Listener] for TLS and plaintext on one port, for one [http.Server.Serve]. It looks at the first bytes of a TCP
// connection and gives it the layers that its client needs:
//
//   - TLS: a [*tls.Conn], which net/http must see in order to speak HTTP/2 over TLS, over a [Coalesce] that gathers its records;
//   - HTTP/2 with prior knowledge: a [Coalesce];
//   - anything else, so HTTP/1: the connection itself.
//
// With layers of its caller's, the handshake of TLS is done before Accept, and no [*tls.Conn] is returned: the layers go over what
// TLS deciphers, and over them a [Coalesce] where the client has negotiated HTTP/2. net/http then serves that as it does HTTP/2 with
// prior knowledge, which the client can't tell from HTTP/2 over TLS, but http.Request.TLS is nil unless a handler sets it.
//
// The bytes looked at are read again by the server. One goroutine a connection waits for them, at most 10 seconds, so a silent
// connection holds up no other. At most 1,024 of them wait; with more, the oldest must speak within its first second, or it is closed
// to make room. How long a handshake or a request may take is for http.Server.ReadHeaderTimeout; with layers a handshake is part of
// what the client has 10 seconds for.
//
// Its methods may be called from several goroutines.
type Split struct {
	inner    net.Listener
	config   *tls.Config
	layers   []Layer
	arrivals chan arrival
	slots    chan struct{} // one for each connection that is not yet accepted
	closing  chan struct{}
	over     chan struct{} // closed when inner accepts no more
	work     sync.WaitGroup

	mu     sync.Mutex
	closed bool
	silent map[*undecided]struct{}
}

// A Layer is put over a connection, below what gathers its writes. It sees what net/http reads and writes, in the clear.
type Layer func(net.Conn) net.Conn

// undecided is a connection whose client has not yet told its protocol.
type undecided struct {
	conn  net.Conn
	since time.Time
}

type arrival struct {
	conn net.Conn
	err  error
}

// NewSplit splits the connections of inner, which it owns from then on. The server needs HTTP1, HTTP2 and UnencryptedHTTP2 in its
// Protocols. A config without NextProtos offers h2 and http/1.1; without a config, TLS clients are treated like any other. The
// first layer is the lowest.
func NewSplit(inner net.Listener, config *tls.Config, layers ...Layer) *Split {
	if config != nil && len(config.NextProtos) == 0 {
		config = config.Clone()
		config.NextProtos = []string{"h2", "http/1.1"}
	}
	s := &Split{
		inner:    inner,
		config:   config,
		layers:   layers,
		arrivals: make(chan arrival),
		slots:    make(chan struct{}, splitUndecided),
		closing:  make(chan struct{}),
		over:     make(chan struct{}),
		silent:   map[*undecided]struct{}{},
	}
	s.work.Go(s.listen)
	return s
}

// Accept waits for a connection whose client has spoken. After Close its error wraps [net.ErrClosed].
func (s *Split) Accept() (net.Conn, error) {
	select {
	case <-s.closing:
		return nil, s.acceptError()
	default:
	}
	select {
	case a := <-s.arrivals:
		return a.conn, a.err
	case <-s.closing:
	case <-s.over:
	}
	return nil, s.acceptError()
}

func (s *Split) acceptError() error {
	addr := s.Addr()
	return &net.OpError{Op: "accept", Net: addr.Network(), Addr: addr, Err: net.ErrClosed}
}

// Addr is the address of the listener below.
func (s *Split) Addr() net.Addr { return s.inner.Addr() }

// Close ends Accept, closes the connections that were not accepted and waits for the goroutines. Accepted connections stay open.
// It may be called more than once.
func (s *Split) Close() error {
	s.mu.Lock()
	first := !s.closed
	s.closed = true
	s.mu.Unlock()

	var err error
	if first {
		close(s.closing)
		err = s.inner.Close()
		s.mu.Lock()
		for u := range s.silent {
			_ = u.conn.Close() // it has said nothing and gets no answer
		}
		s.mu.Unlock()
	}
	s.work.Wait()
	return err
}

// listen takes connections from the listener below until that is closed. Any other error, such as too many open files, goes to
// Accept's caller, who knows whether to try again: net/http's server waits a little and does.
func (s *Split) listen() {
	defer close(s.over)
	for {
		conn, err := s.inner.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			if !s.deliver(arrival{err: err}) {
				return
			}
			continue
		}
		u := &undecided{conn: conn, since: time.Now()}
		if !s.admit(u) {
			_ = conn.Close() // the listener is closed: there is nobody to tell
			return
		}
		s.work.Go(func() { s.decide(u) })
	}
}

// admit waits for a slot and records u as silent. It refuses when the listener is closed.
func (s *Split) admit(u *undecided) bool {
	select {
	case s.slots <- struct{}{}:
	default:
		s.hurry()
		select {
		case s.slots <- struct{}{}:
		case <-s.closing:
			return false
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.silent[u] = struct{}{}
	u.limit(splitSilence)
	return true
}

// hurry shortens the time of the oldest silent connection. A burst of new ones that are about to speak is not cut by it.
func (s *Split) hurry() {
	s.mu.Lock()
	defer s.mu.Unlock()
	var oldest *undecided
	for u := range s.silent {
		if oldest == nil || u.since.Before(oldest.since) {
			oldest = u
		}
	}
	if oldest != nil {
		oldest.limit(splitHurry)
	}
}

// limit ends the silence at a time after its begin. It fails on a dead connection only, whose Read ends at once.
func (u *undecided) limit(silence time.Duration) {
	_ = u.conn.SetReadDeadline(u.since.Add(silence))
}

func (s *Split) decide(u *undecided) {
	defer func() { <-s.slots }()
	first, err := opening(u.conn)
	var conn net.Conn
	if err == nil {
		conn = s.layer(u.conn, first)
	}
	s.mu.Lock()
	delete(s.silent, u) // before the deadline is lifted: hurry must not set it again
	s.mu.Unlock()
	if err == nil {
		err = u.conn.SetReadDeadline(time.Time{})
	}
	if err != nil || !s.deliver(arrival{conn: conn}) {
		_ = u.conn.Close() // silent, gone, or the listener is closed: no request to answer
	}
}

func (s *Split) layer(conn net.Conn, first []byte) net.Conn {
	again := &replayed{Conn: conn, left: first}
	switch {
	case startsTLS(first) && s.config != nil:
		return s.secure(again)
	case startsHTTP2(first):
		return NewCoalesce(s.through(again))
	}
	return s.through(again)
}

func (s *Split) secure(conn net.Conn) net.Conn {
	if len(s.layers) == 0 {
		return tls.Server(NewCoalesce(conn), s.config)
	}
	secured := tls.Server(conn, s.config)
	if err := secured.HandshakeContext(context.Background()); err != nil {
		return secured // net/http asks for the handshake, gets the same error and reports it
	}
	if secured.ConnectionState().NegotiatedProtocol == "h2" {
		return NewCoalesce(s.through(secured))
	}
	return s.through(secured)
}

func (s *Split) through(conn net.Conn) net.Conn {
	for _, layer := range s.layers {
		conn = layer(conn)
	}
	return conn
}

func (s *Split) deliver(a arrival) bool {
	select {
	case s.arrivals <- a:
		return true
	case <-s.closing:
		return false
	}
}
