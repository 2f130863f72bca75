package rest

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

func TestCallInfo(t *testing.T) {
	s := newSubject(t, publishedMethods())
	s.reply = func(ctx context.Context, _ string, _ proto.Message) (any, error) {
		info, ok := connect.CallInfoForServerContext(ctx)
		if !ok {
			t.Fatal("no CallInfo")
		}
		method, ok := info.Spec.Schema.(protoreflect.MethodDescriptor)
		if !ok || method.Name() != "CopyFromDesktop" ||
			info.Spec.Procedure != "/yandex.cloud.clouddesktop.v1.api.DesktopImageService/CopyFromDesktop" {
			t.Errorf("spec %+v, want that of the registered method", info.Spec)
		}
		if info.Protocol != "rest" || info.Codec != "json" || info.PeerAddr != "192.0.2.1:1234" {
			t.Errorf("info %q %q %q, want rest, json and the peer", info.Protocol, info.Codec, info.PeerAddr)
		}
		header := info.RequestHeader()
		if header.Get("authorization") != "Bearer t" || header.Get("Idempotency-Key") != "k" || header.Get("Host") != "example.com" {
			t.Errorf("request header %v, want what the client sent", header)
		}
		if got := header.Values("X-Many"); len(got) != 2 {
			t.Errorf("X-Many %q, want both values", got)
		}
		if info.ReceiveStats.Size != 2 {
			t.Errorf("received %d bytes, want 2", info.ReceiveStats.Size)
		}
		return nil, nil
	}
	got := s.do(t, "POST", "/cloud-desktop/v1/images:copyFromDesktop", "{}",
		"Authorization: Bearer t", "idempotency-key: k", "X-Many: 1", "X-Many: 2")
	if got.code != http.StatusOK {
		t.Errorf("answer %d %s, want 200", got.code, got.body)
	}
	info, _ := connect.CallInfoForServerContext(s.lastCtx)
	if info.SendStats.Size != len(got.body) {
		t.Errorf("sent %d bytes, want %d", info.SendStats.Size, len(got.body))
	}
}

func TestHeadersAndTrailers(t *testing.T) {
	s := newSubject(t, publishedMethods())
	fail := false
	s.reply = func(ctx context.Context, _ string, _ proto.Message) (any, error) {
		info, _ := connect.CallInfoForServerContext(ctx)
		info.ResponseHeader().Set("x-operation-poll-interval", "5")
		info.ResponseHeader().SetValues("X-Many", []string{"1", "2"})
		info.ResponseHeader().Set("Content-Type", "text/html")
		info.ResponseHeader().Set("Content-Length", "1")
		info.ResponseTrailer().Set("x-trailer", "t")
		info.ResponseTrailer().Add("X-Many", "3")
		if fail {
			return nil, connect.NewError(connect.CodeUnavailable, "later")
		}
		return nil, nil
	}
	for _, want := range []int{http.StatusOK, http.StatusServiceUnavailable} {
		got := s.do(t, "GET", "/operations/a", "")
		if got.code != want {
			t.Errorf("answer %d, want %d", got.code, want)
		}
		if got.header.Get("X-Operation-Poll-Interval") != "5" || got.header.Get("X-Trailer") != "t" ||
			strings.Join(got.header.Values("X-Many"), "") != "123" {
			t.Errorf("header %v, want what the handler set", got.header)
		}
		fail = true
	}
}

func TestInterceptorsRunFirst(t *testing.T) {
	methods := publishedMethods()
	s := &subject{}
	var seen []string
	server := connect.NewServer(func(next connect.ServerFunc) connect.ServerFunc {
		return func(ctx context.Context, spec connect.Spec, stream connect.ServerStream) error {
			seen = append(seen, spec.Procedure)
			info, _ := connect.CallInfoForServerContext(ctx)
			if info.RequestHeader().Get("Authorization") == "" {
				return connect.NewError(connect.CodeUnauthenticated, "who are you")
			}
			return next(ctx, spec, stream)
		}
	})
	for _, m := range methods {
		server.Register(s.method(m))
	}
	h, err := New(server, methods)
	if err != nil {
		t.Fatal(err)
	}
	s.Handler = h
	// The body is not even JSON: nobody has looked.
	got := s.do(t, "POST", "/cloud-desktop/v1/images:copyFromDesktop", "garbage")
	if got.code != http.StatusUnauthorized || got.message(t) != "who are you" || len(seen) != 1 {
		t.Errorf("answer %d %s after %q, want the interceptor's 401", got.code, got.body, seen)
	}
	if got := s.do(t, "GET", "/operations/a", "", "Authorization: x"); got.code != http.StatusOK {
		t.Errorf("answer %d %s, want 200", got.code, got.body)
	}
}

