package exampleserver

import (
	"context"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/test/bufconn"
)

// InMemory serves without a port, until stop.
func (s *Server) InMemory() (dial func(context.Context) (net.Conn, error), stop func()) {
	const buffer = 64 << 10 // bytes
	listener := bufconn.Listen(buffer)
	server := grpc.NewServer()
	s.Register(server)
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener) // ends with stop
	}()
	return listener.DialContext, func() {
		server.Stop()
		<-served
	}
}
