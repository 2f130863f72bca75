package mockserver

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"strings"
	"sync"
	"time"

	"connectrpc.com/connect/v2"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/optest-dev/optest/mockserver/engine"
	"github.com/optest-dev/optest/mockserver/internal/breakage"
	"github.com/optest-dev/optest/mockserver/internal/rest"
	"github.com/optest-dev/optest/trace"
)

// Headers that say what played an answer.
const (
	HeaderScenario = "x-optest-scenario"
	HeaderStep     = "x-optest-step"
	HeaderFault    = "x-optest-fault"
	headerHint     = "x-operation-poll-interval"
	headerKey      = "idempotency-key"
)

// What is set or looked up in every call is spelt as net/http keeps it, which
// spares the conversion.
var (
	canonicalScenario = http.CanonicalHeaderKey(HeaderScenario)
	canonicalStep     = http.CanonicalHeaderKey(HeaderStep)
	canonicalKey      = http.CanonicalHeaderKey(headerKey)
	canonicalSession  = http.CanonicalHeaderKey(HeaderSession)
)

// call is a call under way.
type call struct {
	server  *Server
	session *session
	info    *connect.CallInfo
	labels  http.Header      // of the answer, where they need no detour through info
	now     time.Time        // when it began, by the server's clock
	control bool             // record nothing
	refused error            // its session can't be had
	spoilt  *spoilt          // goes out instead of the response
	answer  *breakage.Answer // nil without a connection

	standard *playing       // the default scenario
	guess    *playing       // the scenario that a request names, before one is chosen
	played   *playing       // the scenario that plays the answer
	doom     *status.Status // of the operation that is to begin

	request proto.Message // once it was decoded
	tapped  rest.Tapped   // what is being received or sent
	record  *record       // the journal's once the call has ended
}

// calls that have ended are used again.
var calls = sync.Pool{New: func() any { return new(call) }}

// handler answers a request that has passed authentication and validation.
type handler func(ctx context.Context, c *call, request proto.Message) (proto.Message, error)

// access says who may call a method.
type access int

const (
	guarded access = iota // needs the token, where there is one
	open
)

// unary binds a handler to a method: every call is authenticated, decoded,
// validated against the documented constraints, answered and recorded.
func (s *Server) unary(m *method, a access, h handler) connect.Method {
	spec := connect.Spec{StreamType: connect.StreamTypeUnary, Schema: m.desc, Procedure: m.procedure}
	name := strings.TrimPrefix(spec.Procedure, "/")
	return connect.Method{Spec: spec, Handler: func(ctx context.Context, _ connect.Spec, stream connect.ServerStream) error {
		c := s.begin(ctx, name)
		if err := s.admit(c, m, a); err != nil {
			return c.end(err)
		}
		req := m.request.New().Interface()
		if err := c.receive(stream, req); err != nil {
			return c.end(err)
		}
		c.request = req
		c.guess = c.session.repertoire.namedBy(m, req.ProtoReflect())
		var response proto.Message
		var err error
		if violations := c.check(m, req); len(violations) > 0 {
			response, err = s.refuse(ctx, c, m, h, req, invalidRequest(violations))
		} else {
			response, err = h(ctx, c, req)
		}
		if err != nil {
			return c.end(err)
		}
		c.distort(nil)
		return c.end(c.send(stream, response))
	}}
}

// streamer answers a request with as many messages as it sends.
type streamer func(ctx context.Context, c *call, request proto.Message, send func(proto.Message) error) error

// streaming binds a streamer to a method of the control API: its calls are not
// recorded.
func (s *Server) streaming(m *method, a access, stream streamer) connect.Method {
	spec := connect.Spec{StreamType: connect.StreamTypeServer, Schema: m.desc, Procedure: m.procedure}
	name := strings.TrimPrefix(spec.Procedure, "/")
	return connect.Method{Spec: spec, Handler: func(ctx context.Context, _ connect.Spec, out connect.ServerStream) error {
		c := s.begin(ctx, name)
		if err := s.admit(c, m, a); err != nil {
			return c.end(err)
		}
		req := m.request.New().Interface()
		if err := c.receive(out, req); err != nil {
			return c.end(err)
		}
		return c.end(stream(ctx, c, req, func(m proto.Message) error { return out.Send(m) }))
	}}
}

// admit takes up a call of the method, unless the caller may not make it.
func (s *Server) admit(c *call, m *method, a access) error {
	c.control = m.control
	c.record.packed.desc = m.desc
	c.record.Withheld = new(trace.Redactor).Withholds(c.record.Method)
	if c.refused != nil {
		return c.refused
	}
	if a == guarded {
		if err := s.authenticate(c); err != nil && !c.admits() {
			return err
		}
	}
	return nil
}

func (c *call) receive(stream connect.ServerStream, req proto.Message) error {
	if c.control {
		return stream.Receive(req)
	}
	if err := stream.Receive(c.receives(c.reads(req))); err != nil {
		return err
	}
	c.record.compose(req)
	return nil
}

