package rules

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/optest-dev/optest/conformance/internal/httprule"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// asks begins a call. Further fields are of the request's header; one without a
// value takes the field away.
func (c *client) asks(method string, request proto.Message, fields []trace.Field) *trace.Event {
	e := &trace.Event{Caller: c.caller, Method: method, Protocol: c.wire.protocol(), RequestCodec: c.wire.codec(), Timeout: 5 * time.Second}
	header := map[string]string{"authorization": trace.Redacted, "user-agent": "optest-conformance", "content-type": c.wire.contentType()}
	switch c.wire {
	case overGRPC:
		header["te"], header["grpc-timeout"] = "trailers", "5000m"
	case overWeb:
		header["x-grpc-web"], header["grpc-timeout"] = "1", "5000m"
	case overConnect, overConnectJSON:
		header["connect-protocol-version"], header["connect-timeout-ms"] = "1", "5000"
	}
	if c.wire == overREST {
		verb, target, body, err := httprule.Encode(newMethod(method).Desc, request)
		if err != nil {
			c.t.Fatal(err)
		}
		e.HTTPRequest = verb + " " + target
		if body == nil {
			delete(header, "content-type")
		} else {
			e.Request = c.store.Blob(body)
		}
	} else {
		raw, ok := encoded(request, c.wire.codec())
		if !ok {
			c.t.Fatalf("request of %s can't be encoded", method)
		}
		e.Request = c.store.Blob(raw)
	}
	for _, f := range fields {
		header[f.Name] = f.Value
		if f.Value == "" {
			delete(header, f.Name)
		}
	}
	e.RequestHeader = sortedFields(header)
	return e
}

func sortedFields(m map[string]string) trace.Fields {
	var list trace.Fields
	for _, name := range slices.Sorted(maps.Keys(m)) {
		list = append(list, trace.Field{Name: name, Value: m[name]})
	}
	return list
}

// ends records the call.
func (c *client) ends(e *trace.Event) *trace.Event {
	s := c.scene
	e.Number = uint64(len(s.events) + 1)
	if s.moment {
		e.Called = s.now + time.Duration(e.Number)*time.Nanosecond
		e.Returned = e.Called + s.cost
	} else {
		e.Called = s.now + time.Millisecond
		e.Returned = e.Called + s.cost
		s.now = e.Returned
	}
	s.events = append(s.events, e)
	return e
}

// ok is a call that ends with OK.
func (c *client) ok(method string, request, response proto.Message, fields ...trace.Field) *trace.Event {
	e := c.asks(method, request, fields)
	raw, ok := encoded(response, c.wire.codec())
	if !ok {
		c.t.Fatalf("response of %s can't be encoded", method)
	}
	e.Outcome, e.HTTPStatus = optestv1.Event_OK, 200
	e.Response, e.ResponseCodec = c.store.Blob(raw), c.wire.codec()
	header := map[string]string{"content-type": c.wire.contentType(), "date": "Thu, 05 Mar 2026 12:00:00 GMT"}
	switch c.wire {
	case overGRPC:
		header["grpc-accept-encoding"] = "gzip"
		e.Trailer = sortedFields(map[string]string{"grpc-message": "", "grpc-status": "0"})
		e.Frames = &trace.Frames{Messages: 1, Trailers: optestv1.Event_Frames_AFTER}
	case overWeb:
		header["grpc-accept-encoding"] = "gzip"
		e.Frames = &trace.Frames{Messages: 1, Trailers: optestv1.Event_Frames_IN_BODY}
	case overConnect, overConnectJSON:
		header["accept-encoding"] = "gzip"
		header["content-length"] = strconv.Itoa(len(raw))
	case overREST:
		header["content-length"] = strconv.Itoa(len(raw))
	}
	if method == MethodGet {
		header["x-operation-poll-interval"] = "5"
	}
	e.ResponseHeader = sortedFields(header)
	return c.ends(e)
}

