package clients_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/optest-dev/optest/proto/gen/yandex/cloud/clouddesktop/v1/clouddesktopconnect"
	"github.com/optest-dev/optest/proto/gen/yandex/cloud/operation/operationconnect"
)

// jsonClient calls procedures with JSON both ways.
type jsonClient struct {
	// invoke calls /package.Service/Method.
	invoke func(ctx context.Context, procedure string, request []byte) (answer []byte, err error)
}

// openPost is the Connect protocol as a person would type it: a POST of JSON,
// no header but the content type.
func openPost(open func(*testing.T, target) exchange) func(*testing.T, target) client {
	return func(t *testing.T, to target) client {
		t.Helper()
		post := open(t, to)
		return jsonClient{func(ctx context.Context, procedure string, request []byte) ([]byte, error) {
			code, answer, err := post(ctx, http.MethodPost, procedure, request)
			if err == nil && code != http.StatusOK {
				err = connectError(answer)
			}
			return answer, err
		}}
	}
}

func (c jsonClient) copyFromDesktop(ctx context.Context, desktop string) (*operation.Operation, error) {
	op := &operation.Operation{}
	return op, c.call(ctx, clouddesktopconnect.DesktopImageServiceCopyFromDesktopProcedure,
		&clouddesktop.CopyFromDesktopRequest{Name: "golden", DesktopId: desktop}, op)
}

func (c jsonClient) getOperation(ctx context.Context, id string) (*operation.Operation, error) {
	op := &operation.Operation{}
	return op, c.call(ctx, operationconnect.OperationServiceGetProcedure,
		&operation.GetOperationRequest{OperationId: id}, op)
}

func (c jsonClient) cancelOperation(ctx context.Context, id string) (*operation.Operation, error) {
	op := &operation.Operation{}
	return op, c.call(ctx, operationconnect.OperationServiceCancelProcedure,
		&operation.CancelOperationRequest{OperationId: id}, op)
}

func (c jsonClient) getImage(ctx context.Context, id string) (*clouddesktop.DesktopImage, error) {
	image := &clouddesktop.DesktopImage{}
	return image, c.call(ctx, clouddesktopconnect.DesktopImageServiceGetProcedure,
		&clouddesktop.GetDesktopImageRequest{ImageId: id}, image)
}

func (c jsonClient) call(ctx context.Context, procedure string, request, into proto.Message) error {
	body, err := protojson.Marshal(request)
	if err != nil {
		return err
	}
	answer, err := c.invoke(ctx, procedure, body)
	if err != nil {
		return err
	}
	return protojson.Unmarshal(answer, into)
}
