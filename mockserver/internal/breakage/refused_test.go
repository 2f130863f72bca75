package breakage

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

func TestFaultsThatAreRefused(t *testing.T) {
	client, served := net.Pipe()
	defer func() { _, _ = client.Close(), served.Close() }()
	conn := Over(served).(*Conn)
	rpc := Answer{conn: conn, server: &http.Server{}, version: "HTTP/2.0", streams: true, protocol: grpc}
	rest, old, bare, hurried := rpc, rpc, rpc, rpc
	rest.protocol = plain
	old.version, old.streams = "HTTP/1.1", false
	bare.conn = nil
	hurried.server = &http.Server{WriteTimeout: time.Second}
	half := &optestv1.TransportFault{Kind: optestv1.TransportFault_HALF_FRAME}
	begun, halved := rpc, rpc
	begun.begun = true
	halved.faults = []*optestv1.TransportFault{half}

	for name, tt := range map[string]struct {
		answer Answer
		fault  *optestv1.TransportFault
		want   string
	}{
		"no kind":                             {rpc, nil, "kind got KIND_UNSPECIFIED, want one of"},
		"an unknown kind":                     {rpc, &optestv1.TransportFault{Kind: 99}, "kind got 99, want one of"},
		"a place where there is none":         {rpc, &optestv1.TransportFault{Kind: optestv1.TransportFault_NO_TRAILERS, AfterBytes: 7}, "NO_TRAILERS got after_bytes 7, want 0"},
		"a stream over HTTP/1":                {old, &optestv1.TransportFault{Kind: optestv1.TransportFault_RST_CANCEL}, "RST_CANCEL got a call over HTTP/1.1, want HTTP/2"},
		"trailers over REST":                  {rest, &optestv1.TransportFault{Kind: optestv1.TransportFault_NO_TRAILERS}, "NO_TRAILERS got a call over REST or Connect, want gRPC"},
		"a server without ConnContext":        {bare, &optestv1.TransportFault{Kind: optestv1.TransportFault_TCP_CLOSE}, "TCP_CLOSE got a server that hides its connections, want"},
		"a server that resets streams itself": {hurried, &optestv1.TransportFault{Kind: optestv1.TransportFault_TCP_CLOSE}, "TCP_CLOSE got a server with a WriteTimeout of 1s, want none"},
		"a connection that can't be reset":    {rpc, &optestv1.TransportFault{Kind: optestv1.TransportFault_TCP_RESET}, "TCP_RESET got a connection of type *net.pipe, want one that can be reset"},
		"a frame after half of one":           {halved, &optestv1.TransportFault{Kind: optestv1.TransportFault_RST_CANCEL}, "RST_CANCEL got the place after HALF_FRAME, want"},
		"two halves":                          {halved, half, "HALF_FRAME got the place after HALF_FRAME, want"},
		"an answer that has begun":            {begun, half, "fault got an answer that the handler has begun, want"},
	} {
		err := tt.answer.Break(tt.fault)
		if err == nil || !strings.HasPrefix(err.Error(), "optest: ") || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
	for name, tt := range map[string]struct {
		answer Answer
		fault  *optestv1.HttpFault
		want   string
	}{
		"no status":                {rpc, nil, "HTTP fault's status got 0, want 200 to 599"},
		"what is no answer yet":    {rpc, &optestv1.HttpFault{Status: 103}, "HTTP fault's status got 103, want 200 to 599"},
		"an unknown status":        {rpc, &optestv1.HttpFault{Status: 600}, "HTTP fault's status got 600, want 200 to 599"},
		"an answer that has begun": {begun, &optestv1.HttpFault{Status: 502}, "fault got an answer that the handler has begun, want"},
	} {
		err := tt.answer.Instead(tt.fault)
		if err == nil || !strings.HasPrefix(err.Error(), "optest: ") || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
}

// TestFaultsThatLookRefusable are odd, and right.
func TestFaultsThatLookRefusable(t *testing.T) {
	client, served := net.Pipe()
	defer func() { _, _ = client.Close(), served.Close() }()
	conn := Over(served).(*Conn)
	for name, tt := range map[string]struct {
		answer Answer
		kinds  []optestv1.TransportFault_Kind
	}{
		"trailers of gRPC-Web over HTTP/1":   {Answer{protocol: grpcWeb, version: "HTTP/1.1"}, []optestv1.TransportFault_Kind{optestv1.TransportFault_NO_TRAILERS}},
		"two messages of REST":               {Answer{version: "HTTP/1.1"}, []optestv1.TransportFault_Kind{optestv1.TransportFault_TWO_MESSAGES}},
		"a shape on a server in the dark":    {Answer{streams: true}, []optestv1.TransportFault_Kind{optestv1.TransportFault_NO_MESSAGE, optestv1.TransportFault_GOAWAY_GRACEFUL}},
		"two ends, of which the last counts": {Answer{conn: conn, server: &http.Server{}}, []optestv1.TransportFault_Kind{optestv1.TransportFault_TCP_CLOSE, optestv1.TransportFault_BLACK_HOLE}},
		"two frames":                         {Answer{conn: conn, server: &http.Server{}, streams: true}, []optestv1.TransportFault_Kind{optestv1.TransportFault_GOAWAY_BELOW_STREAM, optestv1.TransportFault_RST_CANCEL}},
	} {
		for _, kind := range tt.kinds {
			if err := tt.answer.Break(&optestv1.TransportFault{Kind: kind}); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// TestAnswerWithoutFaultIsNotHeld passes on everything at once.
func TestAnswerWithoutFaultIsNotHeld(t *testing.T) {
	recorder := httptest.NewRecorder()
	Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, ok := From(r.Context())
		if !ok || w != http.ResponseWriter(answer) {
			t.Error("From does not find the answer")
		}
		w.Header().Set("A", "b")
		w.WriteHeader(http.StatusTeapot)
		if recorder.Code != http.StatusTeapot {
			t.Error("the header is held")
		}
		_, _ = w.Write([]byte("body"))
		if recorder.Body.String() != "body" {
			t.Error("the body is held")
		}
		w.(http.Flusher).Flush()
		if !recorder.Flushed {
			t.Error("the flush is held")
		}
		if err := http.NewResponseController(w).SetWriteDeadline(time.Now()); err == nil {
			t.Error("the handler can set a write deadline, which is a fault")
		}
	})).ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/", nil))
}

// TestAnswerWithFaultIsHeld sends nothing before the handler returns, and then what it has said.
func TestAnswerWithFaultIsHeld(t *testing.T) {
	recorder := httptest.NewRecorder()
	Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, _ := From(r.Context())
		w.Header().Set("A", "b")
		w.Header().Set("Trailer", "Declared, Absent")
		if err := answer.Break(&optestv1.TransportFault{Kind: optestv1.TransportFault_TWO_MESSAGES}); err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusTeapot)
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write([]byte("bo"))
		w.(http.Flusher).Flush()
		_, _ = w.Write([]byte("dy"))
		w.Header().Set("A", "too late")
		w.Header().Set("Declared", "1")
		w.Header().Set(http.TrailerPrefix+"Undeclared", "2")
		if recorder.Flushed || recorder.Body.Len() > 0 {
			t.Error("the answer is not held")
		}
	})).ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/", nil))
	response := recorder.Result()
	if response.StatusCode != http.StatusTeapot || recorder.Body.String() != "bodybody" || response.Header.Get("A") != "b" {
		t.Errorf("the answer is %d %q with %v", response.StatusCode, recorder.Body, response.Header)
	}
	for name, want := range map[string]string{"Declared": "1", "Undeclared": "2"} {
		if got := recorder.Header().Get(http.TrailerPrefix + name); got != want {
			t.Errorf("trailer %s is %q, want %q", name, got, want)
		}
	}
}

// TestHeldAnswerHasALimit refuses what is beyond it.
func TestHeldAnswerHasALimit(t *testing.T) {
	a := Answer{writer: httptest.NewRecorder(), instead: &optestv1.HttpFault{Status: 502}}
	if n, err := a.Write(make([]byte, answerLimit)); n != answerLimit || err != nil {
		t.Fatalf("Write of 16 MiB = %d, %v", n, err)
	}
	if n, err := a.Write([]byte{0}); n != 0 || err == nil || !strings.HasPrefix(err.Error(), "optest: answer with a fault got more than 16777216 bytes, want less") {
		t.Errorf("Write of one byte more = %d, %v", n, err)
	}
}
