package proxy_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/optest-dev/optest/conformance"
	"github.com/optest-dev/optest/conformance/proxy"
	"github.com/optest-dev/optest/fixtures"
	"github.com/optest-dev/optest/mockserver"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/proto/gen/yandex/cloud/clouddesktop/v1/clouddesktopconnect"
	"github.com/optest-dev/optest/proto/gen/yandex/cloud/operation/operationconnect"
	"github.com/optest-dev/optest/trace"
)

// creator and getter are clients over any protocol.
type (
	creator func(context.Context, *clouddesktop.CopyFromDesktopRequest) (*operation.Operation, error)
	getter  func(context.Context, *operation.GetOperationRequest) (*operation.Operation, error)
)

func clients(t *testing.T, p *proxy.Proxy) map[string]func() (creator, getter) {
	conn, err := grpc.NewClient("passthrough:///"+p.Addr(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
	over := func(major int, opts ...connecthttp.Option) func() (creator, getter) {
		c := connect.NewClient(connecthttp.NewTransport(client(t, major, nil), p.URL(), opts...))
		return func() (creator, getter) {
			return clouddesktopconnect.NewDesktopImageServiceClient(c).CopyFromDesktop, operationconnect.NewOperationServiceClient(c).Get
		}
	}
	return map[string]func() (creator, getter){
		"grpc-go": func() (creator, getter) {
			images, operations := clouddesktop.NewDesktopImageServiceClient(conn), operation.NewOperationServiceClient(conn)
			return func(ctx context.Context, r *clouddesktop.CopyFromDesktopRequest) (*operation.Operation, error) {
					return images.CopyFromDesktop(ctx, r)
				}, func(ctx context.Context, r *operation.GetOperationRequest) (*operation.Operation, error) {
					return operations.Get(ctx, r)
				}
		},
		"gRPC by Connect":    over(2, connecthttp.WithGRPC()),
		"gRPC-Web":           over(1, connecthttp.WithGRPCWeb()),
		"Connect":            over(1),
		"Connect and HTTP/2": over(2),
	}
}

// follow starts operations and polls them over every protocol. The server's clock
// is moved on by hand.
func follow(t *testing.T, srv *mockserver.Server, p *proxy.Proxy, desktop string) {
	t.Helper()
	for name, client := range clients(t, p) {
		create, get := client()
		op, err := create(t.Context(), &clouddesktop.CopyFromDesktopRequest{DesktopId: desktop, Name: "n"})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for range 30 {
			srv.Advance(time.Minute)
			got, err := get(t.Context(), &operation.GetOperationRequest{OperationId: op.GetId()})
			if err == nil && got.GetId() != op.GetId() {
				t.Errorf("%s: got operation %q, want %q", name, got.GetId(), op.GetId())
			}
		}
	}
	for _, target := range []string{"/operations/none", "/cloud-desktop/v1/images?folderId=f", "/no/such"} {
		resp, err := client(t, 1, nil).Get(p.URL() + target)
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.Copy(io.Discard, resp.Body)
		if err := errors.Join(err, resp.Body.Close()); err != nil {
			t.Error(err)
		}
	}
}

func report(t *testing.T, p *proxy.Proxy) *conformance.Report {
	t.Helper()
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := p.Report()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestHealthyServer(t *testing.T) {
	for _, fixture := range []string{"slow-success", "early-error"} {
		srv := mockserver.New(t, mockserver.Listen("127.0.0.1:0"))
		srv.Play(fixtures.Must(fixture))
		p := start(t, srv.URL(), proxy.OnlyDoor(), proxy.With(conformance.Strong()))
		follow(t, srv, p, "d")
		r := report(t, p)
		if err := r.Err(); err != nil {
			t.Errorf("%s: %v", fixture, err)
		}
		for _, id := range []string{"ERR-01", "ERR-02", "OP-18", "OP-02"} {
			if got := r.Rule(id); got.Verdict != conformance.Passed {
				t.Errorf("%s: %s is %v (%s)", fixture, id, got.Verdict, got.Reason)
			}
		}
		if r.Target != srv.URL() || r.Profile != "strong" || len(r.Protocols) != 4 {
			t.Errorf("got target %q, profile %q, protocols %v", r.Target, r.Profile, r.Protocols)
		}
	}
}

func TestBrokenServer(t *testing.T) {
	for fixture, rule := range map[string]string{
		"done-flips-back": "LRO-01", "error-and-response": "OP-18", "two-messages": "ERR-02", "no-trailers": "ERR-01", "done-without-result": "OP-08",
	} {
		t.Run(fixture, func(t *testing.T) {
			srv := mockserver.New(t, mockserver.Listen("127.0.0.1:0"))
			srv.Play(fixtures.Must(fixture))
			var mu sync.Mutex
			told := map[string]bool{}
			p := start(t, srv.URL(), proxy.Found(func(f conformance.Found) {
				mu.Lock()
				defer mu.Unlock()
				told[f.ID] = true
			}))
			follow(t, srv, p, "d")
			r := report(t, p)
			if r.Verdict != conformance.NotConformant || r.Rule(rule).Verdict != conformance.Failed || !told[rule] {
				t.Errorf("%v; %s is %v, told of %v", r, rule, r.Rule(rule).Verdict, told)
			}
		})
	}
}

// A server that knows its callers is not told who they are by the trace.
func TestSecretsAreNotKept(t *testing.T) {
	srv := mockserver.New(t, mockserver.Listen("127.0.0.1:0"))
	var out bytes.Buffer
	p := start(t, srv.URL(), proxy.TraceTo(&out), proxy.Secret("x-own"))
	req, err := http.NewRequest(http.MethodGet, p.URL()+"/operations/a?x-own=hush1hush", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer hush2hush")
	req.Header.Set("X-Own", "hush3hush")
	resp, err := client(t, 1, nil).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	p.Trace() // by now the call is recorded, which its client does not wait for
	p.Flush()
	if n := strings.Count(out.String(), "\n"); n < 2 {
		t.Errorf("the trace has %d lines after Flush", n)
	}
	report(t, p)
	if strings.Contains(out.String(), "hush") {
		t.Errorf("the trace has a secret: %s", out.String())
	}
	read, err := trace.Read(&out, "x")
	if err != nil || len(read.Events) != 1 || read.Header.GetObserver() != optestv1.TraceHeader_PROXY {
		t.Errorf("got %v: %v", read, err)
	}
}

// Each connection of a client is one to the server.
func TestConnectionsStayApart(t *testing.T) {
	var mu sync.Mutex
	peers := map[string]map[string]bool{} // of the server, by the client's name
	url, _ := upstream(t, func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		name := r.Header.Get("X-Client")
		if peers[name] == nil {
			peers[name] = map[string]bool{}
		}
		peers[name][r.RemoteAddr] = true
	}, false)
	p := start(t, url)
	const each = 5
	for _, name := range []string{"a1", "a2", "b1", "b2"} {
		c := client(t, map[byte]int{'a': 1, 'b': 2}[name[0]], nil)
		for range each {
			req, err := http.NewRequest(http.MethodGet, p.URL()+"/operations/a", nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("X-Client", name)
			resp, err := c.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_, err = io.Copy(io.Discard, resp.Body)
			if err := errors.Join(err, resp.Body.Close()); err != nil {
				t.Fatal(err)
			}
		}
	}
	seen := map[string]bool{}
	for name, addresses := range peers {
		if len(addresses) != 1 {
			t.Errorf("client %s came over %d connections, want 1", name, len(addresses))
		}
		for a := range addresses {
			if seen[a] {
				t.Errorf("client %s shares a connection", name)
			}
			seen[a] = true
		}
	}
	events, callers := p.Trace().Events, map[string]int{}
	for _, e := range events {
		callers[e.Connection()]++
		if e.Peer() == "" || e.Reader() != e.Connection() {
			t.Errorf("got caller %+v", e.Caller)
		}
	}
	if len(callers) != 4 || callers["c1"] != each {
		t.Errorf("got callers %v, want 4 with %d calls each", callers, each)
	}
}

func TestOnePortForTLSAndPlaintext(t *testing.T) {
	url, _ := upstream(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Proto) }, false)
	p := start(t, url, proxy.SelfSigned())
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(p.RootPEM()) {
		t.Fatal("no root")
	}
	silent, err := net.Dial("tcp", p.Addr()) // holds up nobody
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for _, major := range []int{1, 2} {
		for _, secured := range []*x509.CertPool{nil, roots} {
			to := p.URL()
			if secured != nil {
				to = "https://" + p.Addr()
			}
			resp, err := client(t, major, secured).Get(to)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if want := fmt.Sprintf("HTTP/%d", major); !strings.HasPrefix(string(body), want) || !strings.HasPrefix(resp.Proto, want) {
				t.Errorf("got %q over %s, want %s", body, resp.Proto, want)
			}
		}
	}
	if resp, err := client(t, 1, x509.NewCertPool()).Get("https://" + p.Addr()); err == nil {
		_ = resp.Body.Close()
		t.Error("a client that does not trust the root was served")
	}
}

func TestOwnCertificate(t *testing.T) {
	url, roots := upstream(t, func(http.ResponseWriter, *http.Request) {}, true)
	other := start(t, url, proxy.SelfSigned(), proxy.UpstreamTLS(&tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}))
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(other.RootPEM())
	dialled := 0
	p := start(t, "https://localhost", proxy.UpstreamTLS(&tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}), proxy.Dial(func(ctx context.Context) (net.Conn, error) {
		dialled++
		return new(net.Dialer).DialContext(ctx, "tcp", other.Addr())
	}))
	resp, err := client(t, 2, nil).Get(p.URL())
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != 200 || dialled != 1 {
		t.Errorf("got %d after %d connections", resp.StatusCode, dialled)
	}
}

