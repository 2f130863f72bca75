package mockserver

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"connectrpc.com/connect/v2"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/optest-dev/optest/mockserver/internal/breakage"
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

// call is one unary call, under way and then in the journal.
type call struct {
	server  *Server           // nil once it has ended
	session *session          // nil once it has ended
	info    *connect.CallInfo // nil once it has ended
	labels  http.Header       // of the answer, where they need no detour through info; nil once it has ended
	now     time.Time         // when it began, by the server's clock
	secret  bool              // request and response hold credentials: record neither
	control bool              // record nothing
	refused error             // its session can't be had
	spoilt  *spoilt           // goes out instead of the response
	answer  *breakage.Answer  // nil without a connection, and once it has ended

	standard *playing       // the default scenario
	guess    *playing       // the scenario that a request names, before one is chosen
	played   *playing       // the scenario that plays the answer
	doom     *status.Status // of the operation that is to begin

	record Call   // all but the header and, once it has ended, the messages
	lines  []line // of the request's header, secrets blanked
	packed packed
}

// calls that the journal has forgotten are used again, so that a full journal
// costs the garbage collector nothing.
var calls = sync.Pool{New: func() any { return new(call) }}

// reuse takes a call that nobody looks at any more.
func (c *call) reuse() {
	next := call{}
	if cap(c.lines) <= keptLines {
		clear(c.lines)
		next.lines = c.lines[:0]
	}
	if cap(c.packed.encoded) <= keptEncoded {
		next.packed.encoded = c.packed.encoded[:0]
	}
	*c = next
	calls.Put(c)
}

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
		c.control = m.control
		if c.refused != nil {
			return c.end(c.refused)
		}
		if a == guarded {
			if err := s.authenticate(c); err != nil && !c.admits() {
				return c.end(err)
			}
		}
		c.redact()
		req := m.request.New().Interface()
		if err := c.receive(stream, req); err != nil {
			return c.end(err)
		}
		c.record.Request = req
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
		c.record.Response = response
		c.distort(nil)
		if c.spoilt != nil {
			return c.end(stream.Send(c.spoilt))
		}
		return c.end(stream.Send(response))
	}}
}

func (s *Server) begin(ctx context.Context, method string) *call {
	info, ok := connect.CallInfoForServerContext(ctx)
	if !ok {
		info = &connect.CallInfo{}
	}
	c := calls.Get().(*call)
	c.server, c.info = s, info
	if c.session, c.refused = s.session(info.RequestHeader().Get(canonicalSession)); c.refused != nil {
		c.session = s.root.Load()
	}
	c.now = c.session.clock.now()
	c.standard = c.session.repertoire.defaultScenario()
	if answer, ok := breakage.From(ctx); ok {
		c.answer, c.labels = answer, answer.Header()
	} else {
		c.labels = http.Header{}
	}
	c.record.Begin = c.now
	c.record.Method = method
	c.record.Protocol = info.Protocol
	c.record.Peer = info.PeerAddr
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
	c.record.End = c.session.clock.now()
	if c.secret {
		c.record.Request, c.record.Response = nil, nil
	}
	if err != nil {
		c.record.Response = nil
		c.record.Code = codes.Code(connect.CodeOf(err))
		c.record.Message = err.Error()
		if e := (*connect.Error)(nil); errors.As(err, &e) {
			c.record.Message = e.Message()
		}
	}
	c.pack()
	s, ss := c.server, c.session
	c.server, c.session, c.info, c.labels, c.answer = nil, nil, nil, nil, nil
	c.standard, c.guess, c.played, c.doom = nil, nil, nil, nil
	if !c.control {
		s.record(ss, c)
	}
	return err
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
func (c *call) plays(op *longRunning, step, hint string) {
	c.record.Operation = op.id
	if hint != "" {
		c.info.ResponseHeader().Set(headerHint, hint)
	}
	c.scenario(op.playing, step)
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
	if len(b.names) == 0 {
		return
	}
	c.record.Faults = append(c.record.Faults, b.names...)
	if !c.server.config.plain {
		c.labels.Set(HeaderFault, strings.Join(c.record.Faults, ", "))
	}
}

// secretHeaders never get into a record with their text.
var secretHeaders = []string{"Authorization", "Cookie", "Proxy-Authorization", "X-Yacloud-Subjecttoken"}

// redact takes the request's headers into the record, secrets blanked.
func (c *call) redact() {
	for name, values := range c.info.RequestHeader().All() {
		if slices.Contains(secretHeaders, name) {
			c.lines = append(c.lines, line{name, "(redacted)"})
			continue
		}
		for _, value := range values {
			c.lines = append(c.lines, line{name, value})
		}
	}
}
