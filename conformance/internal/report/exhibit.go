package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/optest-dev/optest/conformance/internal/httprule"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// exhibit is an event of the evidence as a person reads it. All its text is plain.
type exhibit struct {
	event *trace.Event
	// Name is such as `#12`, Call such as `OperationService/Get`, By who called and
	// over what, At when.
	Name, Call, By, At string
	// Ended says how the call ended, Shows what its answer says, empty without one.
	Ended, Shows string
	// Asked is the request, empty where it was not seen.
	Asked string

	method protoreflect.MethodDescriptor // nil if unknown
}

// view reads what events hold.
type view struct {
	messages *trace.Decoder
	ops      map[*trace.Event]string // the operation that each is about
}

func newView() *view {
	return &view{messages: trace.NewDecoder(nil, nil), ops: map[*trace.Event]string{}}
}

// request is what a call asks for. Over REST, a part of that is in its target.
func (v *view) request(e *trace.Event) (proto.Message, error) {
	verb, target, ok := strings.Cut(e.HTTPRequest, " ")
	if e.Protocol != optestv1.Event_REST || !ok {
		return v.messages.Request(e)
	}
	desc, err := v.messages.Method(e.Method)
	if err != nil {
		return nil, err
	}
	kind, err := protoregistry.GlobalTypes.FindMessageByName(desc.Input().FullName())
	if err != nil {
		return nil, err
	}
	m := kind.New().Interface()
	return m, httprule.Decode(desc, verb, target, e.Request.Bytes(), m)
}

func (v *view) exhibit(e *trace.Event) *exhibit {
	x := &exhibit{
		event: e,
		Name:  fmt.Sprintf("#%d", e.Number),
		Call:  plain(callName(e)),
		By:    plain(protocolName(e)),
		At:    span(e.Called, e.Returned),
		Ended: plain(ending(e)),
	}
	if who := lane(e); who != "" {
		x.By += " by " + plain(who)
	}
	x.method, _ = v.messages.Method(e.Method)
	if m, err := v.request(e); err == nil {
		x.Asked = compact(m)
	} else if e.Request != nil && readable(e.Request.Bytes()) {
		x.Asked = plain(string(e.Request.Bytes()))
	}
	if m, err := v.messages.Response(e); err == nil {
		x.Shows = shown(m)
	}
	if v.state(e) == stateConflict && hasBothResults(e) {
		x.Shows = "an operation with both error and response" // a decoder shows one of them
	}
	return x
}

// callName is the method without its package.
func callName(e *trace.Event) string {
	service, method, ok := strings.Cut(e.Method, "/")
	if !ok {
		if e.HTTPRequest != "" {
			return e.HTTPRequest
		}
		return "call"
	}
	return service[strings.LastIndexByte(service, '.')+1:] + "/" + method
}

var protocolNames = map[optestv1.Event_Protocol]string{
	optestv1.Event_GRPC: "gRPC", optestv1.Event_GRPC_WEB: "gRPC-Web", optestv1.Event_CONNECT: "Connect", optestv1.Event_REST: "REST",
}

func protocolName(e *trace.Event) string {
	name := protocolNames[e.Protocol]
	if name == "" {
		name = "HTTP"
	}
	if e.Protocol == optestv1.Event_CONNECT && e.ResponseCodec == optestv1.Event_JSON {
		name += " with JSON"
	}
	if e.HTTPRequest != "" {
		name = fmt.Sprintf("%s (%s)", name, clipped(plain(e.HTTPRequest), 80))
	}
	return name
}

// lane is who called, as finely as it is known.
func lane(e *trace.Event) string {
	for _, name := range []string{e.Connection(), e.Reader(), e.Peer(), e.Session()} {
		if name != "" {
			return name
		}
	}
	return ""
}

func ending(e *trace.Event) string {
	switch e.Outcome {
	case optestv1.Event_OK:
		return "OK"
	case optestv1.Event_FAILED:
		text := codeName(int32(e.Code()))
		if e.HTTPStatus != 0 && e.Protocol != optestv1.Event_GRPC && e.Protocol != optestv1.Event_GRPC_WEB {
			text += fmt.Sprintf(" (HTTP %d)", e.HTTPStatus)
		}
		if e.Failure != nil && e.Failure.Message != "" {
			text += ": " + clipped(plain(e.Failure.Message), 200)
		}
		return text
	}
	text := "nobody knows how it ended"
	if e.Failure != nil && e.Failure.Cause != optestv1.Event_Failure_CAUSE_UNSPECIFIED {
		text += " (" + strings.ToLower(words(e.Failure.Cause.String())) + ")"
	}
	return text
}

