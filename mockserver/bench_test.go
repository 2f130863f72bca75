package mockserver

import (
	"bytes"
	"encoding/binary"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/proto"

	"github.com/optest-dev/optest/mockserver/internal/bench/bare"
)

// Both servers get the same gRPC requests without a network, so that what
// differs is their own: benchstat -col /server shows it. make bench measures
// them with a network.

func BenchmarkGet(b *testing.B) {
	benchmarkCall(b, operation.OperationService_Get_FullMethodName, func(id string) proto.Message {
		return &operation.GetOperationRequest{OperationId: id}
	})
}

func BenchmarkCopyFromDesktop(b *testing.B) {
	benchmarkCall(b, clouddesktop.DesktopImageService_CopyFromDesktop_FullMethodName, func(string) proto.Message {
		return &clouddesktop.CopyFromDesktopRequest{FolderId: "b1g00000000000000001", Name: "nightly-image", DesktopId: "ecd00000000000000001"}
	})
}

func benchmarkCall(b *testing.B, procedure string, request func(id string) proto.Message) {
	b.Run("server=bare", func(b *testing.B) {
		server, err := bare.NewServer()
		if err != nil {
			b.Fatal(err)
		}
		benchmarkHandler(b, server.Handler, procedure, request("any"))
	})
	b.Run("server=optest", func(b *testing.B) {
		s := New(b, MaxOperations(1<<30))
		s.Play(Running(1000 * time.Hour).Succeed())
		op, err := copyFromDesktop(b.Context(), s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "any"})
		if err != nil {
			b.Fatal(err)
		}
		benchmarkHandler(b, s.front.server.Handler, procedure, request(op.GetId()))
	})
}

func benchmarkHandler(b *testing.B, h http.Handler, procedure string, request proto.Message) {
	message, err := proto.Marshal(request)
	if err != nil {
		b.Fatal(err)
	}
	frame := append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))), message...)
	b.ReportAllocs()
	for b.Loop() {
		body := bytes.NewReader(frame)
		r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, procedure, io.NopCloser(body))
		if err != nil {
			b.Fatal(err)
		}
		r.ProtoMajor, r.ProtoMinor = 2, 0
		r.Header = http.Header{
			"Content-Type": {"application/grpc"},
			"User-Agent":   {"grpc-go/1.85.0"},
			"Te":           {"trailers"},
		}
		w := &discarded{header: http.Header{}}
		h.ServeHTTP(w, r)
		if got := w.header.Get(http.TrailerPrefix + "Grpc-Status"); got != "" && got != "0" || w.written == 0 {
			b.Fatalf("status %q and %d bytes, want an answer", got, w.written)
		}
	}
}

// discarded is a ResponseWriter that keeps no body.
type discarded struct {
	header  http.Header
	written int
}

func (w *discarded) Header() http.Header { return w.header }
func (w *discarded) WriteHeader(int)     {}
func (w *discarded) Flush()              {}
func (w *discarded) Write(p []byte) (int, error) {
	w.written += len(p)
	return len(p), nil
}

// A test that has many servers pays this for each.
func BenchmarkFirstAnswer(b *testing.B) {
	request := &clouddesktop.CopyFromDesktopRequest{DesktopId: "any"}
	b.Run("server=bare", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			conn, stop, err := bare.InMemory()
			if err != nil {
				b.Fatal(err)
			}
			if _, err := clouddesktop.NewDesktopImageServiceClient(conn).CopyFromDesktop(b.Context(), request); err != nil {
				b.Fatal(err)
			}
			if err := stop(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("server=optest", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s, err := Start()
			if err != nil {
				b.Fatal(err)
			}
			s.Play(Running(time.Hour).Succeed())
			if _, err := copyFromDesktop(b.Context(), s, request); err != nil {
				b.Fatal(err)
			}
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
