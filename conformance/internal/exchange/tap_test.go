package exchange_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/optest-dev/optest/conformance/internal/exchange"
	"github.com/optest-dev/optest/mockserver"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/proto/gen/yandex/cloud/clouddesktop/v1/clouddesktopconnect"
	"github.com/optest-dev/optest/proto/gen/yandex/cloud/operation/operationconnect"
	"github.com/optest-dev/optest/trace"
)

// recorded is what a tap has seen.
type recorded struct {
	mu     sync.Mutex
	events []*trace.Event
}

func (r *recorded) add(e *trace.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

func (r *recorded) all() []*trace.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.events
}

// only is the event of a test that makes one call.
func (r *recorded) only(t interface{ Fatalf(string, ...any) }) *trace.Event {
	events := r.all()
	if len(events) != 1 {
		t.Fatalf("got %d events, want 1", len(events))
	}
	return events[0]
}

func tapped(next http.RoundTripper) (*exchange.Tap, *recorded) {
	r := new(recorded)
	return &exchange.Tap{Next: next, Recorder: exchange.NewRecorder(trace.NewRedactor("x-hush"), r.add), Callers: exchange.NewCallers(exchange.Connections)}, r
}

func TestEveryProtocol(t *testing.T) {
	srv := mockserver.New(t)
	for _, tt := range []struct {
		name     string
		opts     []connecthttp.Option
		protocol optestv1.Event_Protocol
		codec    optestv1.Event_Codec
		frames   *trace.Frames
	}{
		{"gRPC", []connecthttp.Option{connecthttp.WithGRPC()}, optestv1.Event_GRPC, optestv1.Event_PROTO, &trace.Frames{Messages: 1, Compressed: 1, Trailers: optestv1.Event_Frames_AFTER}},
		{"gRPC-Web", []connecthttp.Option{connecthttp.WithGRPCWeb()}, optestv1.Event_GRPC_WEB, optestv1.Event_PROTO, &trace.Frames{Messages: 1, Compressed: 1, Trailers: optestv1.Event_Frames_IN_BODY}},
		{"Connect", nil, optestv1.Event_CONNECT, optestv1.Event_PROTO, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			client := *srv.Client()
			tap, seen := tapped(client.Transport)
			client.Transport = tap
			transport := connecthttp.NewTransport(&client, srv.URL(), tt.opts...)
			ctx, info := connect.NewClientContext(t.Context())
			info.RequestHeader().Set("X-Hush", "secret")
			request := &clouddesktop.CopyFromDesktopRequest{DesktopId: "slow-success", Name: "n"}
			op, err := clouddesktopconnect.NewDesktopImageServiceClient(connect.NewClient(transport)).CopyFromDesktop(ctx, request)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := operationconnect.NewOperationServiceClient(connect.NewClient(transport)).Get(t.Context(), &operation.GetOperationRequest{OperationId: "none"}); err == nil {
				t.Fatal("got an operation that there is not")
			}
			events := seen.all()
			if len(events) != 2 {
				t.Fatalf("got %d events, want 2", len(events))
			}
			created, missing := events[0], events[1]
			decoder := trace.NewDecoder(nil, nil)
			asked, err := decoder.Request(created)
			if err != nil || !proto.Equal(asked, request) {
				t.Errorf("got request %v: %v", asked, err)
			}
			answered, err := decoder.Response(created)
			if err != nil || !proto.Equal(answered, op) {
				t.Errorf("got response %v: %v, want %v", answered, err, op)
			}
			if created.Protocol != tt.protocol || created.RequestCodec != tt.codec || created.ResponseCodec != tt.codec || created.HTTPStatus != 200 || created.HTTPRequest != "" {
				t.Errorf("got %+v", created)
			}
			if key, _ := created.RequestHeader.Get("x-hush"); key != trace.Redacted {
				t.Errorf("got %q for a secret", key)
			}
			if created.Connection() != "c1" || missing.Connection() != "c1" {
				t.Errorf("got connections %q and %q, want the same", created.Connection(), missing.Connection())
			}
			if (created.Frames == nil) != (tt.frames == nil) {
				t.Fatalf("got frames %v, want %v", created.Frames, tt.frames)
			}
			if tt.frames != nil && (created.Frames.Messages != tt.frames.Messages || created.Frames.Trailers != tt.frames.Trailers || created.Frames.Compressed > 1) {
				t.Errorf("got frames %+v, want %+v", created.Frames, tt.frames)
			}
			if missing.Outcome != optestv1.Event_FAILED || missing.Code() != 5 || missing.Called <= created.Returned || missing.Number != 2 {
				t.Errorf("got %+v", missing)
			}
		})
	}
}

