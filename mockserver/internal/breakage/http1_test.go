package breakage_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// overHTTP1 is what a call over HTTP/1.1 gets, before the body and after 10 bytes of it. REST's body has 22 bytes, gRPC-Web's message 33
// and its status after it 21.
type overHTTP1 struct {
	kind          optestv1.TransportFault_Kind
	rest, restAt  string
	web, webAt    string
	restRefusedBy string // a word of the reason, where REST has no answer
}

var overHTTP1Table = []overHTTP1{
	{kind: optestv1.TransportFault_RST_REFUSED_STREAM, restRefusedBy: "HTTP/2"},
	{kind: optestv1.TransportFault_RST_NO_ERROR, restRefusedBy: "HTTP/2"},
	{kind: optestv1.TransportFault_RST_INTERNAL_ERROR, restRefusedBy: "HTTP/2"},
	{kind: optestv1.TransportFault_RST_CANCEL, restRefusedBy: "HTTP/2"},
	{kind: optestv1.TransportFault_RST_ENHANCE_YOUR_CALM, restRefusedBy: "HTTP/2"},
	{kind: optestv1.TransportFault_GOAWAY_GRACEFUL, restRefusedBy: "HTTP/2"},
	{kind: optestv1.TransportFault_GOAWAY_BELOW_STREAM, restRefusedBy: "HTTP/2"},
	{kind: optestv1.TransportFault_GOAWAY_ABRUPT, restRefusedBy: "HTTP/2"},
	{
		kind: optestv1.TransportFault_TCP_RESET, rest: "nothing, reset", restAt: "200, 10 of 22 bytes, reset",
		web: "nothing, reset", webAt: "200, 10 of 54 bytes, reset",
	},
	{
		kind: optestv1.TransportFault_TCP_CLOSE, rest: "nothing, FIN", restAt: "200, 10 of 22 bytes, FIN",
		web: "nothing, FIN", webAt: "200, 10 of 54 bytes, FIN",
	},
	{
		kind: optestv1.TransportFault_BLACK_HOLE, rest: "nothing, silence", restAt: "200, 10 of 22 bytes, silence",
		web: "nothing, silence", webAt: "200, 10 of 54 bytes, silence",
	},
	{
		kind: optestv1.TransportFault_HALF_FRAME, rest: "200, 11 of 22 bytes, FIN", restAt: "200, 16 of 22 bytes, FIN",
		web: "200, 27 of 54 bytes, FIN", webAt: "200, 32 of 54 bytes, FIN",
	},
	{kind: optestv1.TransportFault_NO_TRAILERS, restRefusedBy: "gRPC", web: "200, 33 of 33 bytes, open"},
	{kind: optestv1.TransportFault_NO_MESSAGE, rest: "200, 0 of 0 bytes, open", web: "200, 21 of 21 bytes with the status, open"},
	{kind: optestv1.TransportFault_TWO_MESSAGES, rest: "200, 44 of 44 bytes, open", web: "200, 87 of 87 bytes with the status, open"},
	{kind: optestv1.TransportFault_TRAILERS_ONLY, restRefusedBy: "gRPC", web: "200 and grpc-status 0, 0 of 0 bytes, open"},
	{kind: optestv1.TransportFault_STATUS_IN_HEADERS, restRefusedBy: "gRPC", web: "200 and grpc-status 0, 33 of 33 bytes, open"},
	{
		kind: optestv1.TransportFault_TRUNCATED_MESSAGE, rest: "200, 11 of 11 bytes, open", restAt: "200, 10 of 10 bytes, open",
		web: "200, 19 of 19 bytes, open", webAt: "200, 10 of 10 bytes, open",
	},
}

func TestFaultsOverHTTP1(t *testing.T) {
	expectNoGoroutines(t)
	if got, want := len(overHTTP1Table), len(optestv1.TransportFault_Kind_name)-1; got != want {
		t.Errorf("the table has %d rows, want the %d kinds", got, want)
	}
	for name, open := range networks {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			n := open(t, s)
			if got, want := n.exchange(t, restRequest("y"), ""), "200, 22 of 22 bytes, open"; got != want {
				t.Errorf("REST without a fault: %s, want %s", got, want)
			}
			if got, want := n.exchange(t, webRequest(t, "y"), ""), "200, 54 of 54 bytes with the status, open"; got != want {
				t.Errorf("gRPC-Web without a fault: %s, want %s", got, want)
			}
			for _, row := range overHTTP1Table {
				check := func(protocol string, request []byte, after uint32, want string) {
					t.Helper()
					s.plan("x", plan{faults: faultsAfter(after, row.kind), every: true})
					if got := n.exchange(t, request, want); got != want {
						t.Errorf("%v after %d bytes over %s: %s, want %s", row.kind, after, protocol, got, want)
					}
				}
				if row.restRefusedBy != "" {
					check("REST", restRequest("x"), 0, "500 for want of "+row.restRefusedBy+", open")
				} else {
					check("REST", restRequest("x"), 0, row.rest)
				}
				if row.web != "" {
					check("gRPC-Web", webRequest(t, "x"), 0, row.web)
				}
				if row.webAt != "" {
					check("REST", restRequest("x"), 10, row.restAt)
					check("gRPC-Web", webRequest(t, "x"), 10, row.webAt)
				}
			}
		})
	}
}

