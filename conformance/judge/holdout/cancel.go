package holdout

import (
	"context"
	"sync"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/proto"

	"github.com/optest-dev/optest/conformance/judge/honest"
)

func cancelHidesFailures(c *honest.Core) {
	var mu sync.Mutex
	cancelled := map[string]bool{}
	c.Edit(func(call *honest.Call, answer proto.Message) {
		op, ok := answer.(*operation.Operation)
		if !ok {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		failing := op.GetError() != nil && !op.GetDone()
		if call.Method == honest.MethodCancel && failing {
			cancelled[op.GetId()] = true
		}
		if failing && cancelled[op.GetId()] {
			op.Result = nil
		}
	})
}

// caches keeps what a connection was told of an operation.
func caches(c *honest.Core) {
	type key struct {
		conn int64
		id   string
	}
	var mu sync.Mutex
	known := map[key]cached{}
	c.Wrap(func(next honest.Handler) honest.Handler {
		return func(ctx context.Context, call *honest.Call) (proto.Message, error) {
			if call.Method != honest.MethodGet {
				return next(ctx, call)
			}
			k := key{call.Conn, call.Request.(*operation.GetOperationRequest).GetOperationId()}
			mu.Lock()
			defer mu.Unlock()
			if old, ok := known[k]; ok && old.fresh() {
				return proto.Clone(old.answer), nil
			}
			answer, err := next(ctx, call)
			if err == nil {
				known[k] = newCached(proto.Clone(answer))
			}
			return answer, err
		}
	})
}