func TestREST(t *testing.T) {
	srv := mockserver.New(t)
	client := *srv.Client()
	tap, seen := tapped(client.Transport)
	client.Transport = tap
	get := func(target string) {
		resp, err := client.Get(srv.URL() + target)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil {
			t.Fatal(err)
		}
	}
	get("/operations/none?access_token=abcdefghi") // no field has that name
	get("/no/such/route")                          // is no call
	e := seen.only(t)
	if e.Method != "yandex.cloud.operation.OperationService/Get" || e.HTTPRequest != "GET /operations/none?access_token=(redacted)" ||
		e.Outcome != optestv1.Event_FAILED || e.Code() != 3 || e.HTTPStatus != 400 || e.Request != nil || e.RequestFidelity != 0 || e.ResponseCodec != optestv1.Event_JSON {
		t.Errorf("got %+v", e)
	}
	tap.All = true
	get("/no/such/route")
	if other := seen.all()[1]; other.Protocol != optestv1.Event_OTHER || other.Method != "" || other.HTTPRequest != "GET /no/such/route" || other.Response != nil || other.ResponseFidelity != optestv1.Event_UNSEEN {
		t.Errorf("got %+v", other)
	}
}

// What passes through a tap is what it would be without, byte by byte.
func TestPassesEverythingOn(t *testing.T) {
	type exchanged struct{ request, response []byte }
	var current exchanged
	var trailer map[string]string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || !bytes.Equal(body, current.request) {
			t.Errorf("the server got %d bytes: %v, want %d", len(body), err, len(current.request))
		}
		w.Header().Set("Content-Type", "application/json")
		for name := range trailer {
			w.Header().Add("Trailer", name)
		}
		_, _ = w.Write(current.response) // the client may be gone
		for name, value := range trailer {
			w.Header().Set(name, value)
		}
	}))
	defer server.Close()
	tap, seen := tapped(server.Client().Transport)
	client := &http.Client{Transport: tap}
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.SampledFrom([]int{0, 1, 100, 5000, 200_000})
		current = exchanged{
			rapid.SliceOfN(rapid.Byte(), 0, 3).Draw(t, "request"), rapid.SliceOfN(rapid.Byte(), 0, 3).Draw(t, "response"),
		}
		current.request = bytes.Repeat(current.request, size.Draw(t, "times"))
		current.response = bytes.Repeat(current.response, size.Draw(t, "times"))
		trailer = rapid.MapOf(rapid.StringMatching(`X-[A-Z][a-z]{1,5}`), rapid.StringMatching(`[a-z0-9]{0,9}`)).Draw(t, "trailer")
		var body io.Reader = bytes.NewReader(current.request)
		if rapid.Bool().Draw(t, "chunked") {
			body = io.MultiReader(body)
		}
		resp, err := client.Post(server.URL+"/cloud-desktop/v1/images:copyFromDesktop", "application/json", body)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		if err != nil || !bytes.Equal(got, current.response) {
			t.Fatalf("got %d bytes: %v, want %d", len(got), err, len(current.response))
		}
		for name, value := range trailer {
			if resp.Trailer.Get(name) != value {
				t.Fatalf("got trailer %v, want %v", resp.Trailer, trailer)
			}
		}
		if err := resp.Body.Close(); err != nil {
			t.Fatal(err)
		}
		events := seen.all()
		e := events[len(events)-1]
		if !bytes.Equal(e.Request.Bytes(), current.request) || !bytes.Equal(e.Response.Bytes(), current.response) || len(e.Trailer) != len(trailer) {
			t.Fatalf("recorded %d and %d bytes and %d trailers, want %d, %d and %d",
				e.Request.Length(), e.Response.Length(), len(e.Trailer), len(current.request), len(current.response), len(trailer))
		}
		if held := exchange.Held(tap.Recorder); held != 0 {
			t.Fatalf("%d bytes are held, want none when no call is under way", held)
		}
	})
}

