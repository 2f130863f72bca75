package clients_test

import (
	"context"
	"testing"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"

	"github.com/optest-dev/optest/proto/gen/yandex/cloud/clouddesktop/v1/clouddesktopconnect"
	"github.com/optest-dev/optest/proto/gen/yandex/cloud/operation/operationconnect"
)

// stubs is the generated Connect clients.
type stubs struct {
	images     clouddesktopconnect.DesktopImageServiceClient
	operations operationconnect.OperationServiceClient
}

// The protocols that the generated clients speak.
var (
	overConnect     []connecthttp.Option
	overConnectJSON = []connecthttp.Option{connecthttp.WithProtoJSON()}
	overGRPC        = []connecthttp.Option{connecthttp.WithGRPC()}
	overGRPCWeb     = []connecthttp.Option{connecthttp.WithGRPCWeb()}
)

func openStubs(v version, protocol []connecthttp.Option) func(*testing.T, target) client {
	return func(t *testing.T, to target) client {
		t.Helper()
		c := connect.NewClient(connecthttp.NewTransport(httpClient(t, to, v), to.url(v.security()), protocol...))
		return stubs{clouddesktopconnect.NewDesktopImageServiceClient(c), operationconnect.NewOperationServiceClient(c)}
	}
}

func (c stubs) copyFromDesktop(ctx context.Context, desktop string) (*operation.Operation, error) {
	op, err := c.images.CopyFromDesktop(ctx, &clouddesktop.CopyFromDesktopRequest{Name: "golden", DesktopId: desktop})
	return op, stubError(err)
}

func (c stubs) getOperation(ctx context.Context, id string) (*operation.Operation, error) {
	op, err := c.operations.Get(ctx, &operation.GetOperationRequest{OperationId: id})
	return op, stubError(err)
}

func (c stubs) cancelOperation(ctx context.Context, id string) (*operation.Operation, error) {
	op, err := c.operations.Cancel(ctx, &operation.CancelOperationRequest{OperationId: id})
	return op, stubError(err)
}

func (c stubs) getImage(ctx context.Context, id string) (*clouddesktop.DesktopImage, error) {
	image, err := c.images.Get(ctx, &clouddesktop.GetDesktopImageRequest{ImageId: id})
	return image, stubError(err)
}
