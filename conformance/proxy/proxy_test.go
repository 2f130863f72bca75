package proxy_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/optest-dev/optest/conformance/proxy"
)

// TestMain fails the package when goroutines of it outlive all tests.
func TestMain(m *testing.M) {
	code := m.Run()
	deadline := time.Now().Add(5 * time.Second)
	for left := running(); code == 0 && left != ""; left = running() {
		if time.Now().After(deadline) {
			fmt.Fprintln(os.Stderr, "goroutines are left:\n"+left)
			code = 1
		}
		runtime.Gosched()
	}
	os.Exit(code)
}

func running() string {
	buffer := make([]byte, 1<<20)
	for stack := range strings.SplitSeq(string(buffer[:runtime.Stack(buffer, true)]), "\n\n") {
		if !strings.Contains(stack, "TestMain") && (strings.Contains(stack, "optest-dev/optest") || strings.Contains(stack, "net/http.(*conn)") || strings.Contains(stack, "net/http.(*persistConn)")) {
			return stack
		}
	}
	return ""
}

// upstream serves a handler over both versions of HTTP, in plaintext or, with
// secured, over TLS.
func upstream(tb testing.TB, h http.HandlerFunc, secured bool) (url string, roots *x509.CertPool) {
	tb.Helper()
	server := httptest.NewUnstartedServer(h)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetHTTP1(true)
	server.Config.Protocols.SetHTTP2(true)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.EnableHTTP2 = true
	if secured {
		server.StartTLS()
		roots = x509.NewCertPool()
		roots.AddCert(server.Certificate())
	} else {
		server.Start()
	}
	tb.Cleanup(server.Close)
	return server.URL, roots
}

// start starts a proxy without a verdict on the server.
func start(tb testing.TB, url string, opts ...proxy.Option) *proxy.Proxy {
	tb.Helper()
	p, err := proxy.Start(url, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := p.Close(); err != nil {
			tb.Error(err)
		}
	})
	return p
}

// client speaks one version of HTTP.
func client(tb testing.TB, major int, roots *x509.CertPool) *http.Client {
	protocols := new(http.Protocols)
	switch {
	case major == 1:
		protocols.SetHTTP1(true)
	case roots == nil:
		protocols.SetUnencryptedHTTP2(true)
	default:
		protocols.SetHTTP2(true)
	}
	transport := &http.Transport{Protocols: protocols, DisableCompression: true, ExpectContinueTimeout: 5 * time.Second, TLSClientConfig: &tls.Config{RootCAs: roots}}
	tb.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// way is a path to an upstream, direct or through a proxy.
type way struct {
	name   string
	url    string
	client *http.Client
}

// ways are all of them, for each direct one the ones through a proxy beside it.
func ways(t *testing.T, h http.HandlerFunc) (direct, proxied []way) {
	t.Helper()
	plain, _ := upstream(t, h, false)
	secured, roots := upstream(t, h, true)
	overPlain := start(t, plain)
	overTLS := start(t, secured, proxy.UpstreamTLS(&tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}), proxy.SelfSigned())
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(overTLS.RootPEM())
	for _, major := range []int{1, 2} {
		direct = append(direct,
			way{fmt.Sprintf("HTTP/%d", major), plain, client(t, major, nil)},
			way{fmt.Sprintf("HTTP/%d over TLS", major), secured, client(t, major, roots)},
			way{fmt.Sprintf("HTTP/%d again", major), plain, client(t, major, nil)})
		proxied = append(proxied,
			way{fmt.Sprintf("HTTP/%d", major), overPlain.URL(), client(t, major, nil)},
			way{fmt.Sprintf("HTTP/%d over TLS", major), strings.Replace(overTLS.URL(), "http:", "https:", 1), client(t, major, trusted)},
			way{fmt.Sprintf("HTTP/%d over TLS behind plaintext", major), overTLS.URL(), client(t, major, nil)})
	}
	return direct, proxied
}

// got is what has come back.
type got struct {
	status          int
	proto           string
	header, trailer http.Header
	length          int64
	chunked         bool
	body            []byte
	err             bool
}

