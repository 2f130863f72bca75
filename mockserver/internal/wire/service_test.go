package wire_test

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

var getSpec = connect.Spec{Procedure: "/yandex.cloud.operation.OperationService/Get", StreamType: connect.StreamTypeUnary}

// newServer answers Get with an operation that has the id asked for, over gRPC, gRPC-Web and Connect. before runs first.
func newServer(tb testing.TB, before func(ctx context.Context)) *http.Server {
	answer := &operation.Operation{Description: "Copy an image", CreatedAt: timestamppb.New(time.Unix(1_700_000_000, 0)), Done: true}
	rpc := connect.NewServer()
	rpc.Register(connect.Method{Spec: getSpec, Handler: func(ctx context.Context, _ connect.Spec, stream connect.ServerStream) error {
		var request operation.GetOperationRequest
		if err := stream.Receive(&request); err != nil {
			return err
		}
		before(ctx)
		got := proto.CloneOf(answer)
		got.Id = request.GetOperationId()
		return stream.Send(got)
	}})
	mux := http.NewServeMux()
	connecthttp.Mount(mux, rpc)
	server := &http.Server{Handler: mux, Protocols: new(http.Protocols), ErrorLog: quietLog(tb), MaxHeaderBytes: 16 << 10}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetHTTP2(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	return server
}

func atOnce(context.Context) {}

// serve runs server until the end of the test, and waits for it there.
func serve(tb testing.TB, server *http.Server, listener net.Listener) {
	tb.Helper()
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	tb.Cleanup(func() {
		if err := server.Close(); err != nil {
			tb.Errorf("close of the server: %v", err)
		}
		if err := <-served; err != http.ErrServerClosed {
			tb.Errorf("Serve = %v, want %v", err, http.ErrServerClosed)
		}
	})
}

func listenTCP(tb testing.TB) net.Listener {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	return listener
}

// newGRPCClient connects at the first call; config is nil for plaintext.
func newGRPCClient(target string, config *tls.Config, options ...grpc.DialOption) (*grpc.ClientConn, error) {
	transport := insecure.NewCredentials()
	if config != nil {
		transport = credentials.NewTLS(config)
	}
	return grpc.NewClient(target, append(options, grpc.WithTransportCredentials(transport))...)
}

func grpcClient(tb testing.TB, target string, config *tls.Config, options ...grpc.DialOption) *grpc.ClientConn {
	tb.Helper()
	conn, err := newGRPCClient(target, config, options...)
	if err != nil {
		tb.Fatal(err)
	}
	return conn
}

func grpcOverPipe(tb testing.TB, dial func(context.Context) (net.Conn, error)) *grpc.ClientConn {
	tb.Helper()
	return grpcClient(tb, "passthrough:///pipe", nil, dialWith(dial))
}

func dialWith(dial func(context.Context) (net.Conn, error)) grpc.DialOption {
	return grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return dial(ctx) })
}

func getByGRPC(ctx context.Context, conn *grpc.ClientConn, id string) (string, error) {
	got, err := operation.NewOperationServiceClient(conn).Get(ctx, &operation.GetOperationRequest{OperationId: id})
	return got.GetId(), err
}

// connectClient speaks the Connect protocol over whatever HTTP version client speaks.
func connectClient(client *http.Client, url string) *connect.Client {
	return connect.NewClient(connecthttp.NewTransport(client, url))
}

func getByConnect(ctx context.Context, client *connect.Client, id string) (string, error) {
	var got operation.Operation
	err := client.CallUnary(ctx, getSpec, &operation.GetOperationRequest{OperationId: id}, &got)
	return got.GetId(), err
}

// httpClient speaks HTTP/1.1 only.
func httpClient(config *tls.Config) (*http.Client, *http.Transport) {
	transport := &http.Transport{TLSClientConfig: config, Protocols: new(http.Protocols)}
	transport.Protocols.SetHTTP1(true)
	return &http.Client{Transport: transport}, transport
}

// http2OverPipe speaks HTTP/2 in plaintext only.
func http2OverPipe(dial func(context.Context) (net.Conn, error)) (*http.Client, *http.Transport) {
	transport := &http.Transport{
		Protocols:   new(http.Protocols),
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
	}
	transport.Protocols.SetUnencryptedHTTP2(true)
	return &http.Client{Transport: transport}, transport
}
