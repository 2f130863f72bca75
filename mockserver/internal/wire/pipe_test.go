package wire_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/nettest"

	"github.com/optest-dev/optest/mockserver/internal/wire"
)

// ends returns both ends of a new connection.
func ends(tb testing.TB, pipe *wire.Pipe) (client, server net.Conn) {
	tb.Helper()
	accepted := make(chan net.Conn, 1)
	go func() {
		conn, err := pipe.Accept()
		if err != nil {
			tb.Error(err)
		}
		accepted <- conn
	}()
	client, err := pipe.Dial(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return client, <-accepted
}

func TestPipeIsAConn(t *testing.T) {
	nettest.TestConn(t, func() (net.Conn, net.Conn, func(), error) {
		pipe := wire.NewPipe()
		a, b := ends(t, pipe)
		return a, b, func() { _, _, _ = a.Close(), b.Close(), pipe.Close() }, nil
	})
}

func TestPipeServesInVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pipe := wire.NewPipe()
		serve(t, newServer(t, func(context.Context) { time.Sleep(time.Hour) }), pipe)
		overGRPC := grpcOverPipe(t, pipe.Dial)
		client, transport := http2OverPipe(pipe.Dial)
		overConnect := connectClient(client, "http://pipe")
		began := time.Now()
		var calls sync.WaitGroup
		for i := range 20 {
			calls.Go(func() {
				id := fmt.Sprint("operation-", i)
				got, err := getByGRPC(t.Context(), overGRPC, id)
				if i%2 == 1 {
					got, err = getByConnect(t.Context(), overConnect, id)
				}
				if err != nil || got != id {
					t.Errorf("Get(%q) = %q, %v", id, got, err)
				}
			})
		}
		calls.Wait()
		if took := time.Since(began); took != 2*time.Hour {
			t.Errorf("calls took %v of virtual time, want 2h", took)
		}
		time.Sleep(24 * time.Hour) // an idle connection does not hold time up
		if _, err := getByGRPC(t.Context(), overGRPC, "again"); err != nil {
			t.Error(err)
		}
		transport.CloseIdleConnections()
		if err := overGRPC.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestPipeServesOutsideABubble(t *testing.T) {
	expectNoGoroutines(t)
	pipe := wire.NewPipe()
	serve(t, newServer(t, atOnce), pipe)
	conn := grpcOverPipe(t, pipe.Dial)
	if got, err := getByGRPC(t.Context(), conn, "one"); err != nil || got != "one" {
		t.Errorf("Get = %q, %v", got, err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
}

func TestPipeClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pipe := wire.NewPipe()
		client, server := ends(t, pipe)
		var dialErr, acceptErr error
		go func() { _, dialErr = pipe.Dial(t.Context()) }()
		synctest.Wait()
		if err := pipe.Close(); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if !errors.Is(dialErr, net.ErrClosed) || !strings.HasPrefix(fmt.Sprint(dialErr), "optest: dial of the in-memory listener ") {
			t.Errorf("pending Dial = %v, want a clear error with net.ErrClosed", dialErr)
		}
		if _, err := pipe.Dial(t.Context()); !errors.Is(err, net.ErrClosed) {
			t.Errorf("later Dial = %v, want net.ErrClosed", err)
		}
		if _, err := pipe.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("later Accept = %v, want net.ErrClosed", err)
		}
		if err := pipe.Close(); err != nil {
			t.Errorf("second Close = %v, want nil", err)
		}

		if _, err := server.Write([]byte("still open")); err != nil {
			t.Error(err)
		}
		_ = server.Close()
		if got, err := io.ReadAll(client); err != nil || string(got) != "still open" {
			t.Errorf("an accepted connection gave %q, %v after its listener's Close", got, err)
		}
		_ = client.Close()

		pipe = wire.NewPipe()
		go func() { _, acceptErr = pipe.Accept() }()
		synctest.Wait()
		_ = pipe.Close()
		synctest.Wait()
		if !errors.Is(acceptErr, net.ErrClosed) {
			t.Errorf("pending Accept = %v, want net.ErrClosed", acceptErr)
		}
	})
}

func TestPipeDialEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pipe := wire.NewPipe()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := pipe.Dial(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "got no Accept") {
			t.Errorf("Dial = %v, want one that names the missing Accept and the deadline", err)
		}
		_ = pipe.Close()
	})
}

func TestPipeAddresses(t *testing.T) {
	pipe := wire.NewPipe()
	for _, want := range []string{"pipe:1", "pipe:2"} {
		client, server := ends(t, pipe)
		for _, got := range []net.Addr{client.LocalAddr(), server.RemoteAddr()} {
			if got.String() != want || got.Network() != "pipe" {
				t.Errorf("client's address %q on %q, want %q on \"pipe\"", got, got.Network(), want)
			}
			if _, _, err := net.SplitHostPort(got.String()); err != nil {
				t.Errorf("client's address: %v", err)
			}
		}
		for _, got := range []net.Addr{client.RemoteAddr(), server.LocalAddr(), pipe.Addr()} {
			if got.String() != "pipe:0" {
				t.Errorf("server's address %q, want \"pipe:0\"", got)
			}
		}
		_, _ = client.Close(), server.Close()
	}
	_ = pipe.Close()
}

func TestPipeHoldsAWriterBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := ends(t, wire.NewPipe())
		sent := make([]byte, 1<<20)
		for i := range sent {
			sent[i] = byte(i * 7 >> 3)
		}
		if err := client.SetWriteDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Error(err)
		}
		n, err := client.Write(sent)
		if n != 64<<10 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Write to an end that doesn't read = %d, %v; want 64 KiB and the deadline", n, err)
		}
		if err := client.SetWriteDeadline(time.Time{}); err != nil {
			t.Error(err)
		}
		go func() {
			if _, err := client.Write(sent[n:]); err != nil {
				t.Error(err)
			}
			_ = client.Close()
		}()
		got, err := io.ReadAll(server)
		if err != nil || string(got) != string(sent) {
			t.Errorf("read %d bytes, %v; want the %d that were written", len(got), err, len(sent))
		}
		_ = server.Close()
	})
}

func TestPipeErrorsAfterClose(t *testing.T) {
	client, server := ends(t, wire.NewPipe())
	_ = client.Close()
	if _, err := client.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Read of a closed end = %v, want net.ErrClosed", err)
	}
	if _, err := client.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Write to a closed end = %v, want net.ErrClosed", err)
	}
	if err := client.SetDeadline(time.Now()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("SetDeadline of a closed end = %v, want net.ErrClosed", err)
	}
	if _, err := server.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("Read from a closed end = %v, want io.EOF", err)
	}
	if _, err := server.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("Write towards a closed end = %v, want io.ErrClosedPipe", err)
	}
	_ = server.Close()
}

// A writer that waits behind another waits on a condition: a lock would hold the time of a bubble up.
func TestPipeQueuedWriterLeavesAtItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := ends(t, wire.NewPipe())
		go func() { _, _ = client.Write(make([]byte, 1<<20)) }()
		synctest.Wait()
		if err := client.SetWriteDeadline(time.Now().Add(time.Hour)); err != nil {
			t.Error(err)
		}
		if n, err := client.Write([]byte("x")); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("queued Write = %d, %v; want nothing and the deadline", n, err)
		}
		_, _ = client.Close(), server.Close()
	})
}