func (w way) send(t interface{ Fatal(...any) }, method, target string, header, trailer http.Header, body []byte, length int64) got {
	req, err := http.NewRequest(method, w.url+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header.Clone()
	req.Host = "service.example"
	if len(body) > 0 || length < 0 {
		req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(body)), length
	}
	req.Trailer = trailer
	resp, err := w.client.Do(req)
	if err != nil {
		return got{err: true}
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	resp.Header.Del("Date") // may differ by a second
	return got{resp.StatusCode, resp.Proto, resp.Header, resp.Trailer, resp.ContentLength, slices.Contains(resp.TransferEncoding, "chunked"), text, err != nil}
}

func (g got) differs(other got) string {
	switch {
	case g.status != other.status:
		return fmt.Sprintf("status %d, want %d", g.status, other.status)
	case g.proto != other.proto:
		return fmt.Sprintf("protocol %s, want %s", g.proto, other.proto)
	case !maps.EqualFunc(g.header, other.header, slices.Equal):
		return fmt.Sprintf("header %v, want %v", g.header, other.header)
	case !maps.EqualFunc(g.trailer, other.trailer, slices.Equal):
		return fmt.Sprintf("trailer %v, want %v", g.trailer, other.trailer)
	case g.length != other.length || g.chunked != other.chunked:
		return fmt.Sprintf("length %d (chunked %v), want %d (%v)", g.length, g.chunked, other.length, other.chunked)
	case !bytes.Equal(g.body, other.body):
		return fmt.Sprintf("body of %d bytes, want %d", len(g.body), len(other.body))
	case g.err != other.err:
		return fmt.Sprintf("broken %v, want %v", g.err, other.err)
	}
	return ""
}

// asked is what a server has got.
type asked struct {
	method, target, host, proto string
	header, trailer             http.Header
	length                      int64
	body                        []byte
}

func drawHeader(t *rapid.T, name string) http.Header {
	h := http.Header{}
	for _, field := range rapid.SliceOfN(rapid.StringMatching(`X-[A-Z][a-z]{0,6}`), 0, 4).Draw(t, name) {
		for _, value := range rapid.SliceOfN(rapid.StringMatching(`[ -~]{0,12}`), 1, 2).Draw(t, field) {
			h.Add(field, textproto.TrimString(value))
		}
	}
	return h
}

func drawBody(t *rapid.T, name string) []byte {
	part := rapid.SliceOfN(rapid.Byte(), 0, 4).Draw(t, name)
	return bytes.Repeat(part, rapid.SampledFrom([]int{0, 1, 40, 9000, 60_000}).Draw(t, name+" times"))
}

// Traffic through a proxy is what it would be without, whatever is sent and
// answered over whatever version of HTTP.
func TestNothingIsChanged(t *testing.T) {
	var answer func(w http.ResponseWriter)
	var last asked
	direct, proxied := ways(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		last = asked{r.Method, r.RequestURI, r.Host, r.Proto, r.Header, r.Trailer, r.ContentLength, body}
		answer(w)
	})
	rapid.Check(t, func(t *rapid.T) {
		method := rapid.SampledFrom([]string{"GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "QUERY"}).Draw(t, "method")
		target := rapid.SampledFrom([]string{"/", "/operations/a%2Fb:cancel?x=1&y=%20", "/yandex.cloud.operation.OperationService/Get", "/a%20b/../c?", "/;a=b?c;d", "/cloud-desktop/v1/images:copyFromDesktop"}).Draw(t, "target")
		header, responseHeader := drawHeader(t, "header"), drawHeader(t, "response header")
		if kind := rapid.SampledFrom([]string{"", "application/grpc", "application/json", "application/proto"}).Draw(t, "type"); kind != "" {
			header.Set("Content-Type", kind)
		}
		if rapid.Bool().Draw(t, "has agent") {
			header.Set("User-Agent", rapid.SampledFrom([]string{"", "x/1"}).Draw(t, "agent"))
		}
		body, response := drawBody(t, "body"), drawBody(t, "response")
		length := int64(len(body))
		if rapid.Bool().Draw(t, "length unknown") && method != "GET" && method != "HEAD" {
			length = -1
		}
		var trailer http.Header
		if length < 0 {
			trailer = drawHeader(t, "trailer")
		}
		status := rapid.SampledFrom([]int{200, 201, 204, 304, 400, 404, 429, 500, 503}).Draw(t, "status")
		announced, late := drawHeader(t, "announced trailer"), drawHeader(t, "late trailer")
		typed, sized, flushed := rapid.Bool().Draw(t, "typed"), rapid.Bool().Draw(t, "sized"), rapid.Bool().Draw(t, "flushed")
		bodiless := status == 204 || status == 304
		if bodiless || method == "HEAD" {
			announced, late = nil, nil // net/http's server of HTTP/2 never ends a response like that
		}
		answer = func(w http.ResponseWriter) {
			h := w.Header()
			maps.Copy(h, responseHeader)
			h["Content-Type"] = nil
			if typed {
				h.Set("Content-Type", "application/json")
			}
			if sized && !bodiless {
				h.Set("Content-Length", fmt.Sprint(len(response)))
			} else {
				for name := range announced {
					h.Add("Trailer", name)
				}
			}
			w.WriteHeader(status)
			if flushed {
				_ = http.NewResponseController(w).Flush()
			}
			if !bodiless {
				_, _ = w.Write(response[:len(response)/2])
				_, _ = w.Write(response[len(response)/2:])
			}
			if sized {
				return
			}
			for name, values := range announced {
				h[name] = values
			}
			for name, values := range late {
				h[http.TrailerPrefix+name] = values
			}
		}
		for i := range direct {
			want := direct[i].send(t, method, target, header, maps.Clone(trailer), body, length)
			wanted := last
			got := proxied[i].send(t, method, target, header, maps.Clone(trailer), body, length)
			if d := got.differs(want); d != "" {
				t.Fatalf("%s: %s", proxied[i].name, d)
			}
			if d := last.differs(wanted); d != "" {
				t.Fatalf("%s: the server got %s", proxied[i].name, d)
			}
		}
	})
}

func (a asked) differs(other asked) string {
	switch {
	case a.method != other.method || a.target != other.target || a.host != other.host || a.proto != other.proto:
		return fmt.Sprintf("%s %s of %s over %s, want %s %s of %s over %s", a.method, a.target, a.host, a.proto, other.method, other.target, other.host, other.proto)
	case !maps.EqualFunc(a.header, other.header, slices.Equal):
		return fmt.Sprintf("header %v, want %v", a.header, other.header)
	case !maps.EqualFunc(a.trailer, other.trailer, slices.Equal):
		return fmt.Sprintf("trailer %v, want %v", a.trailer, other.trailer)
	case a.length != other.length:
		return fmt.Sprintf("length %d, want %d", a.length, other.length)
	case !bytes.Equal(a.body, other.body):
		return fmt.Sprintf("body of %d bytes, want %d", len(a.body), len(other.body))
	}
	return ""
}

// What is there is passed on, before more comes.
func TestStreamsBothWays(t *testing.T) {
	for _, major := range []int{1, 2} {
		url, _ := upstream(t, func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).EnableFullDuplex()
			_ = http.NewResponseController(w).Flush()
			buffer := make([]byte, 1)
			for {
				if _, err := io.ReadFull(r.Body, buffer); err != nil {
					return
				}
				_, _ = w.Write(buffer)
				_ = http.NewResponseController(w).Flush()
			}
		}, false)
		p := start(t, url)
		in, out := io.Pipe()
		req, err := http.NewRequest(http.MethodPost, p.URL()+"/a.B/C", in)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client(t, major, nil).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range "echo" {
			if _, err := io.WriteString(out, string(c)); err != nil {
				t.Fatal(err)
			}
			buffer := make([]byte, 1)
			if _, err := io.ReadFull(resp.Body, buffer); err != nil || buffer[0] != byte(c) {
				t.Fatalf("HTTP/%d: got %q: %v, want %q", major, buffer, err, c)
			}
		}
		if err := errors.Join(out.Close(), resp.Body.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

// A body is asked for only by the server.
func TestExpectContinue(t *testing.T) {
	read := false
	direct, proxied := ways(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Want") == "" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		body, err := io.ReadAll(r.Body)
		read = err == nil && string(body) == "body"
	})
	expect := func(way way, wanted bool) string {
		asked, sent := false, false
		read = false
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got100Continue: func() { asked = true }})
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, way.url, io.NopCloser(readerFunc(func(b []byte) (int, error) {
			if sent {
				return 0, io.EOF
			}
			sent = true
			return copy(b, "body"), nil
		})))
		if err != nil {
			t.Fatal(err)
		}
		req.ContentLength = 4
		req.Header.Set("Expect", "100-continue")
		if wanted {
			req.Header.Set("X-Want", "1")
		}
		resp, err := way.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return fmt.Sprintf("status %d, body asked for %v, sent %v, read %v", resp.StatusCode, asked, sent, read)
	}
	for i := range direct {
		if strings.HasPrefix(direct[i].name, "HTTP/2") {
			continue // net/http hides from handlers that the client waits
		}
		for _, wanted := range []bool{false, true} {
			if got, want := expect(proxied[i], wanted), expect(direct[i], wanted); got != want {
				t.Errorf("%s: %s, want %s", proxied[i].name, got, want)
			}
		}
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestEarlyHints(t *testing.T) {
	for _, major := range []int{1, 2} {
		url, _ := upstream(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", "</a>")
			w.WriteHeader(http.StatusEarlyHints)
			w.Header().Del("Link")
			_, _ = io.WriteString(w, "x")
		}, false)
		p := start(t, url)
		var hinted string
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			hinted = fmt.Sprint(code, " ", h.Get("Link"))
			return nil
		}})
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL(), nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client(t, major, nil).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if hinted != "103 </a>" || resp.Header.Get("Link") != "" {
			t.Errorf("HTTP/%d: got %q and then %v", major, hinted, resp.Header)
		}
	}
}

