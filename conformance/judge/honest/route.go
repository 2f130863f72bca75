package honest

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/reflect/protoreflect"
)

const imagesPath = "/cloud-desktop/v1/images"

// route is the method at a path, and the fields that the path holds. The method is
// empty where there is none.
func route(verb, path string) (method string, fields map[string]string) {
	switch verb + " " + path {
	case "POST " + imagesPath + ":copyFromDesktop":
		return MethodCreate, nil
	case "POST " + imagesPath + ":copy":
		return MethodCopy, nil
	case "GET " + imagesPath:
		return MethodList, nil
	}
	if id, ok := strings.CutPrefix(path, imagesPath+"/"); ok {
		method := map[string]string{http.MethodGet: MethodImage, http.MethodPatch: MethodUpdate, http.MethodDelete: MethodDelete}[verb]
		return held(method, "image_id", id)
	}
	id, ok := strings.CutPrefix(path, "/operations/")
	if !ok || verb != http.MethodGet {
		return "", nil
	}
	if id, ok := strings.CutSuffix(id, ":cancel"); ok {
		return held(MethodCancel, "operation_id", id)
	}
	return held(MethodGet, "operation_id", id)
}

// held is a method whose path ends with an id.
func held(method, field, escaped string) (string, map[string]string) {
	id, err := url.PathUnescape(escaped)
	if err != nil || id == "" || strings.Contains(escaped, "/") {
		return "", nil
	}
	return method, map[string]string{field: id}
}

// setText sets a field by its name in the proto file or in JSON.
func setText(m protoreflect.Message, name, text string) error {
	fields := m.Descriptor().Fields()
	f := fields.ByName(protoreflect.Name(name))
	if f == nil {
		f = fields.ByJSONName(name)
	}
	if f == nil || f.IsList() || f.IsMap() {
		return fmt.Errorf("there is no parameter %q", name)
	}
	switch f.Kind() {
	case protoreflect.StringKind:
		m.Set(f, protoreflect.ValueOfString(text))
		return nil
	case protoreflect.Int64Kind:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return fmt.Errorf("parameter %q: %w", name, err)
		}
		m.Set(f, protoreflect.ValueOfInt64(n))
		return nil
	}
	return fmt.Errorf("there is no parameter %q", name)
}

// httpStatuses are those of codes, over REST and Connect alike.
var httpStatuses = map[codes.Code]int{
	codes.Canceled: 499, codes.Unknown: 500, codes.InvalidArgument: 400, codes.DeadlineExceeded: 504, codes.NotFound: 404,
	codes.AlreadyExists: 409, codes.PermissionDenied: 403, codes.ResourceExhausted: 429, codes.FailedPrecondition: 400, codes.Aborted: 409,
	codes.OutOfRange: 400, codes.Unimplemented: 501, codes.Internal: 500, codes.Unavailable: 503, codes.DataLoss: 500, codes.Unauthenticated: 401,
}

// connectCodes are Connect's names of codes.
var connectCodes = map[codes.Code]string{
	codes.Canceled: "canceled", codes.Unknown: "unknown", codes.InvalidArgument: "invalid_argument", codes.DeadlineExceeded: "deadline_exceeded",
	codes.NotFound: "not_found", codes.AlreadyExists: "already_exists", codes.PermissionDenied: "permission_denied",
	codes.ResourceExhausted: "resource_exhausted", codes.FailedPrecondition: "failed_precondition", codes.Aborted: "aborted",
	codes.OutOfRange: "out_of_range", codes.Unimplemented: "unimplemented", codes.Internal: "internal", codes.Unavailable: "unavailable",
	codes.DataLoss: "data_loss", codes.Unauthenticated: "unauthenticated",
}
