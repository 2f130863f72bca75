package wire_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/nettest"

	"github.com/optest-dev/optest/mockserver/internal/wire"
)

func tcpEnds(tb testing.TB) (client, server net.Conn) {
	tb.Helper()
	listener := listenTCP(tb)
	client, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		tb.Fatal(err)
	}
	server, err = listener.Accept()
	if err != nil {
		tb.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		tb.Fatal(err)
	}
	return client, server
}

func TestCoalesceIsAConn(t *testing.T) {
	for name, makeEnds := range map[string]func() (net.Conn, net.Conn){
		"TCP":  func() (net.Conn, net.Conn) { return tcpEnds(t) },
		"pipe": func() (net.Conn, net.Conn) { return ends(t, wire.NewPipe()) },
	} {
		t.Run(name, func(t *testing.T) {
			expectNoGoroutines(t)
			nettest.TestConn(t, func() (net.Conn, net.Conn, func(), error) {
				client, server := makeEnds()
				a, b := wire.NewCoalesce(client), wire.NewCoalesce(server)
				return a, b, func() {
					// Both at once: an end that closes waits for the other to read or to be gone.
					var both sync.WaitGroup
					both.Go(func() { _ = a.Close() })
					both.Go(func() { _ = b.Close() })
					both.Wait()
				}, nil
			})
		})
	}
}

// gatedConn takes a write when its gate is open, and records it.
type gatedConn struct {
	net.Conn
	gate    chan error
	batches []string
}

func (c *gatedConn) Write(p []byte) (int, error) {
	if err := <-c.gate; err != nil {
		return len(p) / 2, err
	}
	c.batches = append(c.batches, string(p))
	return len(p), nil
}

func newGatedConn(tb testing.TB) *gatedConn {
	client, server := ends(tb, wire.NewPipe())
	tb.Cleanup(func() { _ = client.Close() })
	return &gatedConn{Conn: server, gate: make(chan error, 10)}
}

func TestCoalesceGathers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		below := newGatedConn(t)
		conn := wire.NewCoalesce(below)
		write(t, conn, "first")
		synctest.Wait()
		for i := range 5 {
			write(t, conn, fmt.Sprint(i))
		}
		close(below.gate)
		synctest.Wait()
		write(t, conn, "later")
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		if want := []string{"first", "01234", "later"}; !slices.Equal(below.batches, want) {
			t.Errorf("writes below are %q, want %q", below.batches, want)
		}
	})
}

func write(tb testing.TB, conn net.Conn, text string) {
	tb.Helper()
	if n, err := io.WriteString(conn, text); n != len(text) || err != nil {
		tb.Errorf("Write(%q) = %d, %v", text, n, err)
	}
}

func TestCoalesceHoldsAWriterBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		below := newGatedConn(t)
		conn := wire.NewCoalesce(below)
		sent := strings.Repeat("0123456789abcdef", 3*256<<10/16)
		if err := conn.SetWriteDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Error(err)
		}
		began := time.Now()
		n, err := io.WriteString(conn, sent)
		if n != 256<<10 || !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != time.Minute {
			t.Errorf("Write to a blocked connection = %d, %v after %v; want 256 KiB and the deadline after 1m", n, err, time.Since(began))
		}
		var timeout net.Error
		if !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("error %v is not a net.Error with Timeout", err)
		}
		if _, err := conn.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Write after the deadline = %v, want it exceeded", err)
		}
		if err := conn.SetWriteDeadline(time.Time{}); err != nil {
			t.Error(err)
		}
		close(below.gate)
		write(t, conn, sent[n:])
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		if got := strings.Join(below.batches, ""); got != sent {
			t.Errorf("%d bytes arrived, want the %d that were accepted, in order", len(got), len(sent))
		}
	})
}

func TestCoalesceHandsErrorsOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		below := newGatedConn(t)
		conn := wire.NewCoalesce(below)
		write(t, conn, "0123456789")
		synctest.Wait()
		write(t, conn, "more")
		broken := errors.New("cable cut")
		below.gate <- broken
		synctest.Wait()
		if n, err := conn.Write([]byte("x")); n != 0 || !errors.Is(err, broken) {
			t.Errorf("Write after a failure = %d, %v; want the failure", n, err)
		}
		err := conn.Close()
		if !errors.Is(err, broken) || !strings.Contains(fmt.Sprint(err), "got 9 bytes unsent, want 0") {
			t.Errorf("Close after a failure = %v, want it to tell the 5 of 10 and the 4 that were lost", err)
		}
		if err := conn.Close(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("second Close = %v, want net.ErrClosed", err)
		}
		if _, err := conn.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Write after Close = %v, want net.ErrClosed", err)
		}
		if err := conn.SetDeadline(time.Now()); !errors.Is(err, net.ErrClosed) {
			t.Errorf("SetDeadline after Close = %v, want net.ErrClosed", err)
		}
	})
}

