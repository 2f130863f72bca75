package hook_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"

	"github.com/optest-dev/optest/conformance/hook"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// plain is a server of grpc-go that answers as the test says.
type plain struct {
	operation.UnimplementedOperationServiceServer
	answer       func(context.Context, *operation.GetOperationRequest) (*operation.Operation, error)
	contentTypes []string
	dial         []grpc.DialOption
	stop         func()
}

func (p *plain) Get(ctx context.Context, r *operation.GetOperationRequest) (*operation.Operation, error) {
	p.contentTypes = append(p.contentTypes, metadata.ValueFromIncomingContext(ctx, "content-type")...)
	return p.answer(ctx, r)
}

func serve(t *testing.T, opts ...grpc.ServerOption) *plain {
	t.Helper()
	p := &plain{answer: func(_ context.Context, r *operation.GetOperationRequest) (*operation.Operation, error) {
		return &operation.Operation{Id: r.GetOperationId()}, nil
	}}
	listener := bufconn.Listen(64 << 10)
	server := grpc.NewServer(opts...)
	operation.RegisterOperationServiceServer(server, p)
	healthpb.RegisterHealthServer(server, health.NewServer())
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener) // until Stop
	}()
	p.stop = func() {
		server.Stop()
		<-served
	}
	t.Cleanup(p.stop)
	p.dial = []grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }),
	}
	return p
}

func (p *plain) client(t *testing.T, opts ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///optest", append(p.dial, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
	return conn
}

func start(t *testing.T, opts ...hook.Option) *hook.Hook {
	t.Helper()
	h, err := hook.Start(opts...)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// jsonCodec is a codec of a client's own.
type jsonCodec struct{}

func (jsonCodec) Marshal(v any) ([]byte, error)      { return json.Marshal(v) }
func (jsonCodec) Unmarshal(data []byte, v any) error { return json.Unmarshal(data, v) }
func (jsonCodec) Name() string                       { return "own-json" }
func (jsonCodec) String() string                     { return "own-json" }

// pieces is a codec whose messages come in pieces.
type pieces struct{ encoding.CodecV2 }

func (p pieces) Marshal(v any) (mem.BufferSlice, error) {
	data, err := p.CodecV2.Marshal(v)
	if err != nil {
		return nil, err
	}
	flat := data.Materialize()
	data.Free()
	return mem.BufferSlice{mem.SliceBuffer(flat[:1]), mem.SliceBuffer(flat[1:])}, nil
}

func init() { encoding.RegisterCodec(jsonCodec{}) }

// A hooked client sends and gets what it would without the hook, whatever its codec.
func TestCodecs(t *testing.T) {
	request := &operation.GetOperationRequest{OperationId: "fv4"}
	raw, err := proto.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		opts []grpc.CallOption
		kind optestv1.Event_Codec
	}{
		"none":               {nil, optestv1.Event_PROTO},
		"compression":        {[]grpc.CallOption{grpc.UseCompressor(gzip.Name)}, optestv1.Event_PROTO},
		"subtype proto":      {[]grpc.CallOption{grpc.CallContentSubtype("proto")}, optestv1.Event_PROTO},
		"subtype of its own": {[]grpc.CallOption{grpc.CallContentSubtype("own-json")}, optestv1.Event_FOREIGN},
		"forced":             {[]grpc.CallOption{grpc.ForceCodec(jsonCodec{})}, optestv1.Event_FOREIGN},
		"forced, in pieces":  {[]grpc.CallOption{grpc.ForceCodecV2(pieces{encoding.GetCodecV2("proto")})}, optestv1.Event_PROTO},
		//lint:ignore SA1019 clients have it
		"the oldest kind": {[]grpc.CallOption{grpc.CallContentSubtype("own-json"), grpc.CallCustomCodec(jsonCodec{})}, optestv1.Event_FOREIGN},
	} {
		t.Run(name, func(t *testing.T) {
			p := serve(t)
			h := start(t)
			var got []*operation.Operation
			for _, conn := range []*grpc.ClientConn{
				p.client(t, grpc.WithDefaultCallOptions(tt.opts...)),
				p.client(t, append(h.DialOptions(), grpc.WithDefaultCallOptions(tt.opts...))...),
			} {
				op, err := operation.NewOperationServiceClient(conn).Get(t.Context(), request)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, op)
			}
			if !proto.Equal(got[0], got[1]) {
				t.Errorf("the hooked client got %v, want %v", got[1], got[0])
			}
			if p.contentTypes[0] != p.contentTypes[1] {
				t.Errorf("the hooked client sent %q, want %q", p.contentTypes[1], p.contentTypes[0])
			}
			e := h.Trace().Events[0]
			if e.Request == nil || e.Response == nil || e.RequestCodec != tt.kind || e.ResponseCodec != tt.kind {
				t.Errorf("got %+v, want codec %v", e, tt.kind)
			}
			if tt.kind == optestv1.Event_PROTO && string(e.Request.Bytes()) != string(raw) {
				t.Errorf("got request %q, want %q", e.Request.Bytes(), raw)
			}
		})
	}
}

