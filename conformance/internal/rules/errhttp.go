package rules

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/optest-dev/optest/conformance/internal/httprule"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// httpOf are the HTTP statuses of codes, by the API guide's list and by Connect's:
// they are the same.
var httpOf = map[code.Code]uint32{
	code.Code_CANCELLED: 499, code.Code_UNKNOWN: 500, code.Code_INVALID_ARGUMENT: 400, code.Code_DEADLINE_EXCEEDED: 504,
	code.Code_NOT_FOUND: 404, code.Code_ALREADY_EXISTS: 409, code.Code_PERMISSION_DENIED: 403, code.Code_RESOURCE_EXHAUSTED: 429,
	code.Code_FAILED_PRECONDITION: 400, code.Code_ABORTED: 409, code.Code_OUT_OF_RANGE: 400, code.Code_UNIMPLEMENTED: 501,
	code.Code_INTERNAL: 500, code.Code_UNAVAILABLE: 503, code.Code_DATA_LOSS: 500, code.Code_UNAUTHENTICATED: 401,
}

// formerHTTP are Connect's from before it was brought in line with gRPC's, in 2024.
var formerHTTP = map[code.Code]uint32{
	code.Code_CANCELLED: 408, code.Code_DEADLINE_EXCEEDED: 408, code.Code_FAILED_PRECONDITION: 412, code.Code_UNIMPLEMENTED: 404,
}

// routed reports whether a request over REST is one that the method is documented
// to serve. Escaped slashes are up to what stands in front of the server.
func routed(s *Seen) bool {
	verb, target, ok := strings.Cut(s.HTTPRequest, " ")
	if !ok || s.Method == nil {
		return false
	}
	path, _, _ := strings.Cut(target, "?")
	return !strings.Contains(strings.ToUpper(path), "%2F") && httprule.Find([]protoreflect.MethodDescriptor{s.Method.Desc}, verb, target) != nil
}

// answeredError reports whether the call got an answer to its end, and that is an
// error or none of the API's.
func answeredError(s *Seen) bool {
	return s.Failed() || s.Unsure() && !cutOff(s) && s.ResponseCodec == optestv1.Event_FOREIGN
}

// judgeRESTErrors holds errors over REST against the API guide.
func judgeRESTErrors(*Env) Machine {
	return Machine{Call: func(s *Seen, sink *Sink) {
		if !restError(s) {
			return
		}
		sink.Exercise(s.Code().String())
		body, mismatch := wrongRESTError(s)
		switch {
		case body != "" && ofTheWay(s.HTTPStatus):
			sink.Warn(by(s), "%s: %s; if it is not the server's but of something in front of it, that hides the server's errors", s.When(), body)
		case body != "":
			sink.Breach(by(s), "%s: %s", s.When(), body)
		case mismatch != "":
			sink.Breach(by(s), "%s: %s", s.When(), mismatch)
		}
	}}
}

// restError reports whether a call is an error over REST that is the API's to word.
func restError(s *Seen) bool {
	return s.Protocol == optestv1.Event_REST && s.HTTPStatus != 0 && s.HTTPStatus != http.StatusBadGateway && answeredError(s) && routed(s)
}

// ofTheWay reports whether a status of HTTP is about the load, the way or the form
// of a request: what stands in front of a server has the same ones for its own
// pages.
func ofTheWay(status uint32) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusRequestURITooLong, http.StatusTooManyRequests,
		http.StatusRequestHeaderFieldsTooLarge, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// wrongRESTError says what is wrong with an error over REST: with its body, or with its
