package sdkv0_test

import (
	"context"
	"testing"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	ycsdk "github.com/yandex-cloud/go-sdk"
	"github.com/yandex-cloud/go-sdk/operation"
	"google.golang.org/grpc"

	"github.com/optest-dev/optest/mockserver"
)

// newSDK builds an SDK that knows no more of the mock than its address. In
// memory there is no address to dial, so that dial options are needed as well.
func newSDK(t *testing.T, srv *mockserver.Server, credentials ycsdk.Credentials, dial ...grpc.DialOption) *ycsdk.SDK {
	t.Helper()
	sdk, err := ycsdk.Build(t.Context(), ycsdk.Config{
		Credentials: credentials,
		Endpoint:    srv.Addr(),
		Plaintext:   true,
	}, dial...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// The test's own context is over by now.
		if err := sdk.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return sdk
}

// copyImage starts the operation that all tests here wait for.
func copyImage(ctx context.Context, sdk *ycsdk.SDK, desktop string) (*operation.Operation, error) {
	return sdk.WrapOperation(sdk.CloudDesktop().DesktopImage().CopyFromDesktop(ctx, &clouddesktop.CopyFromDesktopRequest{
		FolderId:  "folder-1",
		Name:      "golden",
		DesktopId: desktop,
		Labels:    map[string]string{"team": "build"},
	}))
}

// imageOf is the id of the image that the operation makes.
func imageOf(t *testing.T, op *operation.Operation) string {
	t.Helper()
	metadata, err := op.Metadata()
	if err != nil {
		t.Fatal(err)
	}
	m, ok := metadata.(*clouddesktop.CopyFromDesktopMetadata)
	if !ok {
		t.Fatalf("metadata is %T, want *clouddesktop.CopyFromDesktopMetadata", metadata)
	}
	return m.GetImageId()
}

// count is how many calls of a method the server answered.
func count(srv *mockserver.Server, method string) int {
	n := 0
	for _, c := range srv.Calls() {
		if c.Method == method {
			n++
		}
	}
	return n
}

const (
	getOperation    = "yandex.cloud.operation.OperationService/Get"
	cancelOperation = "yandex.cloud.operation.OperationService/Cancel"
	createToken     = "yandex.cloud.iam.v1.IamTokenService/Create"
	listEndpoints   = "yandex.cloud.endpoint.ApiEndpointService/List"
)
