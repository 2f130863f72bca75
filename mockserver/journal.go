package mockserver

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
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
	mu      sync.Mutex
	limit   int
	calls   []*call // a ring once it is full: the oldest is at total % limit
	total   uint64
	dropped uint64 // by clear
}

// add numbers an ended call and keeps it. The journal owns it from here on; it
// gives up the call, if any, that had to make room.
func (j *journal) add(c *call) (number uint64, displaced *call) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.total++
	c.record.Number = j.total
	if len(j.calls) < j.limit {
		j.calls = append(j.calls, c)
		return j.total, nil
	}
	oldest := &j.calls[(j.total-j.dropped-1)%uint64(j.limit)]
	displaced, *oldest = *oldest, c
	return j.total, displaced
}

// clear forgets all calls. Numbers go on.
func (j *journal) clear() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.calls, j.dropped = nil, j.total
}

// list returns copies, the oldest first, and how many are forgotten.
func (j *journal) list() (calls []Call, forgotten uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := uint64(len(j.calls))
	for i := range n {
		calls = append(calls, j.calls[(j.total-j.dropped-n+i)%uint64(j.limit)].copied())
	}
	return calls, j.total - j.dropped - n
}

// copied shares nothing that the holder could change.
func (c *call) copied() Call {
	out := c.record
	out.Header = make(http.Header, len(c.lines))
	for _, l := range c.lines {
		out.Header[l.name] = append(out.Header[l.name], l.value)
	}
	out.Request = unpacked(c.packed.request, c.packed.encoded[:c.packed.split])
	out.Response = unpacked(c.packed.response, c.packed.encoded[c.packed.split:])
	return out
}

// line is one of a header.
type line struct{ name, value string }

// packed are a call's messages, encoded: a journal full of bytes is smaller than
// one full of messages, and the garbage collector has nothing to look for in it.
type packed struct {
	request, response protoreflect.MessageType // nil without one
	encoded           []byte                   // the request up to split, then the response
	split             int
}

// What a call that is used again may keep room for.
const (
	keptLines   = 64
	keptEncoded = 4 << 10 // bytes
)

// pack moves the messages out of the record.
func (c *call) pack() {
	p := &c.packed
	if size := proto.Size(c.record.Request) + proto.Size(c.record.Response); size > cap(p.encoded) {
		p.encoded = make([]byte, 0, size)
	}
	p.request = p.add(c.record.Request)
	p.split = len(p.encoded)
	p.response = p.add(c.record.Response)
	c.record.Request, c.record.Response = nil, nil
}

func (p *packed) add(m proto.Message) protoreflect.MessageType {
	if m == nil {
		return nil
	}
	encoded, err := proto.MarshalOptions{UseCachedSize: true}.MarshalAppend(p.encoded, m)
	if err != nil {
		return nil // then it was not sent either
	}
	p.encoded = encoded
	return m.ProtoReflect().Type()
}

func unpacked(kind protoreflect.MessageType, encoded []byte) proto.Message {
	if kind == nil {
		return nil
	}
	m := kind.New().Interface()
	if err := proto.Unmarshal(encoded, m); err != nil {
		return nil
	}
	return m
}
