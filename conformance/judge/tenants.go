package judge

import (
	"context"
	"sync"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/optest-dev/optest/conformance/judge/honest"
)

// tenants has every second client be of another tenant, and hides from each what is
// the other's. They share an address, and their tokens are in no trace.
func tenants(c *honest.Core) {
	var mu sync.Mutex
	owners := map[string]bool{} // of operations and images
	known := func(id string, owner, claim bool) bool {
		mu.Lock()
		defer mu.Unlock()
		of, ok := owners[id]
		if !ok && claim {
			owners[id] = owner
		}
		return !ok || of == owner
	}
	c.Wrap(func(next honest.Handler) honest.Handler {
		return func(ctx context.Context, call *honest.Call) (proto.Message, error) {
			name := call.Header(clientHeader)
			owner := name == "" || (name[len(name)-1]-'0')%2 == 0
			for _, id := range idsOf(call.Request) {
				if !known(id, owner, false) {
					return nil, status.Errorf(codes.NotFound, "There is no resource %q", id)
				}
			}
			answer, err := next(ctx, call)
			if op, ok := answer.(*operation.Operation); ok && err == nil {
				known(op.GetId(), owner, true)
				if meta, err := op.GetMetadata().UnmarshalNew(); err == nil {
					for _, id := range idsOf(meta) {
						known(id, owner, true)
					}
				}
			}
			return answer, err
		}
	})
}

// idsOf are the operation and the image that a message names.
func idsOf(m proto.Message) []string {
	var ids []string
	if r, ok := m.(interface{ GetOperationId() string }); ok {
		ids = append(ids, r.GetOperationId())
	}
	if r, ok := m.(interface{ GetImageId() string }); ok {
		ids = append(ids, r.GetImageId())
	}
	return ids
}
