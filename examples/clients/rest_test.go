package clients_test

import (
	"context"
	"net/http"
	"net/url"
	"testing"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// restClient calls the published paths.
type restClient struct{ exchange }

func openREST(open func(*testing.T, target) exchange) func(*testing.T, target) client {
	return func(t *testing.T, to target) client {
		t.Helper()
		return restClient{open(t, to)}
	}
}

func (c restClient) copyFromDesktop(ctx context.Context, desktop string) (*operation.Operation, error) {
	body, err := protojson.Marshal(&clouddesktop.CopyFromDesktopRequest{Name: "golden", DesktopId: desktop})
	if err != nil {
		return nil, err
	}
	op := &operation.Operation{}
	return op, c.call(ctx, http.MethodPost, "/cloud-desktop/v1/images:copyFromDesktop", body, op)
}

func (c restClient) getOperation(ctx context.Context, id string) (*operation.Operation, error) {
	op := &operation.Operation{}
	return op, c.call(ctx, http.MethodGet, "/operations/"+url.PathEscape(id), nil, op)
}

func (c restClient) cancelOperation(ctx context.Context, id string) (*operation.Operation, error) {
	op := &operation.Operation{}
	return op, c.call(ctx, http.MethodGet, "/operations/"+url.PathEscape(id)+":cancel", nil, op)
}

func (c restClient) getImage(ctx context.Context, id string) (*clouddesktop.DesktopImage, error) {
	image := &clouddesktop.DesktopImage{}
	return image, c.call(ctx, http.MethodGet, "/cloud-desktop/v1/images/"+url.PathEscape(id), nil, image)
}

func (c restClient) call(ctx context.Context, method, path string, body []byte, into proto.Message) error {
	code, answer, err := c.exchange(ctx, method, path, body)
	switch {
	case err != nil:
		return err
	case code != http.StatusOK:
		return restError(answer)
	}
	return protojson.Unmarshal(answer, into)
}
