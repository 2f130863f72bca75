package mockserver

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
)

// Call is one call as the server saw it.
type Call struct {
	// Number counts the server's calls from 1, in the order in which they ended.
	Number uint64
	// Begin and End are by the server's clock.
	Begin, End time.Time
	// Method is `package.Service/Method`.
	Method string
	// Protocol is grpc, grpcweb, connect or rest.
	Protocol string
	// Peer is the client's address, empty in memory.
	Peer string
	// Header holds the request's headers with secrets blanked.
	Header http.Header
	// Request is nil where it could not be decoded.
	Request proto.Message
	// Response is nil unless Code is OK.
	Response proto.Message
	Code     codes.Code
	// Message is that of an error.
	Message string
	// Operation is the id of the operation that the call was about, if any.
	Operation string
	// Scenario, Step and Faults say what played the answer.
	Scenario string
	Step     string
	Faults   []string
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
		fmt.Fprintf(&b, " fault %s", strings.Join(c.Faults, ", "))
	}
	if took := c.End.Sub(c.Begin); took >= time.Millisecond {
		fmt.Fprintf(&b, " after %v", took.Round(time.Millisecond))
	}
	return b.String()
}

// journal remembers the latest calls.
type journal struct {
	mu    sync.Mutex
	limit int
	calls []*Call // a ring once it is full: the oldest is at total % limit
	total uint64
}

// add numbers the call and keeps it. The journal owns it from here on.
func (j *journal) add(c *Call) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.total++
	c.Number = j.total
	if len(j.calls) < j.limit {
		j.calls = append(j.calls, c)
		return
	}
	j.calls[(j.total-1)%uint64(j.limit)] = c
}

// list returns copies, the oldest first, and how many are forgotten.
func (j *journal) list() (calls []Call, forgotten uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := uint64(len(j.calls))
	for i := range n {
		calls = append(calls, j.calls[(j.total-n+i)%uint64(j.limit)].copied())
	}
	return calls, j.total - n
}

// copied shares nothing that the holder could change.
func (c *Call) copied() Call {
	out := *c
	out.Header = c.Header.Clone()
	if c.Request != nil {
		out.Request = proto.Clone(c.Request)
	}
	if c.Response != nil {
		out.Response = proto.Clone(c.Response)
	}
	return out
}
