package drive

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// against calls a handler once over a protocol.
func against(t *testing.T, p Protocol, call Call, h http.HandlerFunc) *trace.Event {
	t.Helper()
	c, _ := recording(t, listen(t, pipes, overHTTP(t, h)), p)
	return get(t, c, call)
}

// frame is a message as gRPC sends it, with flags.
func frame(flags byte, message string) string {
	f := framed([]byte(message))
	f[0] = flags
	return string(f)
}

func zipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.String()
}

func TestOddServers(t *testing.T) {
	message := frame(0, "\n\x01x")
	for _, row := range []struct {
		name   string
		p      Protocol
		answer http.HandlerFunc
		want   string
	}{
		{"status in headers, then a body", GRPC, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/grpc")
			w.Header().Set("Grpc-Status", "0")
			_, _ = io.WriteString(w, message)
		}, "OK OK HTTP 200 PROTO ONLY 1"},
		{"status in headers and trailers", GRPC, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/grpc")
			w.Header().Set("Grpc-Status", "14")
			_, _ = io.WriteString(w, message)
			w.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
		}, "OK OK HTTP 200 PROTO AFTER 1"},
		{"no trailers", GRPC, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/grpc")
			_, _ = io.WriteString(w, message)
		}, "INDETERMINATE OK HTTP 200 PROTO MISSING 1"},
		{"message broken off", GRPC, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/grpc")
			_, _ = io.WriteString(w, message[:6])
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, "INDETERMINATE OK HTTP 200 PROTO MISSING 0"},
		{"page broken off", REST, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "{}")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, "INDETERMINATE OK HTTP 200 JSON"},
		{"raw UTF-8 in a trailer", GRPC, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/grpc")
			w.Header().Set(http.TrailerPrefix+"Grpc-Status", "5")
			w.Header().Set(http.TrailerPrefix+"Grpc-Message", "ж")
		}, "FAILED NOT_FOUND HTTP 200 PROTO AFTER 0"},
		{"gzip unasked for", REST, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = io.WriteString(w, zipped(`{"id":"x"}`))
		}, "OK OK HTTP 200 JSON"},
	} {
		t.Run(row.name, func(t *testing.T) {
			e := against(t, row.p, getting("x"), row.answer)
			if got := shown(e); got != row.want {
				t.Errorf("got %s, want %s: %+v", got, row.want, e.Failure)
			}
			broken := strings.Contains(row.name, "broken off")
			if lost := e.Outcome == optestv1.Event_INDETERMINATE && e.Failure.Cause == optestv1.Event_Failure_RESET; lost != broken {
				t.Errorf("the failure is %+v, want a reset: %v", e.Failure, broken)
			}
			if e.Response.Cut() != (row.name == "page broken off") {
				t.Errorf("the body is cut: %v", e.Response.Cut())
			}
		})
	}
	e := against(t, GRPC, getting("x"), func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set(http.TrailerPrefix+"Grpc-Status", "5")
		w.Header().Set(http.TrailerPrefix+"Grpc-Message", "ж")
	})
	if raw, _ := e.Trailer.Get("grpc-message"); raw != "ж" {
		t.Errorf("the trailer grpc-message is recorded as %q, want it as it was on the wire", raw)
	}
}

func TestTrailersOfBodiesAreRecorded(t *testing.T) {
	e := against(t, GRPCWeb, getting("x"), func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/grpc-web+proto")
		_, _ = io.WriteString(w, frame(0x80, "grpc-status: 5\r\ngrpc-message: a%20b\r\nx-token: t\r\n"))
	})
	if got, want := fmt.Sprint(e.Trailer), "[{grpc-message a%20b} {grpc-status 5} {x-token (redacted)}]"; got != want {
		t.Errorf("trailers %s, want %s", got, want)
	}
}

func TestSecretsAreNotRecorded(t *testing.T) {
	const token = "t1.secret-secret-secret.secret"
	endpoint := listen(t, pipes, overHTTP(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Saw", fmt.Sprint(r.Header.Get("Authorization") == "Bearer "+token))
	})))
	endpoint.Token = token
	c, events := recording(t, endpoint, REST)
	call := Call{Method: methodGet, Verb: http.MethodGet, Target: "/operations/x?access_token=" + token}
	if saw, _ := get(t, c, call).ResponseHeader.Get("x-saw"); saw != "true" {
		t.Errorf("the server saw the token: %s, want true", saw)
	}
	call.Anonymous = true
	if saw, _ := get(t, c, call).ResponseHeader.Get("x-saw"); saw != "false" {
		t.Errorf("the server saw the token of an anonymous call: %s, want false", saw)
	}
	for _, e := range *events {
		if text := fmt.Sprintf("%+v", *e); strings.Contains(text, "secret-secret") {
			t.Errorf("an event shows the token: %s", text)
		}
	}
	if got, _ := (*events)[0].RequestHeader.Get("authorization"); got != trace.Redacted {
		t.Errorf("the first request's authorization is %q, want it to be there and redacted", got)
	}
}