// status beside a body that is right.
func wrongRESTError(s *Seen) (body, mismatch string) {
	if s.ResponseCodec == optestv1.Event_FOREIGN {
		kind, _ := s.ResponseHeader.Get("content-type")
		return fmt.Sprintf("HTTP %d with content type %q; an error is a google.rpc.Status in JSON, and a client that reads one fails on this and hides the error", s.HTTPStatus, shortened(kind)), ""
	}
	if raw := s.RawJSON(); raw != nil {
		var members map[string]json.RawMessage
		if json.Unmarshal(raw, &members) != nil {
			return fmt.Sprintf("HTTP %d with a body that is no object in JSON; an error is a google.rpc.Status", s.HTTPStatus), ""
		}
		if number := strings.Trim(string(members["code"]), `"`); number == "" || strings.Trim(number, "0123456789") != "" {
			return fmt.Sprintf("HTTP %d with a body of %s; an error is a bare google.rpc.Status, which has a number for code at the top, so that a client finds neither code nor message here", s.HTTPStatus, membersOf(members)), ""
		}
	}
	want, known := httpOf[s.Code()]
	if known && s.HTTPStatus != want {
		return "", fmt.Sprintf("HTTP %d with the code %s, which the list of errors gives %d; clients and proxies go by the one or the other", s.HTTPStatus, s.Code(), want)
	}
	return "", ""
}

// membersOf are the names in an object, as a report shows them.
func membersOf(object map[string]json.RawMessage) string {
	if len(object) == 0 {
		return "no members"
	}
	var names []string
	for name := range object {
		names = append(names, short(name))
	}
	slices.Sort(names)
	const most = 5
	if len(names) > most {
		names = append(names[:most], "…")
	}
	return "the members " + strings.Join(names, ", ")
}

// connectCode is Connect's name of a code.
func connectCode(c code.Code) string {
	if c == code.Code_CANCELLED {
		return "canceled"
	}
	return strings.ToLower(c.String())
}

func connectFailed(s *Seen) bool {
	return s.Protocol == optestv1.Event_CONNECT && s.Failed() && s.ResponseCodec != optestv1.Event_FOREIGN
}

// bytesOf are those of the response as they were on the wire, nil where they were
// not seen.
func bytesOf(s *Seen) []byte {
	if s.Event.Response.Cut() || s.ResponseFidelity != optestv1.Event_FIDELITY_UNSPECIFIED {
		return nil
	}
	return s.Event.Response.Bytes()
}

// judgeConnectErrors holds errors over Connect against its reference. What comes
// without a code may be a proxy's.
func judgeConnectErrors(*Env) Machine {
	return Machine{Call: func(s *Seen, sink *Sink) {
		raw := bytesOf(s)
		var body struct{ Code any }
		// Whatever the codec of messages is, errors are in JSON.
		if !connectFailed(s) || s.HTTPStatus == 0 || json.Unmarshal(raw, &body) != nil {
			return
		}
		name, isText := body.Code.(string)
		switch {
		case body.Code == nil:
			return
		case !isText:
			sink.Exercise(s.Code().String())
			sink.Breach(by(s), "%s: the code of the error is %v; over Connect it is a name such as not_found, and a client takes anything else for no error of Connect at all", s.When(), body.Code)
			return
		case name != connectCode(s.Code()):
			sink.Exercise(shortened(name))
			sink.Breach(by(s), "%s: the code of the error is %q; there is no such code, and a client has only the HTTP status %d to go by", s.When(), shortened(name), s.HTTPStatus)
			return
		}
		sink.Exercise(name)
		want := httpOf[s.Code()]
		switch {
		case s.HTTPStatus == want:
		case s.HTTPStatus < 300:
			sink.Breach(by(s), "%s: the error %s has the HTTP status %d; a client takes that for a success and the error for an empty message", s.When(), name, s.HTTPStatus)
		case formerHTTP[s.Code()] == s.HTTPStatus:
			sink.Warn(by(s), "%s: the error %s has the HTTP status %d, which the protocol gave it until 2024; it is %d by now", s.When(), name, s.HTTPStatus, want)
		default:
			sink.Breach(by(s), "%s: the error %s has the HTTP status %d, and the protocol gives it %d; clients that see only the status, and proxies, take it for another", s.When(), name, s.HTTPStatus, want)
		}
	}}
}
