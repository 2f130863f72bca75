package exchange

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
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

// readConnect reads an answer of Connect to a unary call.
func (c *Call) readConnect(a Answer) received {
	kind := mediaType(a.Header)
	r := received{message: a.Body, codec: optestv1.Event_JSON}
	if subtype, ok := strings.CutPrefix(kind, "application/"); ok && a.Status == http.StatusOK && kind != "application/json" {
		// Of a codec of the client's own, nothing can be said.
		if r.codec = codecOf("+" + subtype); r.codec == optestv1.Event_PROTO || r.codec == c.codec {
			return r
		}
	}
	if kind != "application/json" {
		return c.foreign(a, a.Body)
	}
	var e connectError
	known := code.Code_OK
	if json.Unmarshal(a.Body, &e) == nil {
		known = connectCodes[e.Code]
	}
	// Some servers say under 200 what went wrong. No message of ours has such a field.
	if a.Status == http.StatusOK && (known == code.Code_OK || c.answersWithCode()) {
		return r
	}
	if known == code.Code_OK {
		known = c.codeOf(a.Status)
	}
	r.failure = &trace.Failure{Code: known, Message: e.Message, Details: e.details(known)}
	return r
}

// answersWithCode reports whether the method's response has a field that an error
// has, too.
func (c *Call) answersWithCode() bool {
	return c.desc != nil && c.desc.Output().Fields().ByJSONName("code") != nil
}

// details is the error as a google.rpc.Status, nil where it has no details.
func (e connectError) details(c code.Code) []byte {
	st := &status.Status{Code: int32(c), Message: e.Message}
	for _, d := range e.Details {
		value, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(d.Value, "="))
		if err == nil {
			st.Details = append(st.Details, &anypb.Any{TypeUrl: "type.googleapis.com/" + d.Type, Value: value})
		}
	}
	return encoded(st)
}

// encoded is a status, nil where it has no details.
func encoded(st *status.Status) []byte {
	if len(st.GetDetails()) == 0 {
		return nil
	}
	raw, err := proto.Marshal(st)
	if err != nil {
		return nil // its text is none: json has made it UTF-8
	}
	return raw
}

// restError is a google.rpc.Status in JSON. Details are read one by one, so that
// one of an unknown type does not hide the rest.
type restError struct {
	Code    int32             `json:"code"`
	Message string            `json:"message"`
	Details []json.RawMessage `json:"details"`
}

// readREST reads an answer of REST.
func (c *Call) readREST(a Answer) received {
	success := a.Status >= 200 && a.Status < 300
	r := received{message: a.Body, codec: optestv1.Event_JSON}
	if bodiless := c.verb == http.MethodHead || c.verb == http.MethodOptions; bodiless && len(a.Body) == 0 {
		r.message = nil
		if !success {
			r.failure = c.failed(a)
		}
		return r
	}
	if mediaType(a.Header) != "application/json" {
		return c.foreign(a, a.Body)
	}
	var e restError
	if json.Unmarshal(a.Body, &e) != nil {
		e = restError{}
	}
	// Some servers say under 200 what went wrong. No message of ours has such a field.
	if success && (e.Code == 0 || c.answersWithCode()) {
		return r
	}
	known := code.Code(e.Code)
	if known == code.Code_OK {
		known = c.codeOf(a.Status)
	}
	r.failure = &trace.Failure{Code: known, Message: e.Message, Details: e.details()}
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
	return encoded(st)
}
