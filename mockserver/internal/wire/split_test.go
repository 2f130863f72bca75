package wire_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optest-dev/optest/mockserver/internal/selfcert"
	"github.com/optest-dev/optest/mockserver/internal/wire"
)

func newAuthority(tb testing.TB) *selfcert.Authority {
	tb.Helper()
	authority, err := selfcert.New()
	if err != nil {
		tb.Fatal(err)
	}
	return authority
}

// TestSplitServesAllAtOnce opens 100 connections of every kind to one port.
func TestSplitServesAllAtOnce(t *testing.T) {
	expectNoGoroutines(t)
	authority := newAuthority(t)
	split := wire.NewSplit(listenTCP(t), authority.TLSConfig())
	serve(t, newServer(t, atOnce), split)
	address := split.Addr().String()
	trust := &tls.Config{RootCAs: authority.Pool()}

	silent := make(chan net.Conn, 100)
	kinds := []func(id string) error{
		func(id string) error { return callOverGRPC(t, address, nil, id) },
		func(id string) error { return callOverGRPC(t, address, trust, id) },
		func(id string) error { return callOverHTTP1(t, "http://"+address, nil, id) },
		func(id string) error { return callOverHTTP1(t, "https://"+address, trust.Clone(), id) },
		func(string) error {
			conn, err := net.Dial("tcp", address)
			silent <- conn
			return err
		},
		func(string) error { return expectRefusal(address, "\x00\x01\x02garbage\r\n\r\n", "HTTP/1.1 400 ") },
		func(string) error { return expectRefusal(address, "\x16\x03\x01garbage that is no ClientHello", "") },
		func(string) error { return expectRefusal(address, "\x16", "") },
	}
	var clients sync.WaitGroup
	for i := range 100 {
		clients.Go(func() {
			if err := kinds[i%len(kinds)](fmt.Sprint("operation-", i)); err != nil {
				t.Errorf("connection %d of kind %d: %v", i, i%len(kinds), err)
			}
		})
	}
	clients.Wait()
	close(silent)
	for conn := range silent {
		if conn != nil {
			t.Cleanup(func() { _ = conn.Close() })
		}
	}
}

func callOverGRPC(t *testing.T, address string, config *tls.Config, id string) error {
	conn, err := newGRPCClient(address, config)
	if err != nil {
		return err
	}
	got, err := getByGRPC(t.Context(), conn, id)
	return errors.Join(err, wantID(got, id), conn.Close())
}

func callOverHTTP1(t *testing.T, url string, config *tls.Config, id string) error {
	client, transport := httpClient(config)
	defer transport.CloseIdleConnections()
	got, err := getByConnect(t.Context(), connectClient(client, url), id)
	return errors.Join(err, wantID(got, id))
}

func wantID(got, want string) error {
	if got != want {
		return fmt.Errorf("got operation %q, want %q", got, want)
	}
	return nil
}

// expectRefusal sends what no protocol knows and ends its direction. The server must answer with prefix and close.
func expectRefusal(address, sent, prefix string) error {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, sent); err != nil {
		return err
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		return err
	}
	got, err := io.ReadAll(conn)
	if errors.Is(err, syscall.ECONNRESET) {
		err = nil // as good an end as io.EOF
	}
	if !strings.HasPrefix(string(got), prefix) {
		err = errors.Join(err, fmt.Errorf("to %q the answer is %q, want %q first", sent, got, prefix))
	}
	return err
}

func TestSplitNegotiates(t *testing.T) {
	expectNoGoroutines(t)
	authority := newAuthority(t)
	for _, test := range []struct {
		name           string
		server, client []string
		want           string
	}{
		{name: "h2", client: []string{"h2", "http/1.1"}, want: "h2"},
		{name: "http/1.1", client: []string{"http/1.1"}, want: "http/1.1"},
		{name: "nothing", client: nil, want: ""},
		{name: "server's choice", server: []string{"http/1.1"}, client: []string{"h2", "http/1.1"}, want: "http/1.1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			config := authority.TLSConfig()
			config.NextProtos = test.server
			split := wire.NewSplit(listenTCP(t), config)
			serve(t, newServer(t, atOnce), split)
			conn, err := tls.Dial("tcp", split.Addr().String(), &tls.Config{RootCAs: authority.Pool(), NextProtos: test.client})
			if err != nil {
				t.Fatal(err)
			}
			if got := conn.ConnectionState().NegotiatedProtocol; got != test.want {
				t.Errorf("negotiated %q, want %q", got, test.want)
			}
			_ = conn.Close()
			if len(config.NextProtos) != len(test.server) {
				t.Errorf("the caller's config was changed to %q", config.NextProtos)
			}
		})
	}
}

