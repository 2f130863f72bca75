package drive

import (
	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// What the driver calls.
var (
	methodCreate = imageMethod("CopyFromDesktop")
	methodCopy   = imageMethod("Copy")
	methodUpdate = imageMethod("Update")
	methodDelete = imageMethod("Delete")
	methodImage  = imageMethod("Get")
	methodList   = imageMethod("List")
	methodGet    = operationMethod("Get")
	methodCancel = operationMethod("Cancel")
)

func imageMethod(name protoreflect.Name) protoreflect.MethodDescriptor {
	return clouddesktop.File_yandex_cloud_clouddesktop_v1_desktop_image_service_proto.Services().ByName("DesktopImageService").Methods().ByName(name)
}

func operationMethod(name protoreflect.Name) protoreflect.MethodDescriptor {
	return operation.File_yandex_cloud_operation_operation_service_proto.Services().ByName("OperationService").Methods().ByName(name)
}

// makes reports whether a call of the method makes an image.
func makes(m protoreflect.MethodDescriptor) bool { return m == methodCreate || m == methodCopy }
