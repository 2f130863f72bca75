package honest

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// Bounds of the request's fields, in characters and members.
const (
	mostText        = 50
	mostDescription = 1024
	mostLabels      = 64
	mostPage        = 1000
	mostToken       = 100
	mostFilter      = 1000
)

var (
	labelKey   = regexp.MustCompile(`^[a-z][-_0-9a-z]{0,62}$`)
	labelValue = regexp.MustCompile(`^[-_0-9a-z]{0,63}$`)
	uuid       = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
)

// faults are what is wrong with a request.
type faults []*errdetails.BadRequest_FieldViolation

func (f *faults) add(field, format string, args ...any) {
	*f = append(*f, &errdetails.BadRequest_FieldViolation{Field: field, Description: fmt.Sprintf(format, args...)})
}

func (f *faults) required(field, value string) {
	if value == "" {
		f.add(field, "%s is required", field)
	}
}

func (f *faults) text(field, value string, most int) {
	if n := utf8.RuneCountInString(value); n > most {
		f.add(field, "%s has %d characters, at most %d are allowed", field, n, most)
	}
}

func (f *faults) labels(labels map[string]string) {
	if len(labels) > mostLabels {
		f.add("labels", "%d labels, at most %d are allowed", len(labels), mostLabels)
		return
	}
	for key, value := range labels {
		if !labelKey.MatchString(key) {
			f.add("labels", "a key does not match %s", labelKey)
		}
		if !labelValue.MatchString(value) {
			f.add("labels", "a value does not match %s", labelValue)
		}
	}
}

// check is nil for a valid request.
func check(request proto.Message) error {
	var f faults
	switch r := request.(type) {
	case *clouddesktop.CopyFromDesktopRequest:
		f.required("desktop_id", r.GetDesktopId())
		f.text("desktop_id", r.GetDesktopId(), mostText)
		f.text("folder_id", r.GetFolderId(), mostText)
		f.text("name", r.GetName(), mostText)
		f.text("description", r.GetDescription(), mostDescription)
		f.labels(r.GetLabels())
	case *clouddesktop.CopyDesktopImageRequest:
		for _, field := range []struct{ name, value string }{{"folder_id", r.GetFolderId()}, {"name", r.GetName()}, {"image_id", r.GetImageId()}} {
			f.required(field.name, field.value)
			f.text(field.name, field.value, mostText)
		}
		f.text("description", r.GetDescription(), mostDescription)
		f.labels(r.GetLabels())
	case *clouddesktop.UpdateDesktopImageRequest:
		f.required("image_id", r.GetImageId())
		f.text("name", r.GetName(), mostText)
		f.text("description", r.GetDescription(), mostDescription)
		f.labels(r.GetLabels())
		for _, path := range r.GetUpdateMask().GetPaths() {
			if path != "name" && path != "labels" && path != "description" {
				f.add("update_mask", "there is no field %q to update", path)
			}
		}
	case *clouddesktop.DeleteDesktopImageRequest:
		f.required("image_id", r.GetImageId())
	case *clouddesktop.GetDesktopImageRequest:
		f.required("image_id", r.GetImageId())
	case *clouddesktop.ListDesktopImagesRequest:
		f.required("folder_id", r.GetFolderId())
		f.text("folder_id", r.GetFolderId(), mostText)
		f.text("page_token", r.GetPageToken(), mostToken)
		f.text("filter", r.GetFilter(), mostFilter)
		f.text("order_by", r.GetOrderBy(), mostToken)
		if n := r.GetPageSize(); n < 0 || n > mostPage {
			f.add("page_size", "%d is not between 0 and %d", n, mostPage)
		}
	case *operation.GetOperationRequest:
		f.required("operation_id", r.GetOperationId())
	case *operation.CancelOperationRequest:
		f.required("operation_id", r.GetOperationId())
	}
	if len(f) == 0 {
		return nil
	}
	return invalid(f[0].GetDescription(), f)
}

func invalid(message string, f faults) error {
	st := status.New(codes.InvalidArgument, "The request is invalid: "+message)
	if detailed, err := st.WithDetails(&errdetails.BadRequest{FieldViolations: f}); err == nil {
		return detailed.Err()
	}
	return st.Err()
}

// UUIDKey is a key for one method, and the same in capitals. It has to be a UUID.
func UUIDKey(call *Call) (string, error) {
	key := strings.ToLower(call.Header("idempotency-key"))
	if key == "" {
		return "", nil
	}
	if !uuid.MatchString(key) {
		var f faults
		f.add("Idempotency-Key", "the header is no UUID")
		return "", invalid("the idempotency key is no UUID", f)
	}
	return call.Method + " " + key, nil
}