// breaking is a server that breaks connections.
func breaking(t *testing.T, answer string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			buffer := make([]byte, 4096)
			_, _ = conn.Read(buffer) // of whatever was sent
			_, _ = io.WriteString(conn, answer)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-served
	})
	return "http://" + listener.Addr().String()
}

func TestWhatBreaks(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://" + closed.Addr().String()
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	hanging := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"id":`)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	defer hanging.Close()
	half := "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{\"id\":"
	for _, tt := range []struct {
		name, url string
		timeout   time.Duration
		close     bool // without reading
		cause     optestv1.Event_Failure_Cause
		response  string
	}{
		{"nobody there", nobody, 0, false, optestv1.Event_Failure_LOCAL_ERROR, ""},
		{"no answer", breaking(t, ""), 0, false, optestv1.Event_Failure_RESET, ""},
		{"half an answer", breaking(t, half), 0, false, optestv1.Event_Failure_RESET, `{"id":`},
		{"an answer that does not end", hanging.URL, 50 * time.Millisecond, false, optestv1.Event_Failure_TIMEOUT, `{"id":`},
		{"an answer that nobody reads", hanging.URL, 0, true, optestv1.Event_Failure_CANCELLED, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tap, seen := tapped(&http.Transport{DisableKeepAlives: true})
			ctx := t.Context()
			if tt.timeout > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, tt.timeout)
				defer cancel()
			}
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, tt.url+"/operations/a", nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := tap.RoundTrip(req)
			if err == nil {
				if !tt.close {
					_, err = io.ReadAll(resp.Body)
				}
				_ = resp.Body.Close()
			}
			if err == nil && !tt.close {
				t.Fatal("nothing broke")
			}
			e := seen.only(t)
			if e.Outcome != optestv1.Event_INDETERMINATE || e.Failure.Cause != tt.cause {
				t.Errorf("got %v %+v, want INDETERMINATE by %v", e.Outcome, e.Failure, tt.cause)
			}
			if tt.response != "" && (string(e.Response.Bytes()) != tt.response || !e.Response.Cut()) {
				t.Errorf("got %q, want %q, marked as cut", e.Response.Bytes(), tt.response)
			}
			if (e.Timeout > 0) != (tt.timeout > 0) {
				t.Errorf("got timeout %v, want that of the context", e.Timeout)
			}
		})
	}
}

// Who decodes JSON need not read behind it.
func TestAnswerReadAsFarAsItSays(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"id":"a"}`)
		_ = http.NewResponseController(w).Flush()
		<-release
	}))
	defer server.Close()
	defer close(release)
	tap, seen := tapped(server.Client().Transport)
	resp, err := (&http.Client{Transport: tap}).Get(server.URL + "/operations/a")
	if err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 10)
	if _, err := io.ReadFull(resp.Body, buffer); err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	if e := seen.only(t); e.Outcome != optestv1.Event_OK || string(e.Response.Bytes()) != `{"id":"a"}` {
		t.Errorf("got %+v", e)
	}
}

// once fails the first time, after the body was read.
type flaky struct {
	next  http.RoundTripper
	tries int
}

func (f *flaky) RoundTrip(req *http.Request) (*http.Response, error) {
	f.tries++
	if f.tries == 1 {
		if _, err := io.CopyN(io.Discard, req.Body, 5); err != nil {
			return nil, err
		}
		body, err := req.GetBody()
		if err != nil {
			return nil, err
		}
		req = req.Clone(req.Context())
		req.Body = body
	}
	return f.next.RoundTrip(req)
}

