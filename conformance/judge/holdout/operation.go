package holdout

import (
	"context"
	"strings"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/optest-dev/optest/conformance/judge/honest"
)

func deletesWithoutResult(c *honest.Core) {
	c.EditOperations(func(op *operation.Operation) {
		if op.GetMetadata().MessageIs(&clouddesktop.DeleteDesktopImageMetadata{}) && op.GetResponse() != nil {
			op.Result = nil
		}
	})
}

func updatesAnswerMetadata(c *honest.Core) {
	c.EditOperations(func(op *operation.Operation) {
		if op.GetMetadata().MessageIs(&clouddesktop.UpdateDesktopImageMetadata{}) && op.GetResponse() != nil {
			op.Result = &operation.Operation_Response{Response: op.GetMetadata()}
		}
	})
}

// hidden has reads of operations miss those that the function holds for.
func hidden(c *honest.Core, is func(*operation.Operation) bool) {
	c.Wrap(func(next honest.Handler) honest.Handler {
		return func(ctx context.Context, call *honest.Call) (proto.Message, error) {
			answer, err := next(ctx, call)
			if op, ok := answer.(*operation.Operation); ok && err == nil && call.Method == honest.MethodGet && is(op) {
				return nil, status.Errorf(codes.NotFound, "There is no operation %q", op.GetId())
			}
			return answer, err
		}
	})
}

func findsLate(c *honest.Core) {
	hidden(c, func(op *operation.Operation) bool { return time.Since(op.GetCreatedAt().AsTime()) < 10*time.Second })
}

func forgets(c *honest.Core) {
	hidden(c, func(op *operation.Operation) bool {
		return op.GetDone() && time.Since(op.GetModifiedAt().AsTime()) > time.Minute
	})
}

func cancelsInMilliseconds(c *honest.Core) {
	c.EditOperations(func(op *operation.Operation) {
		if op.GetDone() && op.GetError().GetCode() == int32(code.Code_CANCELLED) {
			op.GetModifiedAt().Seconds *= 1000
		}
	})
}

func cancelPretends(c *honest.Core) {
	c.Edit(func(call *honest.Call, answer proto.Message) {
		if op, ok := answer.(*operation.Operation); ok && call.Method == honest.MethodCancel && op.GetResponse() != nil {
			op.Result = &operation.Operation_Error{Error: status.New(codes.Canceled, "The operation was cancelled").Proto()}
		}
	})
}

func trimsIDs(c *honest.Core) {
	c.Wrap(func(next honest.Handler) honest.Handler {
		return func(ctx context.Context, call *honest.Call) (proto.Message, error) {
			if r, ok := call.Request.(*operation.GetOperationRequest); ok {
				r.OperationId = strings.TrimSpace(r.GetOperationId())
			}
			return next(ctx, call)
		}
	})
}
