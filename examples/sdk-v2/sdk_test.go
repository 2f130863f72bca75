package sdkv2_test

import (
	"context"
	"testing"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	ycsdk "github.com/yandex-cloud/go-sdk/v2"
	"github.com/yandex-cloud/go-sdk/v2/credentials"
	"github.com/yandex-cloud/go-sdk/v2/pkg/endpoints"
	sdkoperation "github.com/yandex-cloud/go-sdk/v2/pkg/operation"
	"github.com/yandex-cloud/go-sdk/v2/pkg/options"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/optest-dev/optest/mockserver"
)

// newSDK builds an SDK and owns it.
func newSDK(t *testing.T, opts ...options.Option) *ycsdk.SDK {
	t.Helper()
	sdk, err := ycsdk.Build(t.Context(), opts...)
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

// inPlaintext is how the SDK reaches a server without TLS: its discovery can't,
// so that the endpoints are given.
func inPlaintext(srv *mockserver.Server) []options.Option {
	here := endpoints.NewEndpointParams("passthrough:///"+srv.Addr(), endpoints.Plaintext())
	return []options.Option{
		options.WithCredentials(credentials.IAMToken("t1.static")),
		options.WithEndpointsResolver(endpoints.NewPrefixEndpointsResolver(endpoints.PrefixToEndpoint{"yandex.cloud": here})),
		options.WithCustomDialOptions(srv.DialOptions()...),
	}
}

// copyImage starts the operation that all tests here wait for.
func copyImage(ctx context.Context, sdk *ycsdk.SDK, desktop string) (*sdkoperation.Operation, error) {
	conn, err := sdk.GetConnection(ctx, "yandex.cloud.clouddesktop.v1.api.DesktopImageService.CopyFromDesktop")
	if err != nil {
		return nil, err
	}
	pb, err := clouddesktop.NewDesktopImageServiceClient(conn).CopyFromDesktop(ctx, &clouddesktop.CopyFromDesktopRequest{
		FolderId:  "folder-1",
		Name:      "golden",
		DesktopId: desktop,
		Labels:    map[string]string{"team": "build"},
	})
	if err != nil {
		return nil, err
	}
	return sdkoperation.NewOperation(pb, &sdkoperation.Concretization{
		Poll: func(ctx context.Context, id string, opts ...grpc.CallOption) (sdkoperation.YCOperation, error) {
			conn, err := sdk.GetConnection(ctx, "yandex.cloud.operation.OperationService.Get", opts...)
			if err != nil {
				return nil, err
			}
			return operation.NewOperationServiceClient(conn).Get(ctx, &operation.GetOperationRequest{OperationId: id}, opts...)
		},
		MetadataType: &clouddesktop.CopyFromDesktopMetadata{},
		ResponseType: &clouddesktop.DesktopImage{},
		GetResourceID: func(m proto.Message) string {
			return m.(*clouddesktop.CopyFromDesktopMetadata).GetImageId()
		},
	})
}

// getImage reads the image that an operation makes.
func getImage(ctx context.Context, sdk *ycsdk.SDK, id string) (*clouddesktop.DesktopImage, error) {
	conn, err := sdk.GetConnection(ctx, "yandex.cloud.clouddesktop.v1.api.DesktopImageService.Get")
	if err != nil {
		return nil, err
	}
	return clouddesktop.NewDesktopImageServiceClient(conn).Get(ctx, &clouddesktop.GetDesktopImageRequest{ImageId: id})
}

// count is how many calls of a method the server answered.
func count(calls []mockserver.Call, method string) int {
	n := 0
	for _, c := range calls {
		if c.Method == method {
			n++
		}
	}
	return n
}

const (
	getOperation  = "yandex.cloud.operation.OperationService/Get"
	createToken   = "yandex.cloud.iam.v1.IamTokenService/Create"
	listEndpoints = "yandex.cloud.endpoint.ApiEndpointService/List"
)
