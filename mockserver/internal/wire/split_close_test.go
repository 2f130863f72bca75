package wire_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optest-dev/optest/mockserver/internal/wire"
)

func TestSplitCloseEndsUndecidedAndUnaccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pipe := wire.NewPipe()
		split := wire.NewSplit(pipe, nil)
		var open []net.Conn
		for _, said := range []string{"", "PR", "GET / HTTP/1.1\r\n\r\n", "PRI * HTTP/2.0"} {
			conn, err := pipe.Dial(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			write(t, conn, said)
			open = append(open, conn)
		}
		synctest.Wait()
		began := time.Now()
		if err := split.Close(); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("Close took %v, want no time", took)
		}
		for _, conn := range open {
			if _, err := conn.Read(make([]byte, 1)); err != io.EOF {
				t.Errorf("connection that was not accepted reads %v, want io.EOF", err)
			}
			_ = conn.Close()
		}
		if _, err := split.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Accept after Close = %v, want net.ErrClosed", err)
		}
		if err := split.Close(); err != nil {
			t.Errorf("second Close = %v, want nil", err)
		}
	})
}

func TestSplitEndsWithTheListenerBelow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pipe := wire.NewPipe()
		split := wire.NewSplit(pipe, nil)
		_ = pipe.Close()
		if _, err := split.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Accept = %v, want net.ErrClosed", err)
		}
		_ = split.Close()
	})
}

// lateListener accepts one connection a second after it was closed.
type lateListener struct {
	*wire.Pipe
	late chan net.Conn
	conn net.Conn
}

func (l lateListener) Accept() (net.Conn, error) {
	if conn, open := <-l.late; open {
		time.Sleep(time.Second)
		return conn, nil
	}
	return l.Pipe.Accept()
}

func (l lateListener) Close() error {
	l.late <- l.conn
	close(l.late)
	return l.Pipe.Close()
}

func TestSplitCloseMissesNoLateConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := ends(t, wire.NewPipe())
		split := wire.NewSplit(lateListener{Pipe: wire.NewPipe(), late: make(chan net.Conn), conn: server}, nil)
		began := time.Now()
		if err := split.Close(); err != nil {
			t.Error(err)
		}
		if _, err := client.Read(make([]byte, 1)); err != io.EOF || time.Since(began) != time.Second {
			t.Errorf("a connection accepted during Close reads %v after %v, want io.EOF after 1s", err, time.Since(began))
		}
		_ = client.Close()
	})
}

// failingListener fails before each Accept.
type failingListener struct {
	*wire.Pipe
	failures chan error
}

func (l failingListener) Accept() (net.Conn, error) {
	select {
	case err := <-l.failures:
		return nil, err
	default:
		return l.Pipe.Accept()
	}
}

func TestSplitHandsAcceptErrorsOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		below := failingListener{Pipe: wire.NewPipe(), failures: make(chan error, 2)}
		below.failures <- syscall.EMFILE
		below.failures <- syscall.EMFILE
		split := wire.NewSplit(below, nil)
		for range 2 {
			if _, err := split.Accept(); !errors.Is(err, syscall.EMFILE) {
				t.Errorf("Accept = %v, want the error of the listener below", err)
			}
		}
		go func() {
			conn, err := below.Dial(t.Context())
			if err != nil {
				t.Error(err)
			}
			write(t, conn, "GET /")
			_ = conn.Close()
		}()
		conn, err := split.Accept()
		if err != nil {
			t.Fatalf("Accept after errors = %v, want a connection", err)
		}
		if got, err := io.ReadAll(conn); err != nil || string(got) != "GET /" {
			t.Errorf("read %q, %v", got, err)
		}
		_, _ = conn.Close(), split.Close()
	})
}

func TestSplitCloseWhileBusy(t *testing.T) {
	expectNoGoroutines(t)
	authority := newAuthority(t)
	split := wire.NewSplit(listenTCP(t), authority.TLSConfig())
	server := newServer(t, atOnce)
	serve(t, server, split)
	address := split.Addr().String()

	var calls atomic.Int64
	busy := make(chan struct{})
	var clients sync.WaitGroup
	for i := range 16 {
		clients.Go(func() {
			var config *tls.Config
			if i%2 == 1 {
				config = &tls.Config{RootCAs: authority.Pool()}
			}
			for { // until the server is gone
				if err := callOverGRPC(t, address, config, "one"); err != nil {
					return
				}
				if calls.Add(1) == 50 {
					close(busy)
				}
			}
		})
	}
	<-busy
	if err := server.Close(); err != nil {
		t.Errorf("Close while busy = %v", err)
	}
	clients.Wait()
}

func TestSplitShutdownLetsCallsEnd(t *testing.T) {
	expectNoGoroutines(t)
	authority := newAuthority(t)
	split := wire.NewSplit(listenTCP(t), authority.TLSConfig())
	var started sync.WaitGroup
	release := make(chan struct{})
	server := newServer(t, func(context.Context) {
		started.Done()
		<-release
	})
	serve(t, server, split)
	address, trust := split.Addr().String(), &tls.Config{RootCAs: authority.Pool()}

	kinds := []func() error{
		func() error { return callOverGRPC(t, address, nil, "one") },
		func() error { return callOverGRPC(t, address, trust, "two") },
		func() error { return callOverHTTP1(t, "http://"+address, nil, "three") },
		func() error { return callOverHTTP1(t, "https://"+address, trust.Clone(), "four") },
	}
	var clients sync.WaitGroup
	started.Add(len(kinds))
	for _, call := range kinds {
		clients.Go(func() {
			if err := call(); err != nil {
				t.Errorf("call during Shutdown: %v", err)
			}
		})
	}
	started.Wait()
	shut := make(chan error, 1)
	go func() { shut <- server.Shutdown(t.Context()) }()
	if _, err := split.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept during Shutdown = %v, want net.ErrClosed", err)
	}
	close(release)
	clients.Wait()
	if err := <-shut; err != nil {
		t.Errorf("Shutdown = %v", err)
	}
}