// A codec that there is not is grpc-go's to refuse.
func TestCodecThatThereIsNot(t *testing.T) {
	p := serve(t)
	h := start(t)
	_, err := operation.NewOperationServiceClient(p.client(t, h.DialOptions()...)).Get(t.Context(), &operation.GetOperationRequest{}, grpc.CallContentSubtype("none"))
	if grpcstatus.Code(err) != codes.Internal {
		t.Errorf("got %v, want that no codec is registered", err)
	}
	if e := h.Trace().Events[0]; e.Outcome != optestv1.Event_INDETERMINATE || e.Failure.Cause != optestv1.Event_Failure_LOCAL_ERROR {
		t.Errorf("got %+v", e)
	}
}

// Streams pass through.
func TestStreamsPassThrough(t *testing.T) {
	p := serve(t)
	h := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stream, err := healthpb.NewHealthClient(p.client(t, h.DialOptions()...)).Watch(ctx, &healthpb.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := stream.Recv(); err != nil || got.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		t.Errorf("got %v: %v", got, err)
	}
	cancel()
	if _, err := stream.Recv(); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("got %v, want that the stream is cancelled", err)
	}
	if n := len(h.Trace().Events); n != 0 {
		t.Errorf("got %d events, want none", n)
	}
}

// An end that the server has stated is told from one that the client came to.
func TestOutcomes(t *testing.T) {
	full, err := grpcstatus.New(codes.Unavailable, "full").WithDetails(&errdetails.ErrorInfo{Reason: "FULL"})
	if err != nil {
		t.Fatal(err)
	}
	released := make(chan struct{})
	for name, tt := range map[string]struct {
		answer  func(context.Context, *operation.GetOperationRequest) (*operation.Operation, error)
		timeout time.Duration
		stopped bool // the server
		code    codes.Code
		cause   optestv1.Event_Failure_Cause
	}{
		"its status": {
			answer: func(context.Context, *operation.GetOperationRequest) (*operation.Operation, error) {
				return nil, full.Err()
			},
			code: codes.Unavailable,
		},
		"its status after a header": {
			answer: func(ctx context.Context, _ *operation.GetOperationRequest) (*operation.Operation, error) {
				if err := grpc.SendHeader(ctx, metadata.Pairs("x-a", "b")); err != nil {
					return nil, err
				}
				return nil, full.Err()
			},
			code: codes.Unavailable,
		},
		"the deadline": {
			answer: func(context.Context, *operation.GetOperationRequest) (*operation.Operation, error) {
				<-released // later than the client gives up
				return nil, full.Err()
			},
			timeout: 50 * time.Millisecond, cause: optestv1.Event_Failure_TIMEOUT,
		},
		"nobody there": {stopped: true, cause: optestv1.Event_Failure_LOCAL_ERROR},
	} {
		t.Run(name, func(t *testing.T) {
			p := serve(t)
			p.answer = tt.answer
			if tt.timeout > 0 {
				t.Cleanup(func() { close(released) })
			}
			h := start(t)
			conn := p.client(t, h.DialOptions()...)
			if tt.stopped {
				p.stop()
			}
			ctx := t.Context()
			if tt.timeout > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, tt.timeout)
				defer cancel()
			}
			if _, err := operation.NewOperationServiceClient(conn).Get(metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer abcdefghijkl"), &operation.GetOperationRequest{OperationId: "a"}); err == nil {
				t.Fatal("the call went well")
			}
			e := h.Trace().Events[0]
			if tt.cause != 0 {
				if e.Outcome != optestv1.Event_INDETERMINATE || e.Failure.Cause != tt.cause {
					t.Errorf("got %v %+v, want INDETERMINATE by %v", e.Outcome, e.Failure, tt.cause)
				}
				return
			}
			details := new(status.Status)
			if e.Outcome != optestv1.Event_FAILED || codes.Code(e.Code()) != tt.code || proto.Unmarshal(e.Failure.Details, details) != nil || len(details.GetDetails()) != 1 {
				t.Errorf("got %v %+v, want FAILED with %v and its details", e.Outcome, e.Failure, tt.code)
			}
			if token, _ := e.RequestHeader.Get("authorization"); token != trace.Redacted {
				t.Errorf("got %q for the token", token)
			}
		})
	}
}

// Calls of methods that no descriptor tells of are made, and not looked at.
func TestUnknownMethods(t *testing.T) {
	p := serve(t)
	h := start(t)
	conn := p.client(t, h.DialOptions()...)
	err := conn.Invoke(t.Context(), "/a.B/C", &operation.GetOperationRequest{}, new(operation.Operation))
	if grpcstatus.Code(err) != codes.Unimplemented || len(h.Trace().Events) != 0 {
		t.Errorf("got %v and %d events", err, len(h.Trace().Events))
	}
	_, err = clouddesktop.NewDesktopImageServiceClient(conn).Get(t.Context(), &clouddesktop.GetDesktopImageRequest{})
	if grpcstatus.Code(err) != codes.Unimplemented || len(h.Trace().Events) != 1 {
		t.Errorf("got %v and %d events, want one of the method that the server lacks", err, len(h.Trace().Events))
	}
}
