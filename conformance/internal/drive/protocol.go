package drive

import (
	"encoding/binary"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/optest-dev/optest/conformance/internal/exchange"
	"github.com/optest-dev/optest/conformance/internal/httprule"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
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

// call is one of a method for the recorder.
func (p Protocol) call(m protoreflect.MethodDescriptor, verb string) exchange.Call {
	protocol, codec := optestv1.Event_GRPC, optestv1.Event_PROTO
	switch p {
	case GRPCWeb:
		protocol = optestv1.Event_GRPC_WEB
	case Connect:
		protocol = optestv1.Event_CONNECT
	case ConnectJSON:
		protocol, codec = optestv1.Event_CONNECT, optestv1.Event_JSON
	case REST:
		protocol, codec = optestv1.Event_REST, optestv1.Event_JSON
	}
	return exchange.NewCall(protocol, codec, m, verb)
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
	s := sent{verb: http.MethodPost, target: "/" + exchange.NameOf(call.Method), body: message, message: message, header: map[string]string{"User-Agent": userAgent}}
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
	s := sent{verb: http.MethodPost, target: "/" + exchange.NameOf(call.Method), header: map[string]string{"User-Agent": userAgent, "Accept-Encoding": "identity"}}
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

// framed is a message as gRPC sends it.
func framed(message []byte) []byte {
	const prefixLen = 5
	frame := make([]byte, prefixLen, prefixLen+len(message))
	binary.BigEndian.PutUint32(frame[1:], uint32(len(message)))
	return append(frame, message...)
}
