// Package exchange makes events of HTTP requests and their answers, whatever
// protocol they are of: [Recorder.Begin] for one who sends and reads them itself,
// [Tap] while somebody else does.
package exchange

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// Call is what a request asks for, as far as its head tells.
type Call struct {
	protocol optestv1.Event_Protocol
	codec    optestv1.Event_Codec
	method   string // `package.Service/Method`, empty where the request names none
	// desc is nil for a method that no linked descriptor has.
	desc protoreflect.MethodDescriptor
	verb string
	get  bool // over Connect, with the message in the query
	text bool // gRPC-Web in base64
	// uncoded: the client asks for answers without a coding, so that one which is not
	// understood is none.
	uncoded bool
}

// NewCall is a call of one message each way by a client that asks for answers
// without a coding.
func NewCall(p optestv1.Event_Protocol, codec optestv1.Event_Codec, m protoreflect.MethodDescriptor, verb string) Call {
	return Call{protocol: p, codec: codec, method: NameOf(m), desc: m, verb: verb, uncoded: true}
}

// name is that of the call's protocol.
func (c *Call) name() string {
	name := strings.ReplaceAll(strings.ToLower(c.protocol.String()), "_", "-")
	if c.protocol == optestv1.Event_CONNECT && c.codec == optestv1.Event_JSON {
		name += "-json"
	}
	return name
}

// unary reports whether the call is known to have one message each way. Only of
// such calls the messages are kept.
func (c *Call) unary() bool {
	return c.desc != nil && !c.desc.IsStreamingClient() && !c.desc.IsStreamingServer()
}

func (c *Call) framed() bool {
	return c.protocol == optestv1.Event_GRPC || c.protocol == optestv1.Event_GRPC_WEB
}

// callOf tells a call by the head of its request. The target is that of the
// request line.
func callOf(verb, target string, header http.Header) Call {
	path, query, _ := strings.Cut(target, "?")
	kind := mediaType(header)
	procedure := procedureOf(path)
	switch subtype, framed := strings.CutPrefix(kind, "application/grpc-web"); {
	case framed && textual(subtype):
		return Call{protocol: optestv1.Event_GRPC_WEB, codec: codecOf(strings.TrimPrefix(subtype, "-text")), method: procedure, desc: methodOf(procedure), verb: verb, text: true}
	case framed && (subtype == "" || subtype[0] == '+'):
		return Call{protocol: optestv1.Event_GRPC_WEB, codec: codecOf(subtype), method: procedure, desc: methodOf(procedure), verb: verb}
	}
	if subtype, framed := strings.CutPrefix(kind, "application/grpc"); framed && (subtype == "" || subtype[0] == '+') {
		return Call{protocol: optestv1.Event_GRPC, codec: codecOf(subtype), method: procedure, desc: methodOf(procedure), verb: verb}
	}
	if subtype, ok := strings.CutPrefix(kind, "application/connect"); ok && strings.HasPrefix(subtype, "+") {
		return Call{protocol: optestv1.Event_CONNECT, codec: codecOf(subtype), method: procedure, verb: verb} // a stream, of which nothing is kept
	}
	if procedure != "" {
		if c, ok := connectCall(verb, procedure, query, kind, header); ok {
			return c
		}
	}
	if desc := routeOf(verb, path); desc != nil {
		return Call{protocol: optestv1.Event_REST, codec: optestv1.Event_JSON, method: NameOf(desc), desc: desc, verb: verb}
	}
	return Call{protocol: optestv1.Event_OTHER, verb: verb}
}

// textual reports whether a subtype of gRPC-Web is one in base64.
func textual(subtype string) bool { return subtype == "-text" || strings.HasPrefix(subtype, "-text+") }

// connectCall is a unary call of Connect. A client need not say that it is one if
// the path and the type of the content do.
func connectCall(verb, procedure, query, kind string, header http.Header) (Call, bool) {
	c := Call{protocol: optestv1.Event_CONNECT, method: procedure, desc: methodOf(procedure), verb: verb}
	said := header.Get("Connect-Protocol-Version") != ""
	switch verb {
	case http.MethodPost:
		subtype, typed := strings.CutPrefix(kind, "application/")
		c.codec = codecOf("+" + subtype)
		return c, typed && (said || c.desc != nil && c.codec != optestv1.Event_FOREIGN)
	case http.MethodGet:
		encoding := queryValue(query, "encoding")
		c.codec, c.get = codecOf("+"+encoding), true
		return c, encoding != "" && (said || c.desc != nil || queryValue(query, "connect") != "")
	}
	return c, false
}

// codecOf is that of a subtype such as `+proto`. gRPC without one means proto.
func codecOf(subtype string) optestv1.Event_Codec {
	switch subtype {
	case "", "+proto":
		return optestv1.Event_PROTO
	case "+json":
		return optestv1.Event_JSON
	}
	return optestv1.Event_FOREIGN
}

// procedureOf is the method that a path names if it is one of gRPC or Connect.
// Connect lets a service be at a path of its own, which comes before.
func procedureOf(path string) string {
	method := strings.LastIndexByte(path, '/')
	if method < 1 || method == len(path)-1 {
		return ""
	}
	service := strings.LastIndexByte(path[:method], '/')
	if !strings.Contains(path[service+1:method], ".") {
		return ""
	}
	return path[service+1:]
}

func queryValue(query, name string) string {
	if query == "" {
		return ""
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return ""
	}
	return values.Get(name)
}

// mediaType is the content type without parameters, in lower case.
func mediaType(header http.Header) string {
	kind, _, _ := strings.Cut(header.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(kind))
}

// timeoutOf is how long the client says that it gives the call, 0 if it does not.
func timeoutOf(header http.Header) time.Duration {
	text, unit := header.Get("Connect-Timeout-Ms"), time.Millisecond
	if text == "" {
		if text = header.Get("Grpc-Timeout"); text == "" {
			return 0
		}
		unit = timeoutUnits[text[len(text)-1]]
		text = text[:len(text)-1]
	}
	const mostDigits = 10 // of Connect; gRPC has 8
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || len(text) > mostDigits || unit == 0 || n > uint64(1<<63-1)/uint64(unit) {
		return 0
	}
	return time.Duration(n) * unit
}

var timeoutUnits = map[byte]time.Duration{
	'H': time.Hour, 'M': time.Minute, 'S': time.Second, 'm': time.Millisecond, 'u': time.Microsecond, 'n': time.Nanosecond,
}