func TestUpgradesAreRefused(t *testing.T) {
	url, _ := upstream(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Proto, r.Header["Upgrade"]) }, false)
	p := start(t, url)
	for name, want := range map[string]string{"websocket": `501 optest: upgrade to "websocket", want`, "h2c": "200 HTTP/1.1[]", "H2C, foo": `501 optest: upgrade to "foo", want`} {
		req, err := http.NewRequest(http.MethodGet, p.URL(), nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Connection", "Upgrade, HTTP2-Settings")
		req.Header.Set("Upgrade", name)
		resp, err := client(t, 1, nil).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if got := fmt.Sprint(resp.StatusCode, " ", string(body)); !strings.HasPrefix(got, want) {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestServerThatIsNotThere(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := closed.Addr().String()
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	p := start(t, "http://"+nobody)
	for _, major := range []int{1, 2} {
		resp, err := client(t, major, nil).Get(p.URL() + "/operations/a")
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != 502 || !strings.HasPrefix(string(body), "optest: the server at "+nobody+" was not reached: ") {
			t.Errorf("HTTP/%d: got %d %q", major, resp.StatusCode, body)
		}
	}
}

// What the server breaks is broken for the client, as late as for one without a
// proxy.
func TestHalfAnswers(t *testing.T) {
	direct, proxied := ways(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/sized" {
			w.Header().Set("Content-Length", "10")
		}
		if r.URL.Path != "/none" {
			_, _ = io.WriteString(w, "half")
			_ = http.NewResponseController(w).Flush()
		}
		panic(http.ErrAbortHandler)
	})
	for i := range direct {
		for _, target := range []string{"/none", "/sized", "/chunked"} {
			want := direct[i].send(t, "GET", target, nil, nil, nil, 0)
			got := proxied[i].send(t, "GET", target, nil, nil, nil, 0)
			if d := got.differs(want); d != "" || !got.err {
				t.Errorf("%s %s: %s (broken %v)", proxied[i].name, target, d, got.err)
			}
		}
	}
}

// A client that goes away ends its call at the server.
func TestClientThatGoes(t *testing.T) {
	for _, major := range []int{1, 2} {
		begun, ended := make(chan struct{}), make(chan struct{})
		url, _ := upstream(t, func(_ http.ResponseWriter, r *http.Request) {
			close(begun)
			<-r.Context().Done()
			close(ended)
		}, false)
		p := start(t, url)
		ctx, cancel := context.WithCancel(t.Context())
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL(), nil)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			<-begun
			cancel()
		}()
		if resp, err := client(t, major, nil).Do(req); err == nil {
			_ = resp.Body.Close()
			t.Fatal("got an answer")
		}
		<-ended
	}
}
