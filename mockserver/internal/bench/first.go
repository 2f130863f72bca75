package main

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/optest-dev/optest/mockserver"
	"github.com/optest-dev/optest/mockserver/internal/bench/bare"
)

// firstAnswer is how long a test waits for a server in memory and its first answer.
func firstAnswer(ctx context.Context, s scale) ([]row, error) {
	pairs, err := inTest(ctx, "first", s)
	if err != nil {
		return nil, err
	}
	how := fmt.Sprintf("mockserver.New(t), Play and the answer to CopyFromDesktop through GRPC(), against a Connect server and a grpc-go "+
		"client on the same kind of pipe; %s of each in turns, closing not counted.", grouped(s.Memory))
	return []row{ratio("New(t) and first RPC in memory", "µs", pairs, &want{atMost, 1.2}, how)}, nil
}

func firstInTest(t *testing.T, s scale) ([]pair, error) {
	ownTest := func(first func(t *testing.T) (float64, error)) func() (float64, error) {
		return func() (took float64, err error) {
			t.Run("first", func(t *testing.T) { took, err = first(t) })
			return took, err
		}
	}
	mock, bare := ownTest(firstOfMock), ownTest(firstOfBare)
	// The first of each makes what the process makes once.
	if _, err := inTurns(t.Context(), 2, mock, bare); err != nil {
		return nil, err
	}
	singles, err := inTurns(t.Context(), s.Memory, mock, bare)
	if err != nil {
		return nil, err
	}
	return roundsOf(10, singles), nil
}

func firstOfMock(t *testing.T) (float64, error) {
	began := time.Now()
	server := mockserver.New(t)
	server.Play(scripted())
	err := create(t.Context(), server.GRPC())
	return microseconds(began), err
}

func firstOfBare(t *testing.T) (float64, error) {
	began := time.Now()
	conn, stop, err := bare.InMemory()
	if err != nil {
		return 0, err
	}
	err = create(t.Context(), conn)
	took := microseconds(began)
	return took, errors.Join(err, stop())
}

func microseconds(since time.Time) float64 {
	return float64(time.Since(since)) / float64(time.Microsecond)
}
