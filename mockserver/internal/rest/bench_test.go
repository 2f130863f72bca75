package rest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
)

// discard is a ResponseWriter that costs nothing itself.
type discard struct {
	header http.Header
	code   int
	size   int
}

func (d *discard) Header() http.Header  { return d.header }
func (d *discard) WriteHeader(code int) { d.code = code }

func (d *discard) Write(p []byte) (int, error) {
	d.size += len(p)
	return len(p), nil
}

func benchmark(b *testing.B, verb, target, body string) {
	op := finishedOperation(b)
	server := connect.NewServer()
	server.Register(connect.Method{
		Spec: connect.Spec{Procedure: "/yandex.cloud.operation.OperationService/Get"},
		Handler: func(_ context.Context, _ connect.Spec, stream connect.ServerStream) error {
			var in operation.GetOperationRequest
			if err := stream.Receive(&in); err != nil {
				return err
			}
			return stream.Send(op)
		},
	}, connect.Method{
		Spec: connect.Spec{Procedure: "/yandex.cloud.clouddesktop.v1.api.DesktopImageService/CopyFromDesktop"},
		Handler: func(_ context.Context, _ connect.Spec, stream connect.ServerStream) error {
			var in clouddesktop.CopyFromDesktopRequest
			if err := stream.Receive(&in); err != nil {
				return err
			}
			return stream.Send(op)
		},
	})
	h, err := New(server, publishedMethods())
	if err != nil {
		b.Fatal(err)
	}
	r := httptest.NewRequest(verb, target, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer t")
	r.Header.Set("Content-Type", "application/json")
	w := &discard{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		r.Body = readCloser{strings.NewReader(body)}
		if h.ServeHTTP(w, r); w.code != http.StatusOK && w.code != http.StatusNotFound {
			b.Fatalf("answer %d", w.code)
		}
	}
}

func BenchmarkGet(b *testing.B) { benchmark(b, "GET", "/operations/op1", "") }

func BenchmarkCreate(b *testing.B) {
	benchmark(b, "POST", "/cloud-desktop/v1/images:copyFromDesktop", `{"folderId":"f","name":"n","desktopId":"d","labels":{"a":"b"}}`)
}

func BenchmarkUnknownPath(b *testing.B) { benchmark(b, "GET", "/operation/op1", "") }

func BenchmarkMatch(b *testing.B) {
	s := newSubject(b, publishedMethods())
	r := httptest.NewRequest("GET", "/operations/op1:cancel", nil)
	b.ReportAllocs()
	for b.Loop() {
		if !s.Match(r) {
			b.Fatal("no match")
		}
	}
}
