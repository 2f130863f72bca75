package breakage_test

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"testing"

	"connectrpc.com/connect/v2"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/optest-dev/optest/internal/selfcert"
	"github.com/optest-dev/optest/mockserver/internal/breakage"
	"github.com/optest-dev/optest/mockserver/internal/wire"
)

// network is how clients reach a stage.
type network struct {
	dial  func(context.Context) (net.Conn, error)
	trust *tls.Config // nil in plaintext
}

// networks are the ways over which every fault must work.
var networks = map[string]func(testing.TB, *stage) network{
	"plaintext": overTCP,
	"TLS":       overTLS,
	"memory":    inMemory,
}

func listenTCP(tb testing.TB) net.Listener {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	return listener
}

func dialTo(address string) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) { return new(net.Dialer).DialContext(ctx, "tcp", address) }
}

func overTCP(tb testing.TB, s *stage) network {
	split := wire.NewSplit(listenTCP(tb), nil, breakage.Over)
	serve(tb, s.server(), split)
	return network{dial: dialTo(split.Addr().String())}
}

var authority = sync.OnceValues(func() (*selfcert.Authority, error) { return selfcert.New() })

func overTLS(tb testing.TB, s *stage) network {
	certificates, err := authority()
	if err != nil {
		tb.Fatal(err)
	}
	split := wire.NewSplit(listenTCP(tb), certificates.TLSConfig(), breakage.Over)
	serve(tb, s.server(), split)
	return network{dial: dialTo(split.Addr().String()), trust: &tls.Config{RootCAs: certificates.Pool(), ServerName: "localhost"}}
}

func inMemory(tb testing.TB, s *stage) network {
	pipe := wire.NewPipe()
	serve(tb, s.server(), breakage.Listen(pipe))
	return network{dial: pipe.Dial}
}

// grpcClient connects at the first call.
func (n network) grpcClient(tb testing.TB) *grpc.ClientConn {
	tb.Helper()
	secure := insecure.NewCredentials()
	if n.trust != nil {
		secure = credentials.NewTLS(n.trust)
	}
	conn, err := grpc.NewClient("passthrough:///stage", grpc.WithTransportCredentials(secure),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return n.dial(ctx) }))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = conn.Close() })
	return conn
}

// httpClient speaks one version of HTTP, 1 or 2.
func (n network) httpClient(tb testing.TB, version int) (client *http.Client, url string) {
	transport := &http.Transport{
		Protocols:   new(http.Protocols),
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return n.dial(ctx) },
	}
	url = "http://localhost"
	if n.trust != nil {
		url, transport.TLSClientConfig = "https://localhost", n.trust.Clone()
	}
	transport.Protocols.SetHTTP1(version == 1)
	transport.Protocols.SetHTTP2(version == 2)
	transport.Protocols.SetUnencryptedHTTP2(version == 2)
	tb.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}, url
}

func getByGRPC(ctx context.Context, conn *grpc.ClientConn, id string) (string, error) {
	got, err := operation.NewOperationServiceClient(conn).Get(ctx, &operation.GetOperationRequest{OperationId: id})
	return got.GetId(), err
}

func getByConnect(ctx context.Context, client *connect.Client, id string) (string, error) {
	var got operation.Operation
	err := client.CallUnary(ctx, getSpec, &operation.GetOperationRequest{OperationId: id}, &got)
	return got.GetId(), err
}
