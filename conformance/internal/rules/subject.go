package rules

import (
	"net/http"
	"strings"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/proto"

	"github.com/optest-dev/optest/conformance/internal/httprule"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// operationOf is the id of the operation that a call is about.
func operationOf(s *Seen) string {
	if s.Starts() {
		if s.Answer != nil {
			return s.Answer.GetId()
		}
		return ""
	}
	switch req := s.Request.(type) {
	case *operation.GetOperationRequest:
		return req.GetOperationId()
	case *operation.CancelOperationRequest:
		return req.GetOperationId()
	}
	switch {
	case s.Event.Operation != "":
		return s.Event.Operation
	case s.Request != nil:
		return ""
	}
	if cancels(s) {
		// The guide binds another verb than the protos.
		if id := pathOperation(s); id != "" {
			return id
		}
	}
	if s.Answer != nil {
		return s.Answer.GetId()
	}
	return ""
}

// pathOperation is the operation that the path of a request over REST names, whether
// the protos bind its verb or not; empty without one.
func pathOperation(s *Seen) string {
	if s.Protocol != optestv1.Event_REST || !s.Is(MethodGet) && !s.Is(MethodCancel) {
		return ""
	}
	_, target, ok := strings.Cut(s.HTTPRequest, " ")
	if !ok {
		return ""
	}
	if s.Is(MethodGet) {
		var request operation.GetOperationRequest
		if httprule.Decode(s.Method.Desc, http.MethodGet, target, nil, &request) != nil {
			return ""
		}
		return request.GetOperationId()
	}
	var request operation.CancelOperationRequest
	if httprule.Decode(s.Method.Desc, http.MethodGet, target, nil, &request) != nil {
		return ""
	}
	return request.GetOperationId()
}

// imageOf is the id of the image that a request is about.
func imageOf(request proto.Message) string {
	switch req := request.(type) {
	case *clouddesktop.GetDesktopImageRequest:
		return req.GetImageId()
	case *clouddesktop.UpdateDesktopImageRequest:
		return req.GetImageId()
	case *clouddesktop.DeleteDesktopImageRequest:
		return req.GetImageId()
	}
	return ""
}

// harmless reports whether a call over REST must have no effect, by its verb.
func harmless(s *Seen) bool {
	switch {
	case s.HTTPRequest == "":
		return false
	case s.Is(MethodGet):
		return true
	case s.Is(MethodCancel):
		verb, _, ok := strings.Cut(s.HTTPRequest, " ")
		return ok && verb != http.MethodGet && verb != http.MethodPost
	}
	return false
}

// cancels reports whether a call is one that may cancel.
func cancels(s *Seen) bool { return s.Is(MethodCancel) && !harmless(s) }

// about reports whether the call has answered with the operation that it was to be
// about.
func about(s *Seen) bool { return s.Answer != nil && s.Op != nil && s.Op.ID != "" && own(s) }