func TestShutdownWaits(t *testing.T) {
	begun, release := make(chan struct{}), make(chan struct{})
	url, _ := upstream(t, func(w http.ResponseWriter, _ *http.Request) {
		close(begun)
		<-release
		fmt.Fprint(w, "whole")
	}, false)
	p := start(t, url)
	answered := make(chan string)
	go func() {
		resp, err := client(t, 1, nil).Get(p.URL())
		if err != nil {
			answered <- err.Error()
			return
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		answered <- string(body)
	}()
	<-begun
	down := make(chan error)
	go func() { down <- p.Shutdown(t.Context()) }()
	close(release)
	if got := <-answered; got != "whole" {
		t.Errorf("got %q, want the whole answer", got)
	}
	if err := <-down; err != nil {
		t.Error(err)
	}
}

func TestShutdownCutsOff(t *testing.T) {
	begun := make(chan struct{})
	url, _ := upstream(t, func(_ http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done()
	}, false)
	p, err := proxy.Start(url)
	if err != nil {
		t.Fatal(err)
	}
	answered := make(chan error)
	go func() {
		_, err := client(t, 1, nil).Get(p.URL())
		answered <- err
	}()
	<-begun
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that calls were cut off", err)
	}
	if err := <-answered; err == nil {
		t.Error("got an answer")
	}
}