func TestUnregisteredMethod(t *testing.T) {
	h, err := New(connect.NewServer(), publishedMethods())
	if err != nil {
		t.Fatal(err)
	}
	s := &subject{Handler: h}
	got := s.do(t, "GET", "/operations/a", "")
	if got.code != http.StatusNotImplemented || got.status(t).Code != int32(connect.CodeUnimplemented) {
		t.Errorf("answer %d %s, want 501 and code 12", got.code, got.body)
	}
}

// Handlers that break the stream's rules answer 500, not 200.
func TestHandlerMisuse(t *testing.T) {
	method := operation.File_yandex_cloud_operation_operation_service_proto.Services().Get(0).Methods().ByName("Get")
	for name, test := range map[string]struct {
		handler func(stream connect.ServerStream) error
		says    string
	}{
		"nothing sent": {func(connect.ServerStream) error { return nil }, "neither a message nor an error"},
		"sent twice": {func(s connect.ServerStream) error {
			return errors.Join(s.Send(&operation.Operation{}), s.Send(&operation.Operation{}))
		}, "second message"},
		"error after send": {func(s connect.ServerStream) error {
			_ = s.Send(&operation.Operation{})
			return connect.NewError(connect.CodeInternal, "too late")
		}, "too late"},
		"receives nonsense": {func(s connect.ServerStream) error { return s.Receive(new(int)) }, "*int"},
		"receives another":  {func(s connect.ServerStream) error { return s.Receive(&operation.Operation{}) }, "yandex.cloud.operation.GetOperationRequest"},
		"sends nonsense":    {func(s connect.ServerStream) error { return s.Send("x") }, "string"},
		"sends bad UTF-8":   {func(s connect.ServerStream) error { return s.Send(&operation.Operation{Id: "\xff"}) }, "UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			server := connect.NewServer()
			server.Register(connect.Method{
				Spec:    connect.Spec{Procedure: "/yandex.cloud.operation.OperationService/Get"},
				Handler: func(_ context.Context, _ connect.Spec, s connect.ServerStream) error { return test.handler(s) },
			})
			h, err := New(server, []protoreflect.MethodDescriptor{method})
			if err != nil {
				t.Fatal(err)
			}
			got := (&subject{Handler: h}).do(t, "GET", "/operations/a", "")
			if got.code != http.StatusInternalServerError || !strings.Contains(got.message(t), test.says) {
				t.Errorf("answer %d %s, want 500 that says %q", got.code, got.body, test.says)
			}
		})
	}
}

func TestReceiveTwiceEnds(t *testing.T) {
	s := newSubject(t, publishedMethods())
	var second error
	server := connect.NewServer()
	server.Register(connect.Method{
		Spec: connect.Spec{Procedure: "/yandex.cloud.operation.OperationService/Get"},
		Handler: func(_ context.Context, _ connect.Spec, stream connect.ServerStream) error {
			// What the message held before is gone.
			in := &operation.GetOperationRequest{OperationId: "old"}
			if err := stream.Receive(in); err != nil {
				return err
			}
			second = stream.Receive(in)
			if err := stream.SendHeaders(); err != nil {
				return err
			}
			return stream.Send(&operation.Operation{Id: in.GetOperationId()})
		},
	})
	h, err := New(server, publishedMethods())
	if err != nil {
		t.Fatal(err)
	}
	s.Handler = h
	if got := s.do(t, "GET", "/operations/a", ""); got.body != `{"id":"a"}` {
		t.Errorf("answer %s, want the operation", got.body)
	}
	if second == nil || second.Error() != "EOF" {
		t.Errorf("second Receive %v, want EOF", second)
	}
}
