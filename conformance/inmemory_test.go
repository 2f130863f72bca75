package conformance_test

import (
	"context"
	"net"
	"net/http"
	"testing"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/test/bufconn"

	"github.com/optest-dev/optest/conformance/internal/exampleserver"
)

type dialer func(context.Context) (net.Conn, error)

// overHTTP serves a handler in memory.
func overHTTP(t *testing.T, h http.HandlerFunc) dialer {
	listener := bufconn.Listen(64 << 10)
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{Handler: h, Protocols: protocols}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener) // until Close
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-served
	})
	return listener.DialContext
}

// overGRPC serves what register adds, in memory, with a server that has options.
func overGRPC(t *testing.T, register func(*grpc.Server), opts ...grpc.ServerOption) dialer {
	listener := bufconn.Listen(64 << 10)
	server := grpc.NewServer(opts...)
	register(server)
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener) // until Stop
	}()
	t.Cleanup(func() {
		server.Stop()
		<-served
	})
	return listener.DialContext
}

func serving(s *exampleserver.Server) func(*grpc.Server) {
	return func(server *grpc.Server) { s.Register(server) }
}

func reply(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body)) // the client may be gone
	}
}

// unary fails calls for which the function has an error.
func unary(judge func(method string) error) grpc.ServerOption {
	return grpc.UnaryInterceptor(func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		if err := judge(info.FullMethod); err != nil {
			return nil, err
		}
		return handler(ctx, req)
	})
}

// images are those in a folder of a server without a token.
func images(t *testing.T, dial dialer, folder string) []*clouddesktop.DesktopImage {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///memory", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return dial(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx := metadata.AppendToOutgoingContext(context.Background(), "x-test", "images")
	resp, err := clouddesktop.NewDesktopImageServiceClient(conn).List(ctx, &clouddesktop.ListDesktopImagesRequest{FolderId: folder})
	if err != nil {
		t.Fatal(err)
	}
	return resp.GetDesktopImages()
}
