package zoo

import (
	"context"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/optest-dev/optest/conformance/judge/honest"
)

// stalls has some calls wait for seconds, half of them before and half after they
// have taken effect. A deadline ends the wait.
func stalls(c *honest.Core) {
	const (
		stall  = 5 * time.Second
		seldom = 19
	)
	var calls atomic.Int64
	wait := func(ctx context.Context) error {
		timer := time.NewTimer(stall)
		defer timer.Stop()
		select {
		case <-timer.C:
			return nil
		case <-ctx.Done():
			return status.FromContextError(ctx.Err()).Err()
		}
	}
	c.Wrap(func(next honest.Handler) honest.Handler {
		return func(ctx context.Context, call *honest.Call) (proto.Message, error) {
			n := calls.Add(1)
			if n%(2*seldom) == 0 {
				if err := wait(ctx); err != nil {
					return nil, err
				}
			}
			answer, err := next(ctx, call)
			if n%(2*seldom) == seldom {
				if err := wait(ctx); err != nil {
					return nil, err
				}
			}
			return answer, err
		}
	})
}
