package honest

import (
	"context"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/proto"
)

// Methods by their full names.
const (
	MethodCreate = "yandex.cloud.clouddesktop.v1.api.DesktopImageService/CopyFromDesktop"
	MethodCopy   = "yandex.cloud.clouddesktop.v1.api.DesktopImageService/Copy"
	MethodUpdate = "yandex.cloud.clouddesktop.v1.api.DesktopImageService/Update"
	MethodDelete = "yandex.cloud.clouddesktop.v1.api.DesktopImageService/Delete"
	MethodImage  = "yandex.cloud.clouddesktop.v1.api.DesktopImageService/Get"
	MethodList   = "yandex.cloud.clouddesktop.v1.api.DesktopImageService/List"
	MethodGet    = "yandex.cloud.operation.OperationService/Get"
	MethodCancel = "yandex.cloud.operation.OperationService/Cancel"
)

// requests makes an empty request of each method.
var requests = map[string]func() proto.Message{
	MethodCreate: func() proto.Message { return new(clouddesktop.CopyFromDesktopRequest) },
	MethodCopy:   func() proto.Message { return new(clouddesktop.CopyDesktopImageRequest) },
	MethodUpdate: func() proto.Message { return new(clouddesktop.UpdateDesktopImageRequest) },
	MethodDelete: func() proto.Message { return new(clouddesktop.DeleteDesktopImageRequest) },
	MethodImage:  func() proto.Message { return new(clouddesktop.GetDesktopImageRequest) },
	MethodList:   func() proto.Message { return new(clouddesktop.ListDesktopImagesRequest) },
	MethodGet:    func() proto.Message { return new(operation.GetOperationRequest) },
	MethodCancel: func() proto.Message { return new(operation.CancelOperationRequest) },
}

// Call is one request, whatever protocol it came over.
type Call struct {
	Method  string
	Request proto.Message
	// Header is a field of the request's header, empty without one.
	Header func(name string) string
	// Conn tells connections apart.
	Conn int64
	// Reply are fields for the response's header.
	Reply map[string]string
}

// Handler answers calls. Its errors are those of grpc-go's package status. It is
// safe for concurrent use, and what it returns is the caller's.
type Handler func(context.Context, *Call) (proto.Message, error)

// starts reports whether the method starts an operation.
func (c *Call) starts() bool {
	switch c.Method {
	case MethodCreate, MethodCopy, MethodUpdate, MethodDelete:
		return true
	}
	return false
}