func (c *call) send(stream connect.ServerStream, response proto.Message) error {
	switch {
	case c.control:
		return stream.Send(response)
	case c.spoilt != nil:
		return stream.Send(c.sends(c.spoilt))
	}
	return stream.Send(c.sends(response))
}

func (s *Server) begin(ctx context.Context, method string) *call {
	info, ok := connect.CallInfoForServerContext(ctx)
	if !ok {
		info = &connect.CallInfo{}
	}
	c := calls.Get().(*call)
	c.server, c.info, c.record = s, info, newRecord()
	if c.session, c.refused = s.session(info.RequestHeader().Get(canonicalSession)); c.refused != nil {
		c.session = s.root.Load()
	}
	c.now = c.session.clock.now()
	c.standard = c.session.repertoire.defaultScenario()
	if answer, ok := breakage.From(ctx); ok {
		answer.Claim()
		c.answer, c.labels = answer, answer.Header()
	} else {
		c.labels = http.Header{}
	}
	c.record.Begin = c.now
	c.record.Method = method
	c.record.Protocol = info.Protocol
	c.record.Codec = info.Codec
	c.record.Peer = info.PeerAddr
	if c.answer != nil && info.Protocol == rest.ProtocolName {
		c.record.verb, c.record.target = c.answer.Request()
	}
	c.record.asked = redacted(c.record.asked, info.RequestHeader().All())
	if shown, ok := ctx.Value(misrouted{}).([]*quirk); ok {
		c.note(shown...)
	}
	return c
}

func (c *call) header(name string) string { return c.info.RequestHeader().Get(name) }

// end records the call and returns what the client is to get. Only a
// connect.Error keeps its text on the wire, so others become one.
func (c *call) end(err error) error {
	err = public(err)
	if err != nil {
		err = c.misreport(err)
		c.distort(err)
	}
	s, ss, r, answer := c.server, c.session, c.record, c.answer
	if c.control {
		r.reuse()
		c.reuse()
		return err
	}
	if r.Withheld {
		r.packed.drop(partRequest)
	}
	if err != nil {
		r.packed.drop(partResponse)
		r.Code = codes.Code(connect.CodeOf(err))
		r.Message = err.Error()
		if e := (*connect.Error)(nil); errors.As(err, &e) {
			r.Message = e.Message()
			r.Details = detailsOf(e)
		}
	}
	r.added = redacted(r.added, c.info.ResponseHeader().All())
	r.trailer = redacted(r.trailer, c.info.ResponseTrailer().All())
	c.reuse()
	if answer != nil && answer.Faulted() {
		answer.Settled(func(sent breakage.Sent) {
			r.outcome(sent)
			s.record(ss, r)
		})
		return err
	}
	s.record(ss, r)
	return err
}

// reuse takes a call that has ended.
func (c *call) reuse() {
	*c = call{}
	calls.Put(c)
}

func public(err error) error {
	if err == nil {
		return nil
	}
	if e := (*connect.Error)(nil); errors.As(err, &e) {
		return err
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return connect.NewError(connect.CodeDeadlineExceeded, "the call's deadline has passed").WithCause(err)
	case errors.Is(err, context.Canceled):
		return connect.NewError(connect.CodeCanceled, "the client has cancelled the call").WithCause(err)
	}
	return connect.NewError(connect.CodeInternal, "optest: "+err.Error()).WithCause(err)
}

// plays notes what the answer comes from, in the record and in its headers.
func (c *call) plays(op *longRunning, st engine.State) {
	c.record.Operation, c.record.Phase = op.id, faultPhase(st.Phase)
	if st.PollHint != "" {
		c.info.ResponseHeader().Set(headerHint, st.PollHint)
	}
	c.scenario(op.playing, st.Step)
}

func (c *call) scenario(p *playing, step string) {
	c.played = p
	c.record.Scenario, c.record.Step = p.name(), step
	if c.server.config.plain {
		return
	}
	c.labels[canonicalScenario] = p.nameHeader
	if step != "" {
		c.labels[canonicalStep] = p.stepHeader(step)
	}
}

// struck notes the faults that hit the call.
func (c *call) struck(b blow) {
	if len(b.applied) == 0 {
		return
	}
	c.record.Faults = append(c.record.Faults, b.applied...)
	if !c.server.config.plain {
		c.labels.Set(HeaderFault, strings.Join(faultNames(c.record.Faults), ", "))
	}
}

// redacted appends a header, secrets blanked.
func redacted(list trace.Fields, header iter.Seq2[string, []string]) trace.Fields {
	r := new(trace.Redactor)
	for name, values := range header {
		for _, value := range values {
			list = r.Append(list, name, value)
		}
	}
	return list
}

// detailsOf are an error's details.
func detailsOf(e *connect.Error) []*anypb.Any {
	var list []*anypb.Any
	for _, d := range e.Details() {
		list = append(list, &anypb.Any{TypeUrl: typeURLPrefix + d.Type, Value: d.Value})
	}
	return list
}
