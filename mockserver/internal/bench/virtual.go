package main

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"

	"github.com/optest-dev/optest/mockserver"
	"github.com/optest-dev/optest/mockserver/internal/bench/bare"
)

const pollEvery = 10 * time.Minute

// virtualTime is how many hours of one operation, polled every ten minutes, pass in a second.
func virtualTime(ctx context.Context, s scale) ([]row, error) {
	pairs, err := inTest(ctx, "virtual", s)
	if err != nil {
		return nil, err
	}
	how := fmt.Sprintf("In a synctest bubble one grpc-go client polls one operation every ten minutes for %s hours, in memory, from "+
		"mockserver.New(t) to the end of the bubble; baseline: the same of a Connect server on the same kind of pipe.", grouped(s.Hours))
	return []row{figure("virtual time", "h/s", pairs, &want{atLeast, 500}, how)}, nil
}

func virtualInTest(t *testing.T, s scale) ([]pair, error) {
	hours := func(serve func(*testing.T) (*grpc.ClientConn, error)) func() (float64, error) {
		return func() (perSecond float64, err error) {
			// Inside the bubble the clock does not tell how long it took.
			began := time.Now()
			synctest.Test(t, func(t *testing.T) { err = pollFor(t, s.Hours, serve) })
			return float64(s.Hours) / time.Since(began).Seconds(), err
		}
	}
	return inTurns(t.Context(), min(s.Rounds, 7), hours(mockInBubble), hours(bareInBubble))
}

func mockInBubble(t *testing.T) (*grpc.ClientConn, error) {
	server := mockserver.New(t)
	server.Play(scripted())
	return server.GRPC(), nil
}

func bareInBubble(t *testing.T) (*grpc.ClientConn, error) {
	conn, stop, err := bare.InMemory()
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return conn, nil
}

func pollFor(t *testing.T, hours int, serve func(*testing.T) (*grpc.ClientConn, error)) error {
	conn, err := serve(t)
	if err != nil {
		return err
	}
	id, err := started(t.Context(), conn)
	if err != nil {
		return err
	}
	poll := get(id)
	for range time.Duration(hours) * time.Hour / pollEvery {
		time.Sleep(pollEvery)
		if err := poll(t.Context(), conn); err != nil {
			return err
		}
	}
	return nil
}