func TestNotAProxy(t *testing.T) {
	for text, want := range map[string]string{
		"":                        "upstream \"\"",
		"127.0.0.1:80":            "upstream",
		"ftp://a":                 "upstream \"ftp://a\"",
		"http://a/b":              "scheme and host only",
		"http://user:password@a/": "http://user:xxxxx@a/",
	} {
		if _, err := proxy.Start(text); !errors.Is(err, proxy.ErrUpstream) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "password") {
			t.Errorf("%q: got %v, want it to say %s", text, err, want)
		}
	}
	if _, err := proxy.Start("http://a", proxy.Listen("256.0.0.1:0")); err == nil {
		t.Error("listens on an address that there is not")
	}
	if _, err := proxy.Start("http://a", proxy.With(conformance.Contract("x"))); err == nil {
		t.Error("takes a contract that there is not")
	}
}

// New is for tests: a broken rule fails them.
func TestNew(t *testing.T) {
	srv := mockserver.New(t, mockserver.Listen("127.0.0.1:0"))
	srv.Play(fixtures.Must("slow-success"))
	follow(t, srv, proxy.New(t, srv.URL()), "d")
	conn, err := grpc.NewClient("passthrough:///"+proxy.New(t, srv.URL()).Addr(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := operation.NewOperationServiceClient(conn).Get(t.Context(), &operation.GetOperationRequest{OperationId: "none"}); status.Code(err) != codes.NotFound {
		t.Errorf("got %v", err)
	}
}
