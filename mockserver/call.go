package mockserver

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"connectrpc.com/connect/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/optest-dev/optest/mockserver/internal/constraint"
)

// Headers that say what played an answer.
const (
	HeaderScenario = "x-optest-scenario"
	HeaderStep     = "x-optest-step"
	HeaderFault    = "x-optest-fault"
	headerHint     = "x-operation-poll-interval"
	headerKey      = "idempotency-key"
)

// call is one unary call under way.
type call struct {
	server *Server
	info   *connect.CallInfo
	record *Call
	now    time.Time // when it began, by the server's clock
	secret bool      // request and response hold credentials: record neither
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
func (s *Server) unary(desc protoreflect.MethodDescriptor, request protoreflect.MessageType, a access, h handler) connect.Method {
	spec := connect.Spec{StreamType: connect.StreamTypeUnary, Schema: desc, Procedure: procedure(desc)}
	name := strings.TrimPrefix(spec.Procedure, "/")
	return connect.Method{Spec: spec, Handler: func(ctx context.Context, _ connect.Spec, stream connect.ServerStream) error {
		c := s.begin(ctx, name)
		if a == guarded {
			if err := s.authenticate(c); err != nil {
				return c.end(err)
			}
		}
		c.redact()
		req := request.New().Interface()
		if err := stream.Receive(req); err != nil {
			return c.end(err)
		}
		c.record.Request = req
		if violations := constraint.Check(req); len(violations) > 0 {
			return c.end(invalidRequest(violations))
		}
		response, err := h(ctx, c, req)
		if err != nil {
			return c.end(err)
		}
		c.record.Response = response
		err = stream.Send(response)
		return c.end(err)
	}}
}

func (s *Server) begin(ctx context.Context, method string) *call {
	info, ok := connect.CallInfoForServerContext(ctx)
	if !ok {
		info = &connect.CallInfo{}
	}
	now := s.clock.now()
	return &call{server: s, info: info, now: now, record: &Call{
		Begin:    now,
		Method:   method,
		Protocol: info.Protocol,
		Peer:     info.PeerAddr,
	}}
}

func (c *call) header(name string) string { return c.info.RequestHeader().Get(name) }

// end records the call and returns what the client is to get. Only a
// connect.Error keeps its text on the wire, so others become one.
func (c *call) end(err error) error {
	err = public(err)
	c.record.End = c.server.clock.now()
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
	c.server.record(c.record)
	return err
}

func public(err error) error {
	if e := (*connect.Error)(nil); err == nil || errors.As(err, &e) {
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
	c.record.Scenario, c.record.Step = p.name(), step
	if c.server.config.plain {
		return
	}
	c.info.ResponseHeader().Set(HeaderScenario, p.name())
	if step != "" {
		c.info.ResponseHeader().Set(HeaderStep, step)
	}
}

// struck notes the faults that hit the call.
func (c *call) struck(b blow) {
	if len(b.names) == 0 {
		return
	}
	c.record.Faults = append(c.record.Faults, b.names...)
	if !c.server.config.plain {
		c.info.ResponseHeader().Set(HeaderFault, strings.Join(c.record.Faults, ", "))
	}
}

// secretHeaders never get into a record with their text.
var secretHeaders = []string{"Authorization", "Cookie", "Proxy-Authorization", "X-Yacloud-Subjecttoken"}

// redact takes the request's headers into the record, secrets blanked.
func (c *call) redact() {
	header := make(http.Header, c.info.RequestHeader().Len())
	for name, values := range c.info.RequestHeader().All() {
		header[name] = values
	}
	for _, name := range secretHeaders {
		if _, ok := header[name]; ok {
			header[name] = []string{"(redacted)"}
		}
	}
	c.record.Header = header
}
