package drive

import (
	"encoding/binary"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/optest-dev/optest/conformance/internal/httprule"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// Protocol is how a server is spoken to.
type Protocol int

const (
	GRPC Protocol = iota
	GRPCWeb
	Connect
	ConnectJSON
	REST
)

// Protocols are all of them.
var Protocols = []Protocol{GRPC, GRPCWeb, Connect, ConnectJSON, REST}

func (p Protocol) String() string {
	switch p {
	case GRPC:
		return "grpc"
	case GRPCWeb:
		return "grpc-web"
	case Connect:
		return "connect"
	case ConnectJSON:
		return "connect-json"
	case REST:
		return "rest"
	}
	return "unknown"
}

func (p Protocol) http2() bool { return p == GRPC }

func (p Protocol) event() optestv1.Event_Protocol {
	switch p {
	case GRPC:
		return optestv1.Event_GRPC
	case GRPCWeb:
		return optestv1.Event_GRPC_WEB
	case Connect, ConnectJSON:
		return optestv1.Event_CONNECT
	}
	return optestv1.Event_REST
}

func (p Protocol) codec() optestv1.Event_Codec {
	if p == ConnectJSON || p == REST {
		return optestv1.Event_JSON
	}
	return optestv1.Event_PROTO
}

// sent is a request as HTTP carries it.
type sent struct {
	verb, target string
	header       map[string]string
	body         []byte
	message      []byte // nil: none
}

func (p Protocol) encode(call Call) (sent, error) {
	if p == REST {
		return encodeREST(call)
	}
	message := call.Raw
	if message == nil {
		var err error
		if p == ConnectJSON {
			message, err = protojson.Marshal(call.Message)
		} else {
			message, err = proto.Marshal(call.Message)
		}
		if err != nil {
			return sent{}, fmt.Errorf("optest: request of %s: %w", call.Method.FullName(), err)
		}
		if message == nil {
			message = []byte{}
		}
	}
	s := sent{verb: http.MethodPost, target: "/" + methodName(call.Method), body: message, message: message, header: map[string]string{"User-Agent": userAgent}}
	switch p {
	case GRPC:
		s.body = framed(message)
		s.header["Content-Type"], s.header["Te"] = "application/grpc+proto", "trailers"
	case GRPCWeb:
		s.body = framed(message)
		s.header["Content-Type"], s.header["X-Grpc-Web"], s.header["Accept"] = "application/grpc-web+proto", "1", "application/grpc-web+proto"
	case Connect:
		s.header["Content-Type"], s.header["Connect-Protocol-Version"] = "application/proto", "1"
	case ConnectJSON:
		s.header["Content-Type"], s.header["Connect-Protocol-Version"] = "application/json", "1"
	}
	if p != GRPC {
		s.header["Accept-Encoding"] = "identity"
	}
	if call.Timeout > 0 {
		switch p {
		case GRPC, GRPCWeb:
			s.header["Grpc-Timeout"] = grpcTimeout(call.Timeout)
		case Connect, ConnectJSON:
			s.header["Connect-Timeout-Ms"] = connectTimeout(call.Timeout)
		}
	}
	return s, nil
}

const userAgent = "optest-conformance"

func encodeREST(call Call) (sent, error) {
	s := sent{verb: http.MethodPost, target: "/" + methodName(call.Method), header: map[string]string{"User-Agent": userAgent, "Accept-Encoding": "identity"}}
	if call.Message != nil {
		var err error
		if s.verb, s.target, s.message, err = httprule.Encode(call.Method, call.Message); err != nil {
			return sent{}, fmt.Errorf("optest: %w", err)
		}
	}
	if call.Raw != nil {
		s.message = call.Raw
	}
	if call.Target != "" {
		s.target = call.Target
	}
	if call.Verb != "" {
		s.verb = call.Verb
	}
	if s.body = s.message; len(s.body) > 0 {
		s.header["Content-Type"] = "application/json"
	}
	return s, nil
}

// grpcTimeout has at most eight digits: of the finest unit in which the timeout
// fits into them, rounded up.
func grpcTimeout(d time.Duration) string {
	const most = 99_999_999
	for _, u := range []struct {
		size time.Duration
		name string
	}{{time.Nanosecond, "n"}, {time.Microsecond, "u"}, {time.Millisecond, "m"}, {time.Second, "S"}, {time.Minute, "M"}} {
		if n := (d-1)/u.size + 1; n <= most {
			return strconv.FormatInt(int64(n), 10) + u.name
		}
	}
	return strconv.FormatInt(int64((d-1)/time.Hour+1), 10) + "H"
}

// connectTimeout has at most ten digits.
func connectTimeout(d time.Duration) string {
	const most = 9_999_999_999
	return strconv.FormatInt(int64(min((d-1)/time.Millisecond+1, most)), 10)
}

const prefixLen = 5

func framed(message []byte) []byte {
	frame := make([]byte, prefixLen, prefixLen+len(message))
	binary.BigEndian.PutUint32(frame[1:], uint32(len(message)))
	return append(frame, message...)
}

// received is what an answer says.
type received struct {
	message  []byte // nil: none
	codec    optestv1.Event_Codec
	fidelity optestv1.Event_Fidelity
	further  [][]byte
	frames   *trace.Frames
	trailer  http.Header    // what the body has of them
	failure  *trace.Failure // nil: OK
	open     bool           // nobody knows whether the call took effect
}

// decode never fails: what an answer is that is none of the protocol, the
// received says.
func (p Protocol) decode(method protoreflect.MethodDescriptor, verb string, resp *http.Response, body []byte) received {
	switch p {
	case GRPC, GRPCWeb:
		return p.decodeFrames(resp, body)
	case Connect, ConnectJSON:
		return p.decodeConnect(method, resp, body)
	}
	return decodeREST(method, verb, resp, body)
}

// foreign is an answer that is none of the protocol's, such as the page of a
// proxy. A request that was refused with 4xx had no effect; else nobody knows.
func foreign(p Protocol, resp *http.Response, body []byte, f *trace.Failure) received {
	f.Message = fmt.Sprintf("HTTP %d with content type %q instead of an answer of %s", resp.StatusCode, resp.Header.Get("Content-Type"), p)
	return received{message: body, codec: optestv1.Event_FOREIGN, failure: f, open: resp.StatusCode < 400 || resp.StatusCode > 499}
}

// mediaType is the content type without parameters, in lower case.
func mediaType(resp *http.Response) string {
	t, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return t
}
