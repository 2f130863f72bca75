package bake

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// callTimeout bounds one poll, so that an answer that never comes is asked for
// again.
const callTimeout = 30 * time.Second

// wait polls until the operation is done, an early error included: while `error`
// is set and `done` is not, the service is still returning to the state before.
// It goes on over failures of single polls and gives up with ctx.
func wait(ctx context.Context, operations operation.OperationServiceClient, op *operation.Operation) (*operation.Operation, error) {
	for pace := firstPause; !op.GetDone(); {
		if err := pace.sleep(ctx); err != nil {
			return nil, abandoned(op, err)
		}
		next, hint, err := poll(ctx, operations, op.GetId())
		switch {
		case err == nil:
			op = next
		case ctx.Err() != nil:
			return nil, abandoned(op, ctx.Err())
		case !passes(err):
			return nil, fmt.Errorf("reading operation %q: %w", op.GetId(), err)
		}
		if pace = pace.next(); hint > 0 {
			pace = hint
		}
	}
	return op, nil
}

// poll reads the operation once and, where the service says so, when to come
// back.
func poll(ctx context.Context, operations operation.OperationServiceClient, id string) (*operation.Operation, pause, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var header metadata.MD
	op, err := operations.Get(ctx, &operation.GetOperationRequest{OperationId: id}, grpc.Header(&header))
	if err != nil {
		return nil, 0, err
	}
	if op.GetId() != id {
		return nil, 0, fmt.Errorf("the answer is about operation %q", op.GetId())
	}
	return op, hinted(header), nil
}

// passes reports whether a failed poll says nothing about the operation.
func passes(err error) bool {
	switch status.Code(err) {
	case codes.Unavailable, codes.ResourceExhausted, codes.DeadlineExceeded:
		return true
	}
	return false
}

// abandoned says what goes on without the caller.
func abandoned(op *operation.Operation, err error) error {
	if op.GetError() != nil {
		return fmt.Errorf("operation %q failed and is being rolled back: %w", op.GetId(),
			errors.Join(err, status.ErrorProto(op.GetError())))
	}
	return fmt.Errorf("operation %q goes on: %w", op.GetId(), err)
}

// pause is the time between two attempts.
type pause time.Duration

const (
	firstPause = pause(time.Second)
	lastPause  = pause(10 * time.Minute)
)

// next is twice as long, up to a bound.
func (p pause) next() pause { return min(2*p, lastPause) }

func (p pause) sleep(ctx context.Context) error {
	timer := time.NewTimer(time.Duration(p))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// hinted is the pause that the service asks for, within bounds, and 0 where it
// asks for none that makes sense.
func hinted(header metadata.MD) pause {
	values := header.Get("x-operation-poll-interval")
	if len(values) == 0 {
		return 0
	}
	seconds, err := strconv.Atoi(values[0])
	if err != nil || seconds <= 0 {
		return 0
	}
	return min(pause(min(seconds, 3600))*pause(time.Second), lastPause)
}
