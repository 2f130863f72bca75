package zoo

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/optest-dev/optest/conformance/judge/honest"
)

// forbids does not tell what does not exist from what the caller must not see.
func forbids(c *honest.Core) {
	c.Wrap(func(next honest.Handler) honest.Handler {
		return func(ctx context.Context, call *honest.Call) (proto.Message, error) {
			answer, err := next(ctx, call)
			if status.Code(err) == codes.NotFound {
				return nil, status.Error(codes.PermissionDenied, "Permission denied, or there is no such resource")
			}
			return answer, err
		}
	})
}
