package bare

import (
	"context"
	"errors"
	"net"
	"net/http"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/optest-dev/optest/mockserver/internal/wire"
)

// InMemory serves on the kind of pipe that the mock has in memory, and connects to it. Stop ends both and waits for the server.
func InMemory() (conn *grpc.ClientConn, stop func() error, err error) {
	server, err := NewServer()
	if err != nil {
		return nil, nil, err
	}
	pipe := wire.NewPipe()
	conn, err = grpc.NewClient("passthrough:///bare.invalid:80",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return pipe.Dial(ctx) }))
	if err != nil {
		return nil, nil, err
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(pipe) }()
	return conn, func() error {
		err := errors.Join(conn.Close(), server.Close())
		if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
			err = errors.Join(err, ended)
		}
		return err
	}, nil
}
