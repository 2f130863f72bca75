package breakage_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

func page(status uint32) *optestv1.HttpFault {
	return &optestv1.HttpFault{
		Status:      status,
		ContentType: "text/html; charset=utf-8",
		Body:        fmt.Sprintf("<html><title>%d</title></html>", status),
		Headers:     map[string]string{"Server": "proxy", "Retry-After": "7"},
	}
}

// TestPagesToGRPC shows grpc-go what proxies and routers answer.
func TestPagesToGRPC(t *testing.T) {
	s := newStage(t)
	client := overTCP(t, s).grpcClient(t)
	for code, want := range map[uint32]codes.Code{
		200: codes.Unknown,
		204: codes.Unknown,
		400: codes.Internal,
		401: codes.Unauthenticated,
		403: codes.PermissionDenied,
		404: codes.Unimplemented,
		429: codes.Unavailable,
		500: codes.Unknown,
		502: codes.Unavailable,
		503: codes.Unavailable,
		504: codes.Unavailable,
	} {
		id := fmt.Sprint(code)
		s.plan(id, plan{instead: page(code)})
		err := call(t, client, id, want)
		if status.Code(err) != want {
			t.Errorf("with %d the client gets %v, want %v", code, err, want)
		}
		if got := s.seen(id); got != 1 {
			t.Errorf("with %d the server saw %d attempts, want 1", code, got)
		}
		if err := call(t, client, id, codes.OK); err != nil {
			t.Errorf("after %d the client gets %v", code, err)
		}
	}
}

// TestPageIsWhatAProxySends looks at a page as such, over both versions of HTTP: nothing of the handler's answer is in it but labels.
func TestPageIsWhatAProxySends(t *testing.T) {
	for _, version := range []int{1, 2} {
		s := newStage(t)
		client, url := overTCP(t, s).httpClient(t, version)
		s.plan("x", plan{instead: page(502)})
		response, err := client.Get(url + restPath + "x")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if err != nil || string(body) != page(502).GetBody() {
			t.Errorf("the body is %q, %v", body, err)
		}
		if response.StatusCode != http.StatusBadGateway || response.ProtoMajor != version {
			t.Errorf("the answer is %s over %s", response.Status, response.Proto)
		}
		want := http.Header{
			"Content-Type":   {"text/html; charset=utf-8"},
			"Content-Length": {fmt.Sprint(len(body))},
			"Server":         {"proxy"},
			"Retry-After":    {"7"},
			"X-Optest-Fault": {"planned"},
		}
		response.Header.Del("Date")
		if fmt.Sprint(response.Header) != fmt.Sprint(want) {
			t.Errorf("the header is %v, want %v", response.Header, want)
		}
	}
}

// TestPageWithoutContentType has none guessed.
func TestPageWithoutContentType(t *testing.T) {
	s := newStage(t)
	client, url := overTCP(t, s).httpClient(t, 1)
	s.plan("x", plan{instead: &optestv1.HttpFault{Status: 200, Body: "<html>"}})
	response, err := client.Get(url + restPath + "x")
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if got, ok := response.Header["Content-Type"]; ok {
		t.Errorf("the content type is %q, want none", got)
	}
}

// TestPageIsBroken has both faults hit one call: the layer of HTTP comes first.
func TestPageIsBroken(t *testing.T) {
	for kind, want := range map[optestv1.TransportFault_Kind]string{
		optestv1.TransportFault_TRUNCATED_MESSAGE: "502, 15 of 15 bytes, open",
		optestv1.TransportFault_TWO_MESSAGES:      "502, 62 of 62 bytes, open",
		optestv1.TransportFault_NO_MESSAGE:        "502, 0 of 0 bytes, open",
		optestv1.TransportFault_HALF_FRAME:        "502, 15 of 31 bytes, FIN",
		optestv1.TransportFault_TCP_RESET:         "nothing, reset",
	} {
		s := newStage(t)
		n := overTCP(t, s)
		s.plan("x", plan{instead: page(502), faults: faults(kind)})
		if got := n.exchange(t, restRequest("x"), want); got != want {
			t.Errorf("%v of a page: %s, want %s", kind, got, want)
		}
	}
}

// TestStatusTravels has an error of the handler's go where a fault moves it.
func TestStatusTravels(t *testing.T) {
	s := newStage(t)
	n := overTCP(t, s)
	for kind, want := range map[optestv1.TransportFault_Kind]string{
		optestv1.TransportFault_TRAILERS_ONLY:     "HEADERS 200 grpc-status=5 END, alive",
		optestv1.TransportFault_STATUS_IN_HEADERS: "HEADERS 200 grpc-status=5 END, alive",
		optestv1.TransportFault_NO_TRAILERS:       "HEADERS 200 END, alive",
		optestv1.TransportFault_NO_MESSAGE:        "HEADERS 200, HEADERS grpc-status=5 END, alive",
		optestv1.TransportFault_HALF_FRAME:        "HEADERS 200, frame header cut to 4, FIN",
	} {
		s.plan("x", plan{faults: faults(kind), code: 5, every: true})
		c := n.raw(t)
		c.call(1, "application/grpc+proto", "x")
		if got := strings.Join(c.watch(1, strings.Split(want, ", ")), ", "); got != want {
			t.Errorf("%v of an error: the client sees %s, want %s", kind, got, want)
		}
	}
}
