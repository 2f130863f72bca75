package clients_test

import (
	"context"
	"testing"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// grpcClient is go-genproto's clients on grpc-go.
type grpcClient struct {
	images     clouddesktop.DesktopImageServiceClient
	operations operation.OperationServiceClient
}

func openGRPC(s security) func(*testing.T, target) client {
	return func(t *testing.T, to target) client {
		t.Helper()
		creds := insecure.NewCredentials()
		if s == secure {
			creds = credentials.NewTLS(to.tls())
		}
		conn, err := grpc.NewClient(to.addr, grpc.WithTransportCredentials(creds))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { closed(t, conn) })
		return grpcClient{clouddesktop.NewDesktopImageServiceClient(conn), operation.NewOperationServiceClient(conn)}
	}
}

func (c grpcClient) copyFromDesktop(ctx context.Context, desktop string) (*operation.Operation, error) {
	return c.images.CopyFromDesktop(ctx, &clouddesktop.CopyFromDesktopRequest{Name: "golden", DesktopId: desktop})
}

func (c grpcClient) getOperation(ctx context.Context, id string) (*operation.Operation, error) {
	return c.operations.Get(ctx, &operation.GetOperationRequest{OperationId: id})
}

func (c grpcClient) cancelOperation(ctx context.Context, id string) (*operation.Operation, error) {
	return c.operations.Cancel(ctx, &operation.CancelOperationRequest{OperationId: id})
}

func (c grpcClient) getImage(ctx context.Context, id string) (*clouddesktop.DesktopImage, error) {
	return c.images.Get(ctx, &clouddesktop.GetDesktopImageRequest{ImageId: id})
}

func closed(t *testing.T, conn *grpc.ClientConn) {
	t.Helper()
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
}
