package clients_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"

	"github.com/optest-dev/optest/mockserver"
)

// client is one way to reach the API. An error of the server's is an error with
// a gRPC status, whatever it looks like on the wire.
type client interface {
	copyFromDesktop(ctx context.Context, desktop string) (*operation.Operation, error)
	getOperation(ctx context.Context, id string) (*operation.Operation, error)
	cancelOperation(ctx context.Context, id string) (*operation.Operation, error)
	getImage(ctx context.Context, id string) (*clouddesktop.DesktopImage, error)
}

// kinds is all that the table of lives is played to.
var kinds = []struct {
	name     string
	protocol string // as the server's journal names it
	open     func(*testing.T, target) client
}{
	{"grpc-go plaintext", "grpc", openGRPC(plaintext)},
	{"grpc-go TLS", "grpc", openGRPC(secure)},
	{"stubs gRPC h2c", "grpc", openStubs(h2c, overGRPC)},
	{"stubs gRPC TLS", "grpc", openStubs(h2TLS, overGRPC)},
	{"stubs gRPC-Web HTTP1.1", "grpcweb", openStubs(http1, overGRPCWeb)},
	{"stubs gRPC-Web h2c", "grpcweb", openStubs(h2c, overGRPCWeb)},
	{"stubs gRPC-Web TLS", "grpcweb", openStubs(h2TLS, overGRPCWeb)},
	{"stubs Connect HTTP1.1", "connect", openStubs(http1, overConnect)},
	{"stubs Connect h2c", "connect", openStubs(h2c, overConnect)},
	{"stubs Connect TLS", "connect", openStubs(h2TLS, overConnect)},
	{"stubs Connect JSON HTTP1.1", "connect", openStubs(http1, overConnectJSON)},
	{"net http Connect JSON HTTP1.1", "connect", openPost(roundTrips(http1))},
	{"net http Connect JSON TLS", "connect", openPost(roundTrips(http1TLS))},
	{"net http REST HTTP1.1", "rest", openREST(roundTrips(http1))},
	{"net http REST h2c", "rest", openREST(roundTrips(h2c))},
	{"net http REST TLS", "rest", openREST(roundTrips(h2TLS))},
	{"curl REST plaintext", "rest", openREST(curls(plaintext))},
	{"curl REST TLS", "rest", openREST(curls(secure))},
	{"curl Connect JSON plaintext", "connect", openPost(curls(plaintext))},
	{"grpcurl plaintext", "grpc", openGRPCurl(plaintext)},
	{"grpcurl TLS", "grpc", openGRPCurl(secure)},
}

// security says how to speak to the port, which takes either.
type security int

const (
	plaintext security = iota
	secure
)

// target is the server as a client has to know it.
type target struct {
	addr     string // the same whatever is spoken
	rootFile string // what to trust, PEM-encoded
	roots    *x509.CertPool
}

func targetOf(t *testing.T, srv *mockserver.Server) target {
	t.Helper()
	file := filepath.Join(t.TempDir(), "root.pem")
	if err := os.WriteFile(file, srv.RootPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(srv.RootPEM()) {
		t.Fatal("the server's root is no certificate")
	}
	return target{addr: srv.Addr(), rootFile: file, roots: roots}
}

func (to target) tls() *tls.Config { return &tls.Config{RootCAs: to.roots} }

func (to target) url(s security) string {
	if s == secure {
		return "https://" + to.addr
	}
	return "http://" + to.addr
}
