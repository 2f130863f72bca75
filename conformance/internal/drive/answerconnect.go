package drive

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// connectCodes are Connect's names of codes. There are no others.
var connectCodes = map[string]code.Code{
	"canceled": code.Code_CANCELLED, "unknown": code.Code_UNKNOWN, "invalid_argument": code.Code_INVALID_ARGUMENT,
	"deadline_exceeded": code.Code_DEADLINE_EXCEEDED, "not_found": code.Code_NOT_FOUND, "already_exists": code.Code_ALREADY_EXISTS,
	"permission_denied": code.Code_PERMISSION_DENIED, "resource_exhausted": code.Code_RESOURCE_EXHAUSTED,
	"failed_precondition": code.Code_FAILED_PRECONDITION, "aborted": code.Code_ABORTED, "out_of_range": code.Code_OUT_OF_RANGE,
	"unimplemented": code.Code_UNIMPLEMENTED, "internal": code.Code_INTERNAL, "unavailable": code.Code_UNAVAILABLE,
	"data_loss": code.Code_DATA_LOSS, "unauthenticated": code.Code_UNAUTHENTICATED,
}

// connectError is the body of an error of Connect's unary calls.
type connectError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Details []struct {
		Type  string `json:"type"`
		Value string `json:"value"`
	} `json:"details"`
}

// decodeConnect reads an answer of Connect to a unary call.
func (p Protocol) decodeConnect(method protoreflect.MethodDescriptor, resp *http.Response, body []byte) received {
	plain, ok := decompressed(resp.Header.Get("Content-Encoding"), body)
	if !ok {
		r := foreign(p, resp, nil, &trace.Failure{Code: codeOfHTTP(resp.StatusCode)})
		r.fidelity = optestv1.Event_UNSEEN
		return r
	}
	kind := mediaType(resp)
	r := received{message: plain, codec: p.codec()}
	if resp.StatusCode == http.StatusOK && kind == "application/proto" {
		r.codec = optestv1.Event_PROTO
		return r
	}
	if kind != "application/json" {
		return foreign(p, resp, plain, &trace.Failure{Code: codeOfHTTP(resp.StatusCode)})
	}
	r.codec = optestv1.Event_JSON
	var e connectError
	known := code.Code_OK
	if json.Unmarshal(plain, &e) == nil {
		known = connectCodes[e.Code]
	}
	// Some servers say under 200 what went wrong. No message of ours has such a field.
	if resp.StatusCode == http.StatusOK && (known == code.Code_OK || method.Output().Fields().ByJSONName("code") != nil) {
		return r
	}
	if known == code.Code_OK {
		known = codeOfHTTP(resp.StatusCode)
	}
	r.failure = &trace.Failure{Code: known, Message: e.Message, Details: e.details(known)}
	return r
}

// details is the error as a google.rpc.Status, nil where it has no details.
func (e connectError) details(c code.Code) []byte {
	if len(e.Details) == 0 {
		return nil
	}
	st := &status.Status{Code: int32(c), Message: e.Message}
	for _, d := range e.Details {
		value, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(d.Value, "="))
		if err != nil {
			continue
		}
		st.Details = append(st.Details, &anypb.Any{TypeUrl: "type.googleapis.com/" + d.Type, Value: value})
	}
	raw, err := proto.Marshal(st)
	if err != nil {
		return nil // its text is none: json has made it UTF-8
	}
	return raw
}
