package wire_test

import (
	"crypto/tls"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optest-dev/optest/mockserver/internal/wire"
)

func TestSplitSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pipe := wire.NewPipe()
		authority := newAuthority(t)
		serve(t, newServer(t, atOnce), wire.NewSplit(pipe, authority.TLSConfig()))
		began := time.Now()
		var silent sync.WaitGroup
		for _, said := range []string{"", "P", "PR"} {
			conn, err := pipe.Dial(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			write(t, conn, said)
			silent.Go(func() {
				if _, err := conn.Read(make([]byte, 1)); err != io.EOF {
					t.Errorf("connection that said %q reads %v, want io.EOF", said, err)
				}
				if took := time.Since(began); took != 10*time.Second {
					t.Errorf("connection that said %q lasted %v, want 10s", said, took)
				}
				_ = conn.Close()
			})
		}
		for _, config := range []*tls.Config{nil, {RootCAs: authority.Pool(), ServerName: "localhost"}} {
			client := grpcClient(t, "passthrough:///pipe", config, dialWith(pipe.Dial))
			if got, err := getByGRPC(t.Context(), client, "one"); err != nil || got != "one" {
				t.Errorf("Get beside silent connections = %q, %v", got, err)
			}
			if took := time.Since(began); took != 0 {
				t.Errorf("Get beside silent connections took %v, want no time", took)
			}
			defer func() { _ = client.Close() }()
		}
		silent.Wait()
	})
}

func TestSplitLiftsItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pipe := wire.NewPipe()
		split := wire.NewSplit(pipe, nil)
		for _, said := range []string{"GET", "PRI"} {
			client, err := pipe.Dial(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			write(t, client, said)
			server, err := split.Accept()
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				time.Sleep(time.Hour)
				write(t, client, " later")
				_ = client.Close()
			}()
			if got, err := io.ReadAll(server); err != nil || string(got) != said+" later" {
				t.Errorf("server reads %q, %v; want what came an hour later, too", got, err)
			}
			_ = server.Close()
		}
		_ = split.Close()
	})
}

func TestSplitBoundsTheSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pipe := wire.NewPipe()
		split := wire.NewSplit(pipe, nil)
		var dropped atomic.Int64
		var silent sync.WaitGroup
		dial := func() net.Conn {
			conn, err := pipe.Dial(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			silent.Go(func() {
				_, _ = conn.Read(make([]byte, 1))
				dropped.Add(1)
				_ = conn.Close()
			})
			return conn
		}
		for range 1024 {
			dial()
		}
		time.Sleep(100 * time.Millisecond)
		if n := dropped.Load(); n != 0 {
			t.Errorf("%d of 1,024 silent connections were closed, want none yet", n)
		}

		// One more has to wait until the oldest has had its second, and is then served; no other is closed for it.
		began := time.Now()
		write(t, dial(), "GET / HTTP/1.1\r\n\r\n")
		conn, err := split.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 900*time.Millisecond {
			t.Errorf("the next connection waited %v, want 900ms", took)
		}
		synctest.Wait() // until the client of the dropped one has noticed
		if n := dropped.Load(); n != 1 {
			t.Errorf("%d silent connections were closed for one, want 1", n)
		}

		// A burst of silent connections takes the places of the old ones without a wait for each.
		began = time.Now()
		for range 1024 {
			dial()
		}
		synctest.Wait()
		if took := time.Since(began); took > time.Second {
			t.Errorf("1,024 silent connections were replaced in %v, want at most 1s", took)
		}
		_ = conn.Close()
		if err := split.Close(); err != nil {
			t.Error(err)
		}
		silent.Wait()
	})
}
