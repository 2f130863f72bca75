package wire_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optest-dev/optest/mockserver/internal/wire"
)

// overheard is a layer that keeps what it hears.
type overheard struct {
	net.Conn
	*transcript
}

type transcript struct {
	mu    sync.Mutex
	heard bytes.Buffer
	below []string
}

func (t *transcript) over(conn net.Conn) net.Conn {
	t.mu.Lock()
	defer t.mu.Unlock()
	kind := "socket"
	if _, secured := conn.(*tls.Conn); secured {
		kind = "TLS"
	}
	t.below = append(t.below, kind)
	return overheard{conn, t}
}

func (o overheard) Read(p []byte) (int, error) {
	n, err := o.Conn.Read(p)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.heard.Write(p[:n])
	return n, err
}

// TestSplitGivesLayersTheClear has a layer see what is said over TLS and in plaintext, whatever the version of HTTP.
func TestSplitGivesLayersTheClear(t *testing.T) {
	expectNoGoroutines(t)
	authority := newAuthority(t)
	for _, test := range []struct{ scheme, version, hears string }{
		{"http", "HTTP/1.1", "POST / HTTP/1.1\r\n"},
		{"http", "HTTP/2.0", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
		{"https", "HTTP/1.1", "POST / HTTP/1.1\r\n"},
		{"https", "HTTP/2.0", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
	} {
		heard := &transcript{}
		split := wire.NewSplit(listenTCP(t), authority.TLSConfig(), heard.over)
		server := newServer(t, atOnce)
		server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
		serve(t, server, split)
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: authority.Pool()}, Protocols: new(http.Protocols)}
		transport.Protocols.SetHTTP1(test.version == "HTTP/1.1")
		transport.Protocols.SetHTTP2(test.version == "HTTP/2.0")
		transport.Protocols.SetUnencryptedHTTP2(test.version == "HTTP/2.0")
		response, err := (&http.Client{Transport: transport}).Post(test.scheme+"://"+split.Addr().String(), "text/plain", strings.NewReader("echo"))
		if err != nil {
			t.Fatalf("%s over %s: %v", test.version, test.scheme, err)
		}
		got, err := io.ReadAll(response.Body)
		if err != nil || string(got) != "echo" || response.Proto != test.version {
			t.Errorf("%s over %s: got %q over %s, %v", test.version, test.scheme, got, response.Proto, err)
		}
		_ = response.Body.Close()
		transport.CloseIdleConnections()
		heard.mu.Lock()
		if !strings.HasPrefix(heard.heard.String(), test.hears) {
			t.Errorf("%s over %s: the layer hears %.30q, want %q", test.version, test.scheme, heard.heard.String(), test.hears)
		}
		want := map[string]string{"http": "socket", "https": "TLS"}[test.scheme]
		if len(heard.below) != 1 || heard.below[0] != want {
			t.Errorf("%s over %s: the layer is over %v, want %s", test.version, test.scheme, heard.below, want)
		}
		heard.mu.Unlock()
	}
}

// TestSplitReportsHandshakes that fail although net/http does not make them.
func TestSplitReportsHandshakes(t *testing.T) {
	expectNoGoroutines(t)
	reports := make(chan string, 1)
	heard := &transcript{}
	split := wire.NewSplit(listenTCP(t), newAuthority(t).TLSConfig(), heard.over)
	server := newServer(t, atOnce)
	server.ErrorLog = log.New(lines(reports), "", 0)
	serve(t, server, split)
	if conn, err := tls.Dial("tcp", split.Addr().String(), &tls.Config{ServerName: "localhost"}); err == nil {
		t.Error("the client trusts a root that it does not have")
		_ = conn.Close()
	}
	if got := <-reports; !strings.Contains(got, "TLS handshake error") {
		t.Errorf("the server reports %q", got)
	}
	if len(heard.below) > 0 {
		t.Errorf("a layer is over %v, want none without a handshake", heard.below)
	}
}

type lines chan<- string

func (l lines) Write(line []byte) (int, error) {
	l <- string(line)
	return len(line), nil
}

// TestSplitEndsSlowHandshakes of clients that begin one and say no more, and at Close.
func TestSplitEndsSlowHandshakes(t *testing.T) {
	for _, name := range []string{"in time", "at Close"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				pipe := wire.NewPipe()
				split := wire.NewSplit(pipe, newAuthority(t).TLSConfig(), (&transcript{}).over)
				server := newServer(t, atOnce)
				server.ErrorLog = log.New(io.Discard, "", 0)
				serve(t, server, split)
				conn, err := pipe.Dial(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				began, want := time.Now(), 10*time.Second
				write(t, conn, "\x16\x03\x01\x02")
				synctest.Wait()
				if name == "at Close" {
					want = 0
					if err := server.Close(); err != nil {
						t.Error(err)
					}
				}
				if got, err := io.ReadAll(conn); err != nil {
					t.Errorf("the client reads %q, %v", got, err)
				}
				if took := time.Since(began); took != want {
					t.Errorf("the connection lasted %v, want %v", took, want)
				}
				_ = conn.Close()
			})
		})
	}
}
