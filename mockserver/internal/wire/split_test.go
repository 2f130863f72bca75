package wire_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/optest-dev/optest/internal/selfcert"
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

// TestSplitGivesLayers pins what http.Server and its ConnContext see, and that each layer can end its direction only: net/http does
// so after it has refused a request, because a reset would take the answer from the client.
func TestSplitGivesLayers(t *testing.T) {
	authority := newAuthority(t)
	split := wire.NewSplit(listenTCP(t), authority.TLSConfig())
	defer func() { _ = split.Close() }()
	for _, test := range []struct{ sent, want string }{
		{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "*wire.Coalesce"},
		{"POST / HTTP/1.1\r\n\r\n", "*wire.replayed"},
		{"\x00\x00\x00", "*wire.replayed"},
		{"a handshake", "*tls.Conn"},
	} {
		client, err := net.Dial("tcp", split.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if test.want == "*tls.Conn" {
			client = tls.Client(client, &tls.Config{RootCAs: authority.Pool(), ServerName: "localhost"})
		}
		wrote := make(chan struct{})
		go func() {
			defer close(wrote)
			write(t, client, test.sent)
		}()
		conn, err := split.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%T", conn); got != test.want {
			t.Errorf("to %q Accept gives a %s, want %s", test.sent, got, test.want)
		}
		received := make([]byte, len(test.sent))
		if _, err := io.ReadFull(conn, received); err != nil || string(received) != test.sent {
			t.Errorf("%s reads %q, %v; want %q", test.want, received, err, test.sent)
		}
		<-wrote
		write(t, conn, "refused")
		if err := conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
			t.Errorf("CloseWrite of a %s: %v", test.want, err)
		}
		if got, err := io.ReadAll(client); err != nil || string(got) != "refused" {
			t.Errorf("after CloseWrite of a %s the client reads %q, %v; want all and the end", test.want, got, err)
		}
		_, _ = conn.Close(), client.Close()
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