func codeName(n int32) string {
	if name, ok := code.Code_name[n]; ok {
		return name
	}
	return fmt.Sprintf("code %d", n)
}

// span is from when to when, by the trace's clock. A call that takes no millisecond
// has more digits.
func span(from, until time.Duration) string {
	if a, b := clock(from), clock(until); a != b || from == until {
		return a + " to " + b
	}
	return fmt.Sprintf("%.6fs to %.6fs", from.Seconds(), until.Seconds())
}

// clock is an offset as the rules write it.
func clock(d time.Duration) string { return fmt.Sprintf("%.3fs", d.Seconds()) }

// shown is what a message says, on one line.
func shown(m proto.Message) string {
	if op, ok := m.(*operation.Operation); ok {
		return operationShown(op)
	}
	return compact(m)
}

// operationShown is an operation's state in words: its bytes are shown beside it.
func operationShown(op *operation.Operation) string {
	said := []string{"in progress"}
	if op.GetDone() {
		said[0] = "done"
	}
	switch r := op.GetResult().(type) {
	case *operation.Operation_Error:
		text := "error " + codeName(r.Error.GetCode())
		if r.Error.GetMessage() != "" {
			text += fmt.Sprintf(" %q", clipped(plain(r.Error.GetMessage()), 100))
		}
		said = append(said, text)
	case *operation.Operation_Response:
		name := r.Response.GetTypeUrl()
		said = append(said, "response "+clipped(plain(name[strings.LastIndexAny(name, "./")+1:]), 100))
	default:
		said = append(said, "neither error nor response")
	}
	if t := op.GetModifiedAt(); t != nil {
		if t.IsValid() {
			said = append(said, "modified_at "+t.AsTime().Format(time.RFC3339Nano))
		} else {
			said = append(said, fmt.Sprintf("modified_at of %d seconds and %d nanoseconds", t.GetSeconds(), t.GetNanos()))
		}
	}
	return fmt.Sprintf("operation %s: %s", clipped(plain(op.GetId()), 40), strings.Join(said, ", "))
}

// compact is a message in JSON on one line, as far as it can be shown so.
func compact(m proto.Message) string {
	text, err := protojson.Marshal(m)
	if err != nil {
		return ""
	}
	// Protojson varies its spaces.
	var b strings.Builder
	quoted := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			b.WriteByte(c)
			i++
			b.WriteByte(text[i])
			continue
		case c == '"':
			quoted = !quoted
		case c == ' ' && !quoted:
			continue
		}
		b.WriteByte(text[i])
	}
	return plain(b.String())
}

// exhibits are a violation's evidence.
func (v *view) exhibits(of *optestv1.Violation) []*exhibit {
	var list []*exhibit
	for _, e := range events(of) {
		list = append(list, v.exhibit(e))
	}
	return list
}

// rows are the answer's bytes taken apart: of a message that is decoded by its
// method's schema, nil for others. What the names are of is marked. It reports
// whether that is all.
func (v *view) rows(x *exhibit, names map[string]bool) (rows []row, whole bool) {
	e := x.event
	if e.Response == nil || x.method == nil || e.ResponseFidelity != optestv1.Event_FIDELITY_UNSPECIFIED {
		return nil, true
	}
	desc := x.method.Output()
	if e.Outcome != optestv1.Event_OK {
		desc = (&status.Status{}).ProtoReflect().Descriptor()
	}
	switch {
	case e.ResponseCodec == optestv1.Event_PROTO && e.Outcome == optestv1.Event_OK:
		rows, whole = dissect(e.Response.Bytes(), desc)
	case e.ResponseCodec == optestv1.Event_JSON && e.Outcome == optestv1.Event_OK:
		rows, whole = dissectJSON(e.Response.Bytes(), desc)
	case e.ResponseCodec == optestv1.Event_JSON && e.Protocol == optestv1.Event_REST:
		rows, whole = dissectJSON(e.Response.Bytes(), desc)
	default:
		return nil, true
	}
	if n := len(rows) - 1; e.Response.Cut() && n >= 0 && rows[n].Field == damaged {
		rows[n].Odd, rows[n].Value = "", "… (the rest was not kept)"
	}
	return attend(rows, names, desc), whole && !e.Response.Cut()
}
