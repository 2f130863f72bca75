package mockserver

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// Call is a call as the server saw it.
type Call struct {
	// Number counts the server's calls from 1, in the order in which they ended.
	Number uint64
	// Begin and End are by the server's clock. Those before a LoadState have been
	// moved along with it, so that the pauses between calls are what they were.
	Begin, End time.Time
	// Method is `package.Service/Method`.
	Method string
	// Protocol is grpc, grpcweb, connect, rest, or http for a request that is a
	// call of nothing.
	Protocol string
	// HTTPRequest is method and target, such as `GET /operations/fv4`, of a request
	// over REST or of one that is a call of nothing.
	HTTPRequest string
	// Codec is that of the messages: proto or json.
	Codec string
	// Peer is the client's address, empty in memory.
	Peer string
	// Header holds the request's headers with secrets blanked.
	Header http.Header
	// Withheld: the messages hold credentials and are not kept.
	Withheld bool
	// RequestBytes are the request as it came: decompressed and without frames; over
	// REST the body. Nil: there was none, or it could not be read.
	RequestBytes []byte
	// Request is nil where the bytes could not be decoded.
	Request proto.Message

	// ResponseHeader and ResponseTrailer are what the service has added to the
	// answer. Where a fault has changed the answer as a whole, they are all that it
	// ends up with.
	ResponseHeader, ResponseTrailer http.Header
	// ResponseBytes are the response as it went out, which a fault may have spoilt:
	// uncompressed and without frames. Nil unless Code is OK or a fault has put
	// something in the answer's place.
	ResponseBytes []byte
	// Response is nil where the bytes are no response.
	Response proto.Message
	// HTTPStatus is that of an answer that a fault has changed as a whole, else 0.
	HTTPStatus int
	// Foreign tells answers in whose place a fault has put something that is no
	// message, such as the page of a proxy.
	Foreign bool
	// Broken tells answers that a fault has broken off. Code is then what the server
	// meant to say.
	Broken bool
	Code   codes.Code
	// Message is that of an error, Details are what came with it.
	Message string
	Details []*anypb.Any

	// Operation is the id of the operation that the call was about, if any, and
	// Phase what the answer showed of it.
	Operation string
	Phase     optestv1.Fault_Phase
	// Scenario, Step and Faults say what played the answer.
	Scenario string
	Step     string
	Faults   []AppliedFault
}

// AppliedFault is a fault that has struck a call.
type AppliedFault struct {
	Name string
	// Effect is the name of its field in optestv1.Fault, such as `delay`.
	Effect string
	// Scenario has the fault. Empty: it was injected.
	Scenario string
}

// String is the call on one line.
func (c Call) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %-8s%s", c.Begin.UTC().Format("15:04:05.000"), c.Protocol, c.Method[strings.LastIndexByte(c.Method, '/')+1:])
	if c.Operation != "" {
		fmt.Fprintf(&b, " %s", c.Operation)
	}
	fmt.Fprintf(&b, " -> %s", c.Code)
	if c.Message != "" {
		fmt.Fprintf(&b, " %s", quoted(c.Message))
	}
	if c.Scenario != "" {
		fmt.Fprintf(&b, "  [%s %s]", c.Scenario, c.Step)
	}
	if len(c.Faults) > 0 {
		fmt.Fprintf(&b, " fault %s", strings.Join(c.FaultNames(), ", "))
	}
	if took := c.End.Sub(c.Begin); took >= time.Millisecond {
		fmt.Fprintf(&b, " after %v", took.Round(time.Millisecond))
	}
	return b.String()
}

// FaultNames are those of the faults that have struck.
func (c Call) FaultNames() []string { return faultNames(c.Faults) }

func faultNames(faults []AppliedFault) []string {
	var names []string
	for _, f := range faults {
		names = append(names, f.Name)
	}
	return names
}
