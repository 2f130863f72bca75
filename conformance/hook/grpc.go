package hook

import (
	"context"
	"slices"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/optest-dev/optest/conformance/internal/exchange"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// DialOptions watch the unary calls of a client of grpc-go. They belong behind
// other interceptors, so that each try of one that retries is seen.
//
// Messages are recorded as they are on the wire, without compression, whatever
// codec the client has. What grpc-go does not tell is not seen: frames, and the
// protocol's own headers.
func (h *Hook) DialOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithChainUnaryInterceptor(h.intercept),
		grpc.WithStatsHandler(stats{h}),
	}
}

// intercept is a grpc.UnaryClientInterceptor.
func (h *Hook) intercept(
	ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption,
) error {
	name := strings.TrimPrefix(method, "/")
	if !exchange.Known(name) {
		return invoker(ctx, method, req, reply, cc, opts...)
	}
	recorder := h.observer.Recorder
	c := &call{codec: codecOf(opts), store: recorder.Store, withheld: recorder.Redactor.Withholds(name)}
	// Behind those of the client, for the codec; a slice of one's own, because calls
	// share the client's.
	opts = append(slices.Grow(opts[:len(opts):len(opts)], 3), grpc.Header(&c.header), grpc.Trailer(&c.trailer))
	if c.codec.inner != nil {
		opts = append(opts, grpc.ForceCodecV2(c))
	}
	e := &trace.Event{
		Method: name, Protocol: optestv1.Event_GRPC, RequestCodec: c.codec.kind, ResponseCodec: c.codec.kind,
		RequestFidelity: optestv1.Event_UNSEEN, ResponseFidelity: optestv1.Event_UNSEEN,
	}
	if md, ok := metadata.FromOutgoingContext(ctx); ok {
		e.RequestHeader = recorder.Fields(md)
	}
	e.Called = recorder.Now()
	if deadline, ok := ctx.Deadline(); ok {
		e.Timeout = max(0, time.Until(deadline))
	}
	err := invoker(context.WithValue(ctx, callKey{}, c), method, req, reply, cc, opts...)
	h.record(ctx, e, c, err)
	return err
}

// record tells how the call has ended.
func (h *Hook) record(ctx context.Context, e *trace.Event, c *call, err error) {
	recorder := h.observer.Recorder
	e.ResponseHeader, e.Trailer = recorder.Fields(c.header), recorder.Fields(c.trailer)
	e.Caller = h.conns.caller(c.connection.Load())
	switch {
	case c.withheld:
		e.RequestFidelity, e.ResponseFidelity = optestv1.Event_WITHHELD, optestv1.Event_WITHHELD
	default:
		if c.request != nil {
			e.Request, e.RequestFidelity = c.request, optestv1.Event_FIDELITY_UNSPECIFIED
		}
		// A call that failed without a message has none.
		if c.response != nil || err != nil && c.answered.Load() {
			e.Response, e.ResponseFidelity = c.response, optestv1.Event_FIDELITY_UNSPECIFIED
		}
	}
	e.Outcome, e.Failure = outcome(ctx, c, err)
	if c.undecodable {
		e.Note = exchange.Unread
	}
	recorder.End(e)
}

// outcome tells an end that the server has stated from one that the client came to
// by itself.
func outcome(ctx context.Context, c *call, err error) (optestv1.Event_Outcome, *trace.Failure) {
	if err == nil || c.undecodable {
		// An answer came, whether the client could read it or not.
		return optestv1.Event_OK, nil
	}
	st := status.Convert(err)
	f := &trace.Failure{Code: code.Code(st.Code()), Message: st.Message()}
	if c.answered.Load() && !ofCardinality(st) {
		if p := st.Proto(); len(p.GetDetails()) > 0 {
			if raw, err := proto.Marshal(p); err == nil {
				f.Details = raw
			}
		}
		return optestv1.Event_FAILED, f
	}
	f.Code = code.Code_OK
	switch {
	case st.Code() == codes.DeadlineExceeded || ctx.Err() == context.DeadlineExceeded:
		f.Cause = optestv1.Event_Failure_TIMEOUT
	case st.Code() == codes.Canceled || ctx.Err() != nil:
		f.Cause = optestv1.Event_Failure_CANCELLED
	case c.connection.Load() == nil:
		f.Cause = optestv1.Event_Failure_LOCAL_ERROR
	default:
		f.Cause = optestv1.Event_Failure_RESET
	}
	return optestv1.Event_INDETERMINATE, f
}

// ofCardinality reports whether the status is grpc-go's own for an answer with OK
// and none or too many messages.
func ofCardinality(st *status.Status) bool {
	return st.Code() == codes.Internal && strings.HasPrefix(st.Message(), "cardinality violation")
}