func TestSplitWithoutTLS(t *testing.T) {
	expectNoGoroutines(t)
	split := wire.NewSplit(listenTCP(t), nil)
	serve(t, newServer(t, atOnce), split)
	address := split.Addr().String()
	if err := callOverGRPC(t, address, nil, "one"); err != nil {
		t.Error(err)
	}
	if err := callOverHTTP1(t, "http://"+address, nil, "two"); err != nil {
		t.Error(err)
	}
	if conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true}); err == nil {
		t.Error("a TLS client was served without a certificate")
		_ = conn.Close()
	}
}

// TestSplitGivesLayers pins what http.Server and its ConnContext see.
func TestSplitGivesLayers(t *testing.T) {
	split := wire.NewSplit(listenTCP(t), newAuthority(t).TLSConfig())
	defer func() { _ = split.Close() }()
	for _, test := range []struct{ sent, want string }{
		{"\x16\x03\x01", "*tls.Conn"},
		{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "*wire.Coalesce"},
		{"POST / HTTP/1.1\r\n\r\n", "*wire.replayed"},
	} {
		client, err := net.Dial("tcp", split.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		write(t, client, test.sent)
		conn, err := split.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%T", conn); got != test.want {
			t.Errorf("to %q Accept gives a %s, want %s", test.sent, got, test.want)
		}
		_, _ = conn.Close(), client.Close()
	}
}

// net/http answers a request that is too large before it has read it. The answer arrives only if the server ends its direction
// before it closes, which it does through CloseWrite of the outermost layer.
func TestSplitLetsErrorsArrive(t *testing.T) {
	expectNoGoroutines(t)
	split := wire.NewSplit(listenTCP(t), nil)
	serve(t, newServer(t, atOnce), split)
	conn, err := net.Dial("tcp", split.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	request := "GET / HTTP/1.1\r\nHost: localhost\r\nX-Large: " + strings.Repeat("x", 64<<10)
	write(t, conn, request)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("answer %s, want 431", response.Status)
	}
	_ = response.Body.Close()
}

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
			// A connection that has spoken may be silent for as long as it likes.
			defer func() {
				if _, err := getByGRPC(t.Context(), client, "later"); err != nil {
					t.Error(err)
				}
				_ = client.Close()
			}()
		}
		silent.Wait()
		time.Sleep(time.Hour)
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
		if err := split.Close(); err != nil {
			t.Error(err)
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

// A large answer through every layer arrives whole, although the server closes right after it.
func TestSplitLosesNothing(t *testing.T) {
	expectNoGoroutines(t)
	authority := newAuthority(t)
	split := wire.NewSplit(listenTCP(t), authority.TLSConfig())
	want := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	server := newServer(t, atOnce)
	server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, err := io.ReadAll(r.Body)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("server got %d bytes, %v; want %d", len(got), err, len(want))
		}
		w.Header().Set("Connection", "close")
		_, _ = w.Write(got)
	})
	serve(t, server, split)
	for _, scheme := range []string{"http", "https"} {
		for _, version := range []string{"HTTP/1.1", "HTTP/2.0"} {
			transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: authority.Pool()}, Protocols: new(http.Protocols)}
			transport.Protocols.SetHTTP1(version == "HTTP/1.1")
			transport.Protocols.SetHTTP2(version == "HTTP/2.0")
			transport.Protocols.SetUnencryptedHTTP2(version == "HTTP/2.0")
			response, err := (&http.Client{Transport: transport}).Post(scheme+"://"+split.Addr().String(), "text/plain", bytes.NewReader(want))
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(response.Body)
			if err != nil || !bytes.Equal(got, want) || response.Proto != version {
				t.Errorf("%s: got %d bytes over %s, %v; want %d over %s", scheme, len(got), response.Proto, err, len(want), version)
			}
			_ = response.Body.Close()
			transport.CloseIdleConnections()
		}
	}
}
