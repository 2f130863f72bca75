package drive

import (
	"encoding/json"
	"net/http"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// restError is a google.rpc.Status in JSON. Details are read one by one, so that
// one of an unknown type does not hide the rest.
type restError struct {
	Code    int32             `json:"code"`
	Message string            `json:"message"`
	Details []json.RawMessage `json:"details"`
}

// decodeREST reads an answer of REST.
func decodeREST(method protoreflect.MethodDescriptor, verb string, resp *http.Response, body []byte) received {
	plain, ok := decompressed(resp.Header.Get("Content-Encoding"), body)
	if !ok {
		r := foreign(REST, resp, nil, &trace.Failure{Code: codeOfREST(resp.StatusCode)})
		r.fidelity = optestv1.Event_UNSEEN
		return r
	}
	success := resp.StatusCode >= 200 && resp.StatusCode < 300
	r := received{message: plain, codec: optestv1.Event_JSON}
	if bodiless := verb == http.MethodHead || verb == http.MethodOptions; bodiless && len(plain) == 0 {
		r.message = nil
		if !success {
			r.failure = &trace.Failure{Code: codeOfREST(resp.StatusCode), Message: resp.Status}
		}
		return r
	}
	if mediaType(resp) != "application/json" {
		return foreign(REST, resp, plain, &trace.Failure{Code: codeOfREST(resp.StatusCode)})
	}
	var e restError
	if json.Unmarshal(plain, &e) != nil {
		e = restError{}
	}
	// Some servers say under 200 what went wrong. No message of ours has such a field.
	if success && (e.Code == 0 || method.Output().Fields().ByJSONName("code") != nil) {
		return r
	}
	c := code.Code(e.Code)
	if c == code.Code_OK {
		c = codeOfREST(resp.StatusCode)
	}
	r.failure = &trace.Failure{Code: c, Message: e.Message, Details: e.details()}
	return r
}

// details is the error as a message, nil where it has no details.
func (e restError) details() []byte {
	st := &status.Status{Code: e.Code, Message: e.Message}
	for _, d := range e.Details {
		detail := new(anypb.Any)
		if (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(d, detail) == nil {
			st.Details = append(st.Details, detail)
		}
	}
	if len(st.GetDetails()) == 0 {
		return nil
	}
	raw, err := proto.Marshal(st)
	if err != nil {
		return nil // its text is none: json has made it UTF-8
	}
	return raw
}

// codeOfREST is the code that the API's guide gives an HTTP status.
func codeOfREST(status int) code.Code {
	switch status {
	case http.StatusBadRequest:
		return code.Code_INVALID_ARGUMENT
	case http.StatusUnauthorized:
		return code.Code_UNAUTHENTICATED
	case http.StatusForbidden:
		return code.Code_PERMISSION_DENIED
	case http.StatusNotFound:
		return code.Code_NOT_FOUND
	case http.StatusConflict:
		return code.Code_ALREADY_EXISTS
	case http.StatusTooManyRequests:
		return code.Code_RESOURCE_EXHAUSTED
	case statusClientClosedRequest:
		return code.Code_CANCELLED
	case http.StatusNotImplemented:
		return code.Code_UNIMPLEMENTED
	case http.StatusServiceUnavailable:
		return code.Code_UNAVAILABLE
	case http.StatusGatewayTimeout:
		return code.Code_DEADLINE_EXCEEDED
	}
	return code.Code_UNKNOWN
}

// statusClientClosedRequest is nginx's, which net/http has no name for.
const statusClientClosedRequest = 499
