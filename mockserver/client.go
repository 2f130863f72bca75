package mockserver

import (
	"context"
	"net"
	"net/http"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// GRPC is a connection to the server, in plaintext and shared by all callers.
// The server closes it.
func (s *Server) GRPC() *grpc.ClientConn {
	s.clients.Lock()
	defer s.clients.Unlock()
	if s.grpcConn == nil {
		conn, err := grpc.NewClient("passthrough:///"+s.Addr(), s.DialOptions()...)
		if err != nil {
			// The target and the options above are constant.
			panic(err)
		}
		s.grpcConn = conn
	}
	return s.grpcConn
}

// DialOptions is how grpc.NewClient reaches the server with any target, in
// memory too. Use it for connections with interceptors or options of your own.
func (s *Server) DialOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return s.front.dial(ctx) }),
	}
}

// Client is an HTTP client that reaches the server whatever the host in the
// URL: over HTTP/2 in plaintext, for gRPC, gRPC-Web, Connect and REST. The
// server closes its connections.
func (s *Server) Client() *http.Client {
	s.clients.Lock()
	defer s.clients.Unlock()
	if s.transport == nil {
		protocols := new(http.Protocols)
		protocols.SetUnencryptedHTTP2(true)
		s.transport = &http.Transport{
			Protocols:   protocols,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return s.front.dial(ctx) },
		}
	}
	return &http.Client{Transport: s.transport}
}

func (s *Server) closeClients() {
	s.clients.Lock()
	defer s.clients.Unlock()
	if s.grpcConn != nil {
		_ = s.grpcConn.Close() // it only says that it is closed already
	}
	if s.transport != nil {
		s.transport.CloseIdleConnections()
	}
}
