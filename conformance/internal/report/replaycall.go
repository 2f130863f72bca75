package report

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// line is one call, empty where it can't be made. Its answer is readable if it is
// in JSON.
func (r *replay) line(e *trace.Event) (line string, readable bool) {
	op, image := r.given(e)
	needed := op != "" || image != "" || slices.ContainsFunc(r.ids, func(id string) bool { return strings.Contains(string(e.Request.Bytes()), id) })
	body := e.Request.Bytes()
	if e.Request.Cut() || len(body) > maxArgument || e.RequestFidelity == optestv1.Event_WITHHELD || e.RequestFidelity == optestv1.Event_UNSEEN {
		return "", false
	}
	asJSON, faithful := r.inJSON(e)
	switch {
	case e.Protocol == optestv1.Event_REST || e.Method == "":
		return r.rest(e, body), true
	case e.Protocol == optestv1.Event_CONNECT && e.RequestCodec == optestv1.Event_JSON:
		return r.connect(e, string(body)), true
	case e.Protocol == optestv1.Event_GRPC && faithful, e.Protocol == optestv1.Event_PROTOCOL_UNSPECIFIED && faithful:
		return r.grpcurl(e, asJSON), true
	case needed && faithful:
		r.say("#%d was over %s in binary; in JSON, its ids can be those of this time", e.Number, protocolName(e))
		return r.connect(e, asJSON), true
	case e.Protocol == optestv1.Event_CONNECT:
		return r.binary(e, body, "application/proto", false), false
	case e.Protocol == optestv1.Event_GRPC_WEB:
		return r.binary(e, body, "application/grpc-web+proto", true), false
	}
	return r.binary(e, body, "application/grpc", true), false
}

// inJSON is the request in JSON, and whether that says the same as its bytes.
func (r *replay) inJSON(e *trace.Event) (text string, faithful bool) {
	if e.Request == nil && e.RequestFidelity == optestv1.Event_FIDELITY_UNSPECIFIED {
		return "{}", true
	}
	m, err := r.view.messages.Request(e)
	if err != nil || unknowns(m.ProtoReflect()) {
		return "", false
	}
	text = compact(m)
	return text, text != "" && proto.Size(m) == len(e.Request.Bytes()) || e.RequestCodec == optestv1.Event_JSON
}

// unknowns reports whether a message has fields that its schema lacks.
func unknowns(m protoreflect.Message) bool {
	found := len(m.GetUnknown()) > 0
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.Message() == nil || f.IsMap():
		case f.IsList():
			for i := range v.List().Len() {
				found = found || unknowns(v.List().Get(i).Message())
			}
		default:
			found = found || unknowns(v.Message())
		}
		return !found
	})
	return found
}

func (r *replay) grpcurl(e *trace.Event, body string) string {
	args := []string{"grpcurl"}
	if !r.secure {
		args = append(args, "-plaintext")
	}
	if e.Timeout > 0 {
		args = append(args, fmt.Sprintf("-max-time %g", e.Timeout.Seconds()))
	}
	args = append(args, r.headers(e)...)
	return strings.Join(append(args, "-d "+r.word(body), `"$SERVER"`, literal(e.Method)), " ")
}

func (r *replay) curl(e *trace.Event) []string {
	args := []string{"curl -sS"}
	if e.Timeout > 0 {
		args = append(args, fmt.Sprintf("--max-time %g", e.Timeout.Seconds()))
	}
	return append(args, r.headers(e)...)
}

func (r *replay) address(path string) string {
	scheme := "http"
	if r.secure {
		scheme = "https"
	}
	return `"` + scheme + `://$SERVER"` + r.word(path)
}

func (r *replay) rest(e *trace.Event, body []byte) string {
	verb, target, ok := strings.Cut(e.HTTPRequest, " ")
	if !ok {
		return ""
	}
	args := append(r.curl(e), "--path-as-is", "-X "+literal(verb))
	if len(body) > 0 {
		args = append(args, "-H 'content-type: application/json'", "-d "+r.word(string(body)))
	}
	return strings.Join(append(args, r.address(target)), " ")
}

func (r *replay) connect(e *trace.Event, body string) string {
	args := append(r.curl(e), "-H 'content-type: application/json'", "-d "+r.word(body), r.address("/"+e.Method))
	return strings.Join(args, " ")
}

// binary sends bytes as they were, framed as gRPC does or not, and shows the
// answer's.
func (r *replay) binary(e *trace.Event, body []byte, contentType string, framed bool) string {
	if framed {
		body = append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(body))), body...)
	}
	args := r.curl(e)
	if contentType == "application/grpc" {
		args = append(args, "-H 'te: trailers'")
		if !r.secure {
			args = append(args, "--http2-prior-knowledge")
		}
	}
	args = append(args, "-i --output -", "-H "+literal("content-type: "+contentType), "--data-binary @-", r.address("/"+e.Method))
	return "base64 -d <<<" + literal(base64.StdEncoding.EncodeToString(body)) + " | " + strings.Join(args, " ") + " | od -A d -t x1z"
}

// ofProtocol are headers that the tools set themselves.
var ofProtocol = []string{
	":", "grpc-", "connect-", "content-", "accept", "te", "user-agent", "host", "connection", "transfer-encoding", "trailer", "x-forwarded-", "keep-alive", "upgrade",
}

// headers are those that the application has sent. Of a credential nothing is known
// but that it was there.
func (r *replay) headers(e *trace.Event) []string {
	var args []string
next:
	for _, f := range e.RequestHeader {
		if f.Name == "authorization" {
			args = append(args, `-H "authorization: Bearer ${TOKEN-}"`)
			continue
		}
		if f.Value == trace.Redacted {
			continue
		}
		for _, name := range ofProtocol {
			if f.Name == name || strings.HasPrefix(f.Name, name) && len(name) > 2 || strings.HasPrefix(f.Name, ":") {
				continue next
			}
		}
		args = append(args, "-H "+r.word(f.Name+": "+f.Value))
	}
	return args
}
