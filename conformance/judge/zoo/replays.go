package zoo

import (
	"context"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/optest-dev/optest/conformance/judge/honest"
)

// replays takes any text for a key, and looks at it before all else: whatever else
// the request says, a key that was there before is answered with its operation as
// it is now.
func replays(c *honest.Core) {
	c.KeyOf = func(call *honest.Call) (string, error) {
		key := call.Header("idempotency-key")
		if key == "" {
			return "", nil
		}
		return call.Method + " " + strings.ToLower(key), nil
	}
	c.Wrap(func(next honest.Handler) honest.Handler {
		return func(ctx context.Context, call *honest.Call) (proto.Message, error) {
			if op, ok := c.Replayed(call); ok {
				return op, nil
			}
			return next(ctx, call)
		}
	})
}
