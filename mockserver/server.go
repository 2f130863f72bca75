// Package mockserver plays the life of long-running operations to real clients.
//
// A [Server] implements yandex.cloud.clouddesktop.v1.api.DesktopImageService and
// yandex.cloud.operation.OperationService over gRPC, gRPC-Web, Connect and REST,
// in memory or on a port. Scenarios say what an operation does over time:
//
//	srv := mockserver.New(t)
//	srv.Play(mockserver.Running(2 * time.Hour).Succeed())
//	image, err := bake(t.Context(), srv.GRPC())
//
// Time is that of package time. Inside a testing/synctest bubble it is virtual
// with no further ado; elsewhere [Server.Advance] moves the server's clock.
package mockserver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"hash/fnv"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/optest-dev/optest/internal/selfcert"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// Server is a mock of the API. Its methods are safe for concurrent use.
type Server struct {
	tb         testing.TB // nil for a server that the caller closes
	config     config
	root       atomic.Pointer[session] // of calls that name none
	sessions   sessions
	trace      *trace.Writer // nil without Trace
	traceStart time.Time
	replaced   atomic.Pointer[given] // nil: the scenarios of config
	front      front
	names      map[string]bool     // of the services served
	authority  *selfcert.Authority // nil without SelfSigned

	clients   sync.Mutex
	grpcConn  *grpc.ClientConn
	transport *http.Transport

	closing  chan struct{} // closed when Close begins
	closes   atomic.Bool
	closed   chan struct{} // closed when closeErr is known
	closeErr error
}

// New starts a server that tb owns: it is closed when the test ends, and if the
// test has failed by then, the calls that it saw are in the test's log. It
// serves memory unless [Listen] is among the options, and works inside and
// outside testing/synctest bubbles.
func New(tb testing.TB, opts ...Option) *Server {
	tb.Helper()
	seed := fnv.New64a()
	_, _ = seed.Write([]byte(tb.Name()))
	s, err := Start(append([]Option{Seed(seed.Sum64())}, opts...)...)
	if err != nil {
		tb.Fatal(err)
	}
	s.tb = tb
	tb.Cleanup(func() {
		tb.Helper()
		if tb.Failed() {
			tb.Log(s.history())
		}
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// Start starts a server that the caller closes.
func Start(opts ...Option) (*Server, error) {
	c, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	s := &Server{config: c, names: map[string]bool{}, closing: make(chan struct{}), closed: make(chan struct{})}
	if err := s.renew(""); err != nil {
		return nil, err
	}
	if err := s.openTrace(); err != nil {
		return nil, err
	}
	certificates, err := s.certificates()
	if err != nil {
		return nil, err
	}
	handler, err := s.handler()
	if err != nil {
		return nil, err
	}
	if err := s.front.open(s.config, certificates, handler); err != nil {
		return nil, err
	}
	return s, nil
}

// certificates is what the port speaks TLS with, nil for plaintext only.
func (s *Server) certificates() (*tls.Config, error) {
	if !s.config.selfSigned {
		return s.config.tls, nil
	}
	authority, err := selfcert.New()
	if err != nil {
		return nil, fmt.Errorf("optest: making a certificate: %w", err)
	}
	s.authority = authority
	return authority.TLSConfig(), nil
}

// Play makes the scenario the life of every operation that is created from now
// on, or, if it says which calls it is for, of those. A scenario that does not
// validate fails the test at once; on a server without a test, Play panics.
func (s *Server) Play(scenario *optestv1.Scenario) {
	if s.tb != nil {
		s.tb.Helper()
	}
	if err := s.play(scenario); err != nil {
		s.mistake(err)
	}
}

// mistake ends a test that has asked for what can't be done.
func (s *Server) mistake(err error) {
	if s.tb == nil {
		panic(err)
	}
	s.tb.Helper()
	s.tb.Fatal(err)
}

func (s *Server) play(scenario *optestv1.Scenario) error {
	p, err := newPlaying(scenario)
	if err != nil {
		return err
	}
	s.root.Load().repertoire.play(p)
	return nil
}

// Script plays each scenario once: the first for the next operation that is
// created, the second for the one after it, and so on, before anything that
// Play has set. It fails as Play does.
func (s *Server) Script(scenarios ...*optestv1.Scenario) {
	if s.tb != nil {
		s.tb.Helper()
	}
	list := make([]*playing, len(scenarios))
	for i, scenario := range scenarios {
		p, err := newPlaying(scenario)
		if err != nil {
			s.mistake(err)
		}
		list[i] = p
	}
	s.root.Load().repertoire.enqueue(list...)
}

// Now is the time by the server's clock.
func (s *Server) Now() time.Time { return s.root.Load().clock.now() }

// Advance moves the server's clock forward. Clients are not told: they see it
// in what they read next.
func (s *Server) Advance(d time.Duration) { s.root.Load().clock.advance(max(0, d)) }

// Calls returns the calls that the server has answered, the oldest first: the
// latest of them where there were more than the journal holds.
func (s *Server) Calls() []Call {
	calls, _ := s.root.Load().journal.list()
	return calls
}

// record takes over an ended call. Nobody else may look at it after that: the
// journal may have forgotten it already.
func (s *Server) record(ss *session, r *record) {
	r.End, r.moved = ss.clock.now(), ss.moved
	var seen Call
	if s.config.observe != nil || s.trace != nil {
		seen = r.call()
	}
	if s.trace != nil {
		s.traced(ss, seen)
	}
	number := ss.journal.add(r)
	if s.config.observe != nil {
		seen.Number = number
		s.config.observe(seen)
	}
}

func (s *Server) history() string {
	calls, forgotten := s.root.Load().journal.list()
	if len(calls) == 0 {
		return "optest: the mock server saw no calls"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "optest: calls that the mock server saw (%d", len(calls))
	if forgotten > 0 {
		fmt.Fprintf(&b, ", %d older ones forgotten", forgotten)
	}
	if slices.ContainsFunc(calls, func(c Call) bool { return len(c.Faults) > 0 }) {
		fmt.Fprintf(&b, ", seed %d", s.config.seed) // what a fault with a probability hits depends on it
	}
	b.WriteString("):")
	for _, c := range calls {
		fmt.Fprintf(&b, "\n%5d %s", c.Number, c)
	}
	return b.String()
}

// Addr is the host and port that is served, "optest.invalid:80" in memory.
func (s *Server) Addr() string { return s.front.address() }

// URL is the root of all that is served, in plaintext. In memory it works with
// [Server.Client] only.
func (s *Server) URL() string { return "http://" + s.Addr() }

// RootPEM is the certificate that clients have to trust, PEM-encoded, nil
// without [SelfSigned].
func (s *Server) RootPEM() []byte {
	if s.authority == nil {
		return nil
	}
	return s.authority.RootPEM()
}

// Close stops the server and waits for the calls under way, 5 s at most. Calls
// that a fault holds back end with UNAVAILABLE. It is idempotent.
func (s *Server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeGrace)
	defer cancel()
	return s.Shutdown(ctx)
}

// Shutdown is Close with the caller's bound.
func (s *Server) Shutdown(ctx context.Context) error {
	if s.closes.CompareAndSwap(false, true) {
		close(s.closing)
		s.closeClients()
		s.closeErr = errors.Join(s.front.close(ctx), s.closeTrace())
		close(s.closed)
	}
	// On a channel and not in a sync.Once: the time of a bubble stands still
	// while one of its goroutines waits for a mutex.
	<-s.closed
	return s.closeErr
}