// A failure wakes a writer that waits for room; nothing else would.
func TestCoalesceFailureEndsWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		below := newGatedConn(t)
		conn := wire.NewCoalesce(below)
		var errs [2]error
		var writers sync.WaitGroup
		for i := range errs {
			writers.Go(func() { _, errs[i] = conn.Write(make([]byte, 1<<20)) })
		}
		synctest.Wait()
		broken := errors.New("cable cut")
		below.gate <- broken
		writers.Wait()
		for _, err := range errs {
			if !errors.Is(err, broken) {
				t.Errorf("waiting Write = %v, want %v", err, broken)
			}
		}
		_ = conn.Close()
	})
}

func TestCoalesceCloseWaitsForAStuckPeerOneSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := ends(t, wire.NewPipe())
		conn := wire.NewCoalesce(server)
		write(t, conn, strings.Repeat("x", 200<<10))
		synctest.Wait()
		began := time.Now()
		err := conn.Close()
		if took := time.Since(began); took != time.Second {
			t.Errorf("Close took %v, want 1s", took)
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) || !strings.Contains(fmt.Sprint(err), "bytes unsent") {
			t.Errorf("Close = %v, want it to tell what was lost", err)
		}
		if got, _ := io.ReadAll(client); len(got) != 64<<10 {
			t.Errorf("peer got %d bytes, want those that fitted into the pipe", len(got))
		}
		_ = client.Close()
	})
}

func TestCoalesceCloseUnblocksAWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		below := newGatedConn(t)
		conn := wire.NewCoalesce(below)
		sent := strings.Repeat("x", 400<<10)
		type result struct {
			n   int
			err error
		}
		written := make(chan result, 1)
		go func() {
			n, err := io.WriteString(conn, sent)
			written <- result{n, err}
		}()
		synctest.Wait()
		closed := make(chan error, 1)
		go func() { closed <- conn.Close() }()
		got := <-written
		if got.n != 256<<10 || !errors.Is(got.err, net.ErrClosed) {
			t.Errorf("Write = %d, %v; want what was accepted and net.ErrClosed", got.n, got.err)
		}
		close(below.gate)
		if err := <-closed; err != nil {
			t.Error(err)
		}
		if arrived := len(strings.Join(below.batches, "")); arrived != got.n {
			t.Errorf("%d bytes arrived, want the %d that were accepted", arrived, got.n)
		}
	})
}

// A deadline in the past, as crypto/tls sets before it closes, does not take back what was accepted.
func TestCoalesceDeadlineKeepsWhatWasAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		below := newGatedConn(t)
		conn := wire.NewCoalesce(below)
		write(t, conn, "accepted")
		if err := conn.SetDeadline(time.Unix(1, 0)); err != nil {
			t.Error(err)
		}
		if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Read = %v, want the deadline that SetDeadline sets for both directions", err)
		}
		close(below.gate)
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		if !slices.Equal(below.batches, []string{"accepted"}) {
			t.Errorf("writes below are %q, want \"accepted\"", below.batches)
		}
	})
}

func TestCoalesceCloseWrite(t *testing.T) {
	expectNoGoroutines(t)
	client, server := tcpEnds(t)
	conn := wire.NewCoalesce(server)
	sent := bytes.Repeat([]byte("0123456789"), 100<<10)
	go func() {
		if _, err := conn.Write(sent); err != nil {
			t.Error(err)
		}
		if err := conn.CloseWrite(); err != nil {
			t.Error(err)
		}
	}()
	got, err := io.ReadAll(client)
	if err != nil || !bytes.Equal(got, sent) {
		t.Errorf("peer read %d bytes, %v; want %d", len(got), err, len(sent))
	}
	write(t, client, "the other direction")
	if err := client.Close(); err != nil {
		t.Error(err)
	}
	if got, err := io.ReadAll(conn); err != nil || string(got) != "the other direction" {
		t.Errorf("read %q, %v after CloseWrite", got, err)
	}
	if _, err := conn.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Write after CloseWrite = %v, want net.ErrClosed", err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}

	_, below := ends(t, wire.NewPipe())
	if err := wire.NewCoalesce(below).CloseWrite(); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("CloseWrite over a connection without one = %v, want errors.ErrUnsupported", err)
	}
}

func TestCoalesceKeepsConcurrentWritesApart(t *testing.T) {
	client, server := tcpEnds(t)
	conn := wire.NewCoalesce(server)
	const size, writers, rounds = 300 << 10, 4, 5
	var work sync.WaitGroup
	for i := range writers {
		work.Go(func() {
			for range rounds {
				if _, err := conn.Write(bytes.Repeat([]byte{byte('a' + i)}, size)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	piece := make([]byte, size)
	for range writers * rounds {
		if _, err := io.ReadFull(client, piece); err != nil {
			t.Fatal(err)
		}
		if bytes.Count(piece, piece[:1]) != size {
			t.Fatal("two writes are mixed")
		}
	}
	work.Wait()
	_, _ = conn.Close(), client.Close()
}
