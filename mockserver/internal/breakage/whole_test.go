package breakage_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/optest-dev/optest/mockserver/internal/breakage"
	"github.com/optest-dev/optest/mockserver/internal/wire"
)

// reshaped serves an answer of gRPC or gRPC-Web that is changed on its way out.
func reshaped(t *testing.T, changes ...func(*breakage.Whole)) *wire.Pipe {
	t.Helper()
	pipe := wire.NewPipe()
	server := &http.Server{
		ConnContext: breakage.ConnContext,
		Protocols:   new(http.Protocols),
		Handler: breakage.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			answer, ok := breakage.From(r.Context())
			if !ok {
				t.Error("no answer to change")
				return
			}
			for _, change := range changes {
				if err := answer.Reshape(change); err != nil {
					t.Error(err)
				}
			}
			w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
			_, _ = w.Write([]byte("\x00\x00\x00\x00\x02OK"))
			if strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc-web") {
				_, _ = w.Write([]byte("\x80\x00\x00\x00\x10grpc-status: 0\r\n"))
				return
			}
			w.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
			w.Header().Set(http.TrailerPrefix+"X-Long", strings.Repeat("long", 20))
		})),
	}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	served := make(chan error, 1)
	go func() { served <- server.Serve(breakage.Listen(pipe)) }()
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		<-served
	})
	return pipe
}

func TestReshape(t *testing.T) {
	for _, c := range []struct {
		name, contentType string
		change            func(*breakage.Whole)
		want              string
	}{
		{"nothing", "application/grpc", func(*breakage.Whole) {}, `200 application/grpc "\x00\x00\x00\x00\x02OK" status 0`},
		{"status", "application/grpc", func(w *breakage.Whole) { w.Trailer.Set("Grpc-Status", "17") }, `200 application/grpc "\x00\x00\x00\x00\x02OK" status 17`},
		{"HTTP status", "application/grpc", func(w *breakage.Whole) { w.Status = http.StatusNotFound }, `404 application/grpc "\x00\x00\x00\x00\x02OK" status 0`},
		{"header", "application/grpc", func(w *breakage.Whole) { w.Header.Set("Content-Type", "text/html") }, `200 text/html "\x00\x00\x00\x00\x02OK" status 0`},
		{"body", "application/grpc", func(w *breakage.Whole) { w.Body = nil }, `200 application/grpc "" status 0`},
		{"nothing, gRPC-Web", "application/grpc-web", func(*breakage.Whole) {}, `200 application/grpc-web "\x00\x00\x00\x00\x02OK\x80\x00\x00\x00\x10grpc-status: 0\r\n" status `},
		{"status, gRPC-Web", "application/grpc-web", func(w *breakage.Whole) { w.Trailer.Set("Grpc-Status", "17") }, `200 application/grpc-web "\x00\x00\x00\x00\x02OK\x80\x00\x00\x00\x11grpc-status: 17\r\n" status `},
		{"a line feed, gRPC-Web", "application/grpc-web", func(w *breakage.Whole) { w.Trailer.Set("Grpc-Status", "0\nx: 1") }, `200 application/grpc-web "\x00\x00\x00\x00\x02OK\x80\x00\x00\x00\x15grpc-status: 0\nx: 1\r\n" status `},
		{"body, REST", "application/json", func(w *breakage.Whole) { w.Body = bytes.ToLower(w.Body) }, `200 application/json "\x00\x00\x00\x00\x02ok" status 0`},
	} {
		t.Run(c.name, func(t *testing.T) {
			pipe := reshaped(t, c.change)
			transport := &http.Transport{
				Protocols:   new(http.Protocols),
				DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return pipe.Dial(ctx) },
			}
			transport.Protocols.SetUnencryptedHTTP2(true)
			t.Cleanup(transport.CloseIdleConnections)
			resp, err := (&http.Client{Transport: transport}).Post("http://localhost/", c.contentType, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = resp.Body.Close() }()
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			got := fmt.Sprintf("%d %s %q status %s", resp.StatusCode, resp.Header.Get("Content-Type"), body, resp.Trailer.Get("Grpc-Status"))
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// What net/http would leave out of the trailers is sent, stream after stream on
// one connection: neither side's table of headers is out of step after it.
func TestReshapedTrailersThatNetHTTPRefuses(t *testing.T) {
	const text = "a\nx-injected: yes"
	pipe := reshaped(t, func(w *breakage.Whole) { w.Trailer.Set("Grpc-Message", text) })
	conn, err := pipe.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	framer := http2.NewFramer(conn, conn)
	if err := framer.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	var seen []hpack.HeaderField
	decoder := hpack.NewDecoder(4096, func(f hpack.HeaderField) { seen = append(seen, f) })
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for stream := uint32(1); stream <= 5; stream += 2 {
		block.Reset()
		for _, f := range [][2]string{{":method", "POST"}, {":scheme", "http"}, {":authority", "localhost"}, {":path", "/"}, {"content-type", "application/grpc"}} {
			if err := encoder.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]}); err != nil {
				t.Fatal(err)
			}
		}
		if err := framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block.Bytes(), EndStream: true, EndHeaders: true}); err != nil {
			t.Fatal(err)
		}
		seen = nil
		for ended := false; !ended; {
			f, err := framer.ReadFrame()
			if err != nil {
				t.Fatal(err)
			}
			switch f := f.(type) {
			case *http2.HeadersFrame:
				if _, err := decoder.Write(f.HeaderBlockFragment()); err != nil {
					t.Fatalf("stream %d: %v", stream, err)
				}
				ended = f.StreamEnded()
			case *http2.SettingsFrame:
				if !f.IsAck() {
					if err := framer.WriteSettingsAck(); err != nil {
						t.Fatal(err)
					}
				}
			case *http2.RSTStreamFrame, *http2.GoAwayFrame:
				t.Fatalf("stream %d ends with %v, want trailers", stream, f)
			}
		}
		got := map[string]string{}
		for _, f := range seen {
			got[f.Name] = f.Value
		}
		if got["grpc-message"] != text || got["grpc-status"] != "0" || got[":status"] != "200" || got["x-long"] != strings.Repeat("long", 20) {
			t.Errorf("stream %d has %v, want a status and the message %q", stream, got, text)
		}
	}
}