func restRequest(id string) []byte {
	return []byte("GET " + restPath + id + " HTTP/1.1\r\nHost: stage\r\n\r\n")
}

func webRequest(t *testing.T, id string) []byte {
	body := enveloped(t, &operation.GetOperationRequest{OperationId: id})
	return append(fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: stage\r\nContent-Type: application/grpc-web+proto\r\nContent-Length: %d\r\n\r\n", procedure, len(body)), body...)
}

// exchange tells what comes for a request on a connection of its own. It does not wait long for a silence that is wanted.
func (n network) exchange(t *testing.T, request []byte, want string) string {
	t.Helper()
	conn, err := n.dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if n.trust != nil {
		conn = tls.Client(conn, n.trust)
	}
	wait := patience
	if strings.HasSuffix(want, "silence") {
		wait = quiet
	}
	if err := conn.SetDeadline(time.Now().Add(wait)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write(request); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(conn)
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		return "nothing, " + endOf(t, err)
	}
	body, err := io.ReadAll(response.Body)
	if response.StatusCode == http.StatusInternalServerError {
		for _, reason := range []string{"HTTP/2", "gRPC"} {
			if bytes.Contains(body, []byte("want "+reason)) {
				return fmt.Sprintf("500 for want of %s, %s", reason, n.again(t, conn, reader))
			}
		}
	}
	told := fmt.Sprint(response.StatusCode)
	if status := response.Header.Get("Grpc-Status"); status != "" {
		told += " and grpc-status " + status
	}
	length := response.ContentLength
	if length < 0 {
		length = int64(len(body))
	}
	told += fmt.Sprintf(", %d of %d bytes", len(body), length)
	if bytes.HasSuffix(body, []byte("grpc-status: 0\r\n")) {
		told += " with the status"
	}
	if err != nil {
		return told + ", " + endOf(t, err)
	}
	return told + ", " + n.again(t, conn, reader)
}

// again tells whether the connection serves another request.
func (n network) again(t *testing.T, conn net.Conn, reader *bufio.Reader) string {
	t.Helper()
	if _, err := conn.Write(restRequest("y")); err != nil {
		return endOf(t, err)
	}
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		return endOf(t, err)
	}
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return endOf(t, err)
	}
	return "open"
}

func endOf(t *testing.T, err error) string {
	t.Helper()
	switch {
	case errors.Is(err, syscall.ECONNRESET):
		return "reset"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "FIN"
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "silence"
	}
	t.Errorf("connection ends with %v", err)
	return err.Error()
}

// TestHTTP1EndsAreKept shows that net/http does not end a connection that a fault keeps: it would, after an answer shorter than told.
func TestHTTP1EndsAreKept(t *testing.T) {
	s := newStage(t)
	n := overTCP(t, s)
	for _, after := range []uint32{0, 10} {
		s.plan("x", plan{faults: faultsAfter(after, optestv1.TransportFault_BLACK_HOLE), every: true})
		conn, err := n.dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write(restRequest("x")); err != nil {
			t.Fatal(err)
		}
		s.await(t, "the server to be done with the call", func() bool { return s.idle() == 1 })
		if got := s.connections(); got != 1 {
			t.Errorf("after %d bytes of the answer the server has %d connections, want 1", after, got)
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		s.await(t, "the end of the connection", func() bool { return s.connections() == 0 })
	}
}

// TestFINIsNotForEver leaves a connection that the client does not close.
func TestFINIsNotForEver(t *testing.T) {
	for name, request := range map[string][]byte{"HTTP/1": restRequest("x"), "HTTP/2": nil} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			n := overTCP(t, s)
			s.plan("x", plan{faults: faults(optestv1.TransportFault_TCP_CLOSE), every: true})
			if request != nil {
				conn, err := n.dial(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = conn.Close() }()
				if _, err := conn.Write(request); err != nil {
					t.Fatal(err)
				}
			} else {
				n.raw(t).call(1, "application/grpc+proto", "x")
			}
			s.await(t, "a connection", func() bool { return s.dials() == 1 })
			s.await(t, "its end", func() bool { return s.connections() == 0 })
		})
	}
}
