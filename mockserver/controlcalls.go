package mockserver

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"connectrpc.com/connect/v2"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/protobuf/proto"

	"github.com/optest-dev/optest/mockserver/internal/rest"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// listCalls pages through the journal by the numbers of its calls.
func listCalls(c *call, req *optestv1.ListCallsRequest) (*optestv1.ListCallsResponse, error) {
	size, err := pageSize(req.GetPageSize())
	if err != nil {
		return nil, err
	}
	calls, forgotten := c.session.journal.list()
	response := &optestv1.ListCallsResponse{Forgotten: forgotten}
	sent := map[trace.ID]bool{}
	for _, one := range calls {
		if one.Number <= req.GetAfter() || differs(req.GetMatch(), one) != "" {
			continue
		}
		if len(response.Events) == size {
			break
		}
		event, blobs := c.session.event(one)
		response.Events = append(response.Events, event.Proto())
		response.NextAfter = one.Number
		for _, b := range blobs {
			if !sent[b.ID()] {
				sent[b.ID()] = true
				response.Blobs = append(response.Blobs, &optestv1.Blob{Id: b.ID().String(), Content: &optestv1.Blob_Data{Data: b.Bytes()}})
			}
		}
	}
	return response, nil
}

// verifyCalls counts the calls that match, and says what was there instead.
func verifyCalls(c *call, req *optestv1.VerifyCallsRequest) (*optestv1.VerifyCallsResponse, error) {
	if req.AtLeast == nil && req.AtMost == nil && req.Exactly == nil {
		return nil, invalid("at_least", "want at_least, at_most or exactly: how many calls there must be")
	}
	calls, forgotten := c.session.journal.list()
	response := &optestv1.VerifyCallsResponse{}
	var near []string
	for _, one := range calls {
		switch why := differs(req.GetMatch(), one); {
		case why == "":
			response.Count++
		case len(near) < 10:
			near = append(near, fmt.Sprintf("%s (%s)", one, why))
		}
	}
	n := response.GetCount()
	var want []string
	if req.AtLeast != nil && n < uint64(req.GetAtLeast()) {
		want = append(want, fmt.Sprintf("at least %d", req.GetAtLeast()))
	}
	if req.AtMost != nil && n > uint64(req.GetAtMost()) {
		want = append(want, fmt.Sprintf("at most %d", req.GetAtMost()))
	}
	if req.Exactly != nil && n != uint64(req.GetExactly()) {
		want = append(want, fmt.Sprintf("exactly %d", req.GetExactly()))
	}
	response.Ok = len(want) == 0
	if !response.GetOk() {
		response.Difference = difference(n, want, near, len(calls), forgotten)
	}
	return response, nil
}

func difference(n uint64, want, near []string, seen int, forgotten uint64) string {
	var b strings.Builder
	fmt.Fprintf(&b, "got %d of %d calls, want %s", n, seen, strings.Join(want, " and "))
	if forgotten > 0 {
		fmt.Fprintf(&b, "; %d older calls are forgotten", forgotten)
	}
	for _, line := range near {
		b.WriteString("\n  not ")
		b.WriteString(line)
	}
	return b.String()
}

// differs says in what a call is not one that m is for, empty if it is.
func differs(m *optestv1.CallMatch, c Call) string {
	switch {
	case m == nil:
		return ""
	case m.GetMethod() != "" && !matchesMethod(pattern(m.GetMethod()), c.Method):
		return "method is not " + m.GetMethod()
	case m.Code != nil && m.GetCode() != code.Code(c.Code):
		return "code is not " + m.GetCode().String()
	case m.GetScenario() != "" && m.GetScenario() != c.Scenario:
		return "scenario is not " + m.GetScenario()
	case m.GetOperationId() != "" && m.GetOperationId() != c.Operation:
		return "operation is not " + m.GetOperationId()
	}
	for _, field := range conditions(m.GetFields()) {
		got := ""
		if c.Request != nil {
			got = fieldText(c.Request.ProtoReflect(), field.name)
		}
		if !field.want.matches(got) {
			return fmt.Sprintf("%s is %s, want %q", field.name, quoted(got), field.want)
		}
	}
	for _, header := range conditions(m.GetHeaders()) {
		if !header.want.matches(c.Header.Get(header.name)) {
			return "header " + strings.ToLower(header.name) + " does not match"
		}
	}
	return ""
}

// event is a call in the form in which observers hand calls on, and the bytes of
// its messages.
func (ss *session) event(c Call) (*trace.Event, []*trace.Blob) {
	e := &trace.Event{
		Number:    c.Number,
		Called:    c.Begin.Sub(ss.born),
		Returned:  c.End.Sub(ss.born),
		Caller:    &trace.Caller{Peer: c.Peer, Connection: c.Peer, Session: ss.name},
		Protocol:  eventProtocol(c.Protocol),
		Method:    c.Method,
		Operation: c.Operation,
		Outcome:   optestv1.Event_OK,
	}
	for _, name := range slices.Sorted(maps.Keys(c.Header)) {
		for _, value := range c.Header[name] {
			e.RequestHeader = append(e.RequestHeader, trace.Field{Name: strings.ToLower(name), Value: value})
		}
	}
	if c.Code != 0 {
		e.Outcome = optestv1.Event_FAILED
		e.Failure = &trace.Failure{Code: code.Code(c.Code), Message: c.Message}
	}
	if c.Scenario != "" || len(c.Faults) > 0 {
		e.Played = &trace.Play{Scenario: c.Scenario, Step: c.Step}
		for _, name := range c.Faults {
			e.Played.Faults = append(e.Played.Faults, trace.AppliedFault{Name: name})
		}
	}
	var blobs []*trace.Blob
	if b := blobOf(c.Request); b != nil {
		e.Request, e.RequestCodec, e.RequestFidelity = b, optestv1.Event_PROTO, optestv1.Event_REENCODED
		blobs = append(blobs, b)
	}
	if b := blobOf(c.Response); b != nil {
		e.Response, e.ResponseCodec, e.ResponseFidelity = b, optestv1.Event_PROTO, optestv1.Event_REENCODED
		blobs = append(blobs, b)
	}
	return e, blobs
}

// blobOf is a message as the journal keeps it: decoded and encoded again.
func blobOf(m proto.Message) *trace.Blob {
	if m == nil {
		return nil
	}
	encoded, err := proto.Marshal(m)
	if err != nil {
		return nil // it was decoded or sent, so it can be encoded
	}
	return trace.NewBlob(encoded)
}

func eventProtocol(name string) optestv1.Event_Protocol {
	switch name {
	case connect.ProtocolNameGRPC:
		return optestv1.Event_GRPC
	case connect.ProtocolNameGRPCWeb:
		return optestv1.Event_GRPC_WEB
	case connect.ProtocolNameConnect:
		return optestv1.Event_CONNECT
	case rest.ProtocolName:
		return optestv1.Event_REST
	}
	return optestv1.Event_OTHER
}