// A transport may send a request again, on another connection.
func TestRequestSentAgain(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{}`)
	}))
	defer server.Close()
	tap, seen := tapped(&flaky{next: server.Client().Transport})
	const body = `{"desktopId":"a"}`
	resp, err := (&http.Client{Transport: tap}).Post(server.URL+"/cloud-desktop/v1/images:copyFromDesktop", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(resp.Body); err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if e := seen.only(t); string(e.Request.Bytes()) != body {
		t.Errorf("got request %q, want it once", e.Request.Bytes())
	}
}

// Bodies beyond the bounds pass, and are not kept.
func TestLargeBodiesAreNotKept(t *testing.T) {
	const size = trace.MaxBlob + 1<<20
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n, err := io.Copy(io.Discard, r.Body); n != size || err != nil {
			t.Errorf("the server got %d bytes: %v", n, err)
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(make([]byte, size))
	}))
	defer server.Close()
	tap, seen := tapped(server.Client().Transport)
	resp, err := (&http.Client{Transport: tap}).Post(server.URL+"/cloud-desktop/v1/images:copyFromDesktop", "application/json", bytes.NewReader(make([]byte, size)))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, resp.Body); n != size || err != nil {
		t.Errorf("got %d bytes: %v", n, err)
	}
	_ = resp.Body.Close()
	e := seen.only(t)
	if e.Outcome != optestv1.Event_OK || e.Request != nil || e.Response != nil || e.RequestFidelity != optestv1.Event_UNSEEN || e.ResponseFidelity != optestv1.Event_UNSEEN {
		t.Errorf("got %+v", e)
	}
	if held := exchange.Held(tap.Recorder); held != 0 {
		t.Errorf("%d bytes are held", held)
	}
}

// Streams are left alone.
func TestStreams(t *testing.T) {
	lines := make(chan string)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/connect+json")
		_ = http.NewResponseController(w).Flush()
		for line := range lines {
			_, _ = io.WriteString(w, line)
			_ = http.NewResponseController(w).Flush()
		}
	}))
	defer server.Close()
	tap, seen := tapped(server.Client().Transport)
	resp, err := (&http.Client{Transport: tap}).Post(server.URL+"/a.B/C", "application/connect+json", strings.NewReader("x"))
	if err == nil {
		for i := range 3 {
			want := fmt.Sprint("line ", i)
			lines <- want
			got := make([]byte, len(want))
			if _, err := io.ReadFull(resp.Body, got); err != nil || string(got) != want {
				t.Errorf("got %q: %v, want %q as soon as it is there", got, err, want)
			}
		}
	}
	close(lines)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if len(seen.all()) != 0 {
		t.Errorf("got %d events, want none", len(seen.all()))
	}
}

// A recorder's times are in the order of its events, whoever calls.
func TestOrderOfEvents(t *testing.T) {
	var last time.Duration
	var n uint64
	r := exchange.NewRecorder(nil, func(e *trace.Event) {
		n++
		if e.Returned <= last || e.Called >= e.Returned || e.Number != n {
			t.Errorf("event %d is %d of %v to %v, after %v", n, e.Number, e.Called, e.Returned, last)
		}
		last = e.Returned
	})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 500 {
				r.End(&trace.Event{Called: r.Now()})
			}
		})
	}
	all.Wait()
	if n != 4000 {
		t.Errorf("got %d events", n)
	}
}

// oddConn can't be the key of a map.
type oddConn struct {
	net.Conn
	_ []byte
}

func TestConnectionsThatCantBeToldApart(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{}`)
	}))
	defer server.Close()
	transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		return oddConn{Conn: conn}, err
	}}
	defer transport.CloseIdleConnections()
	tap, seen := tapped(transport)
	resp, err := (&http.Client{Transport: tap}).Get(server.URL + "/operations/a")
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		t.Fatal(err)
	}
	if e := seen.only(t); e.Connection() != "" {
		t.Errorf("got connection %q, want none", e.Connection())
	}
}
