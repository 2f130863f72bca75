package wire_test

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/optest-dev/optest/mockserver/internal/wire"
)

type lingering interface{ SetLinger(seconds int) error }

// TestPipeIsReset by either end, as a TCP connection is: what was written before can be read.
func TestPipeIsReset(t *testing.T) {
	for _, name := range []string{"by the client", "by the server"} {
		t.Run(name, func(t *testing.T) {
			here, there := ends(t, wire.NewPipe())
			if name == "by the server" {
				here, there = there, here
			}
			if _, err := here.Write([]byte("last words")); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(here.(lingering).SetLinger(0), here.Close(), here.Close()); err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(there)
			if string(got) != "last words" || !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("read %q, %v, want all and ECONNRESET", got, err)
			}
			if _, err := there.Write([]byte("x")); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("Write = %v, want ECONNRESET", err)
			}
			if _, err := here.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
				t.Errorf("Read of the end that was closed = %v, want net.ErrClosed", err)
			}
			if err := there.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestPipeIsResetWhileRead wakes who waits.
func TestPipeIsResetWhileRead(t *testing.T) {
	client, server := ends(t, wire.NewPipe())
	waits := make(chan error, 2)
	go func() {
		_, err := client.Read(make([]byte, 1))
		waits <- err
	}()
	go func() {
		_, err := client.Write(make([]byte, 1<<20)) // more than the pipe holds
		waits <- err
	}()
	if err := errors.Join(server.(lingering).SetLinger(0), server.Close()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := <-waits; !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("who waited gets %v, want ECONNRESET", err)
		}
	}
}

// TestPipeLingersAgain and after a close stays closed.
func TestPipeLingersAgain(t *testing.T) {
	client, server := ends(t, wire.NewPipe())
	if err := errors.Join(server.(lingering).SetLinger(0), server.(lingering).SetLinger(-1), server.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("Read = %v, want io.EOF", err)
	}
	if err := errors.Join(server.(lingering).SetLinger(0), server.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("Read after another close = %v, want io.EOF", err)
	}
}