// httpStatuses are those of codes over REST and Connect.
var httpStatuses = map[code.Code]uint32{
	code.Code_CANCELLED: 499, code.Code_UNKNOWN: 500, code.Code_INVALID_ARGUMENT: 400, code.Code_DEADLINE_EXCEEDED: 504,
	code.Code_NOT_FOUND: 404, code.Code_ALREADY_EXISTS: 409, code.Code_PERMISSION_DENIED: 403, code.Code_RESOURCE_EXHAUSTED: 429,
	code.Code_FAILED_PRECONDITION: 400, code.Code_ABORTED: 409, code.Code_OUT_OF_RANGE: 400, code.Code_UNIMPLEMENTED: 501,
	code.Code_INTERNAL: 500, code.Code_UNAVAILABLE: 503, code.Code_DATA_LOSS: 500, code.Code_UNAUTHENTICATED: 401,
}

// fails is a call that ends with a status.
func (c *client) fails(method string, request proto.Message, st *status.Status, fields ...trace.Field) *trace.Event {
	e := c.asks(method, request, fields)
	c.refuse(e, st)
	return c.ends(e)
}

// refuse has a call end with a status.
func (c *client) refuse(e *trace.Event, st *status.Status) {
	details, err := proto.Marshal(st)
	if err != nil {
		c.t.Fatal(err)
	}
	e.Outcome, e.ResponseCodec, e.HTTPStatus = optestv1.Event_FAILED, c.wire.codec(), 200
	e.Failure = &trace.Failure{Code: code.Code(st.GetCode()), Message: st.GetMessage()}
	header := map[string]string{"content-type": c.wire.contentType(), "date": "Thu, 05 Mar 2026 12:00:00 GMT"}
	ending := map[string]string{"grpc-status": strconv.Itoa(int(st.GetCode())), "grpc-message": percentEncoded(st.GetMessage())}
	if len(st.GetDetails()) > 0 {
		e.Failure.Details = details
		ending["grpc-status-details-bin"] = base64.RawStdEncoding.EncodeToString(details)
	}
	switch c.wire {
	case overGRPC:
		e.Trailer = sortedFields(ending)
		e.Frames = &trace.Frames{Trailers: optestv1.Event_Frames_AFTER}
	case overWeb:
		maps.Copy(header, ending)
		e.Frames = &trace.Frames{Trailers: optestv1.Event_Frames_ONLY}
	case overConnect, overConnectJSON:
		header["content-type"] = "application/json"
		e.HTTPStatus, e.Response = httpStatuses[code.Code(st.GetCode())], c.store.Blob(connectError(c.t, st))
	case overREST:
		raw, err := protojson.Marshal(st)
		if err != nil {
			c.t.Fatal(err)
		}
		e.HTTPStatus, e.Response = httpStatuses[code.Code(st.GetCode())], c.store.Blob(raw)
	}
	e.ResponseHeader = sortedFields(header)
}

// percentEncoded is a message as gRPC's trailers carry it.
func percentEncoded(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		if c < ' ' || c > '~' || c == '%' {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// connectError is a status as Connect's unary calls carry it.
func connectError(t testing.TB, st *status.Status) []byte {
	type detail struct {
		Type  string `json:"type"`
		Value string `json:"value"`
	}
	body := struct {
		Code    string   `json:"code"`
		Message string   `json:"message"`
		Details []detail `json:"details,omitempty"`
	}{Code: strings.ToLower(code.Code(st.GetCode()).String()), Message: st.GetMessage()}
	if st.GetCode() == int32(code.Code_CANCELLED) {
		body.Code = "canceled"
	}
	for _, d := range st.GetDetails() {
		body.Details = append(body.Details, detail{string(d.MessageName()), base64.RawStdEncoding.EncodeToString(d.GetValue())})
	}
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// lost is a call of which nobody knows how it ended.
func (c *client) lost(method string, request proto.Message, cause optestv1.Event_Failure_Cause, fields ...trace.Field) *trace.Event {
	e := c.asks(method, request, fields)
	e.Outcome = optestv1.Event_INDETERMINATE
	e.Failure = &trace.Failure{Cause: cause, Message: "the answer was lost: " + cause.String()}
	return c.ends(e)
}
