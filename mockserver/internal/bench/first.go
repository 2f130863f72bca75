package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/optest-dev/optest/mockserver"
	"github.com/optest-dev/optest/mockserver/internal/bench/bare"
	"github.com/optest-dev/optest/mockserver/internal/wire"
)

// firstAnswer is how long a test waits for a server in memory and its first answer.
func firstAnswer(ctx context.Context, s scale) ([]row, error) {
	pairs, err := inTest(ctx, "first", s)
	if err != nil {
		return nil, err
	}
	how := fmt.Sprintf("mockserver.New(t), Play and the answer to CopyFromDesktop through GRPC(), against a Connect server and a grpc-go "+
		"client on the same kind of pipe; %d of each in turns, closing not counted.", s.Memory)
	return []row{ratio("New(t) and first RPC in memory", "µs", pairs, &want{atMost, 1.2}, how)}, nil
}

func firstInTest(t *testing.T, s scale) ([]pair, error) {
	mock := meanOf(serversPerRound, func() (took float64, err error) {
		t.Run("mock", func(t *testing.T) { took, err = firstOfMock(t) })
		return took, err
	})
	bare := meanOf(serversPerRound, func() (float64, error) { return firstOfBare(t.Context()) })
	// The first of each makes what the process makes once.
	if _, err := inTurns(t.Context(), 2, mock, bare); err != nil {
		return nil, err
	}
	return inTurns(t.Context(), s.Memory/serversPerRound, mock, bare)
}

// serversPerRound makes a round long enough for each to have its share of the collector's work.
const serversPerRound = 10

func meanOf(n int, figure func() (float64, error)) func() (float64, error) {
	return func() (float64, error) {
		sum := 0.0
		for range n {
			one, err := figure()
			if err != nil {
				return 0, err
			}
			sum += one
		}
		return sum / float64(n), nil
	}
}

func firstOfMock(t *testing.T) (float64, error) {
	began := time.Now()
	server := mockserver.New(t)
	server.Play(scripted())
	err := create(t.Context(), server.GRPC())
	return microseconds(began), err
}

func firstOfBare(ctx context.Context) (took float64, err error) {
	began := time.Now()
	conn, stop, err := bareInMemory()
	if err != nil {
		return 0, err
	}
	err = create(ctx, conn)
	took = microseconds(began)
	return took, errors.Join(err, stop())
}

func microseconds(since time.Time) float64 {
	return float64(time.Since(since)) / float64(time.Microsecond)
}

// bareInMemory serves package bare on the pipe that the mock has in memory, too.
func bareInMemory() (*grpc.ClientConn, func() error, error) {
	server, err := bare.NewServer()
	if err != nil {
		return nil, nil, err
	}
	pipe := wire.NewPipe()
	go func() { _ = server.Serve(pipe) }() // until Close
	conn, err := grpc.NewClient("passthrough:///bare.invalid:80",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return pipe.Dial(ctx) }))
	if err != nil {
		return nil, nil, errors.Join(err, server.Close())
	}
	return conn, func() error { return errors.Join(conn.Close(), server.Close()) }, nil
}
