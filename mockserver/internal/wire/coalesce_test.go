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
		tb.Errorf("Write of %.50q = %d, %v; want %d", text, n, err, len(text))
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

func TestConcurrentWritesAreNotMixed(t *testing.T) {
	for name, makeEnds := range map[string]func() (net.Conn, net.Conn){
		"coalesce": func() (net.Conn, net.Conn) {
			client, server := tcpEnds(t)
			return client, wire.NewCoalesce(server)
		},
		"pipe": func() (net.Conn, net.Conn) { return ends(t, wire.NewPipe()) },
	} {
		t.Run(name, func(t *testing.T) {
			expectNoGoroutines(t)
			client, server := makeEnds()
			const size, writers, rounds = 300 << 10, 4, 5
			var work sync.WaitGroup
			for i := range writers {
				work.Go(func() {
					for range rounds {
						if _, err := server.Write(bytes.Repeat([]byte{byte('a' + i)}, size)); err != nil {
							t.Error(err)
						}
					}
				})
			}
			piece := make([]byte, size)
			for range writers * rounds {
				if _, err := io.ReadFull(client, piece); err != nil {
					t.Error(err)
				}
				if bytes.Count(piece, piece[:1]) != size {
					t.Error("two writes are mixed")
				}
			}
			work.Wait()
			_, _ = server.Close(), client.Close()
		})
	}
}

// What the flusher is sending counts until it is sent.
func TestCoalesceBoundsGatheredAndSending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		below := newGatedConn(t)
		conn := wire.NewCoalesce(below)
		expectRoom := func(state string, want int) {
			t.Helper()
			if err := conn.SetWriteDeadline(time.Now().Add(time.Minute)); err != nil {
				t.Error(err)
			}
			if n, err := conn.Write(make([]byte, 300<<10)); n != want || !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("Write with %s = %d, %v; want %d and the deadline", state, n, err, want)
			}
			if err := conn.SetWriteDeadline(time.Time{}); err != nil {
				t.Error(err)
			}
		}
		letGo := func() {
			synctest.Wait()
			below.gate <- nil
			synctest.Wait()
		}
		write(t, conn, "sent")
		letGo()
		expectRoom("nothing on its way", 256<<10)
		letGo()
		write(t, conn, strings.Repeat("x", 200<<10))
		synctest.Wait()
		expectRoom("200 KiB on their way", 56<<10)
		letGo()
		expectRoom("56 KiB on their way", 200<<10)
		close(below.gate)
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
}
