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
	"testing"
	"testing/synctest"
	"time"

	"github.com/optest-dev/optest/mockserver/internal/wire"
)

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
