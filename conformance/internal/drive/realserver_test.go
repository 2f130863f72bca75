package drive

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"connectrpc.com/connect/v2/connectproto"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/proto/gen/yandex/cloud/operation/operationconnect"
	"github.com/optest-dev/optest/trace"
)

const notThere = "Die Operation „ж“ gibt es zu 100% nicht\nwirklich"

// grpcOperations is grpc-go's server.
type grpcOperations struct {
	operation.UnimplementedOperationServiceServer
}

func (grpcOperations) Get(ctx context.Context, r *operation.GetOperationRequest) (*operation.Operation, error) {
	switch r.GetOperationId() {
	case "there":
		return &operation.Operation{Id: "there"}, nil
	case "slow":
		<-ctx.Done()
		return nil, grpcstatus.FromContextError(ctx.Err()).Err()
	}
	st, err := grpcstatus.New(codes.NotFound, notThere).WithDetails(&errdetails.ResourceInfo{ResourceName: r.GetOperationId()})
	if err != nil {
		return nil, err
	}
	return nil, st.Err()
}

// connectOperations is Connect's.
type connectOperations struct {
	operationconnect.UnimplementedOperationServiceHandler
}

func (connectOperations) Get(ctx context.Context, r *operation.GetOperationRequest) (*operation.Operation, error) {
	switch r.GetOperationId() {
	case "there":
		return &operation.Operation{Id: "there"}, nil
	case "slow":
		<-ctx.Done()
		return nil, ctx.Err()
	}
	detail, err := connectproto.NewErrorDetail(&errdetails.ResourceInfo{ResourceName: r.GetOperationId()})
	if err != nil {
		return nil, err
	}
	return nil, connect.NewError(connect.CodeNotFound, notThere).WithDetail(detail)
}

// shown is an event in a line, without what differs from run to run.
func shown(e *trace.Event) string {
	line := fmt.Sprintf("%s %s HTTP %d %s", e.Outcome, e.Code(), e.HTTPStatus, e.ResponseCodec)
	if e.Frames != nil {
		line += fmt.Sprintf(" %s %d", e.Frames.Trailers, e.Frames.Messages)
	}
	return line
}

func TestRealServers(t *testing.T) {
	httpServer := func(t *testing.T) func(net.Listener) {
		rpc, mux := connect.NewServer(), http.NewServeMux()
		operationconnect.RegisterOperationServiceHandler(rpc, connectOperations{})
		connecthttp.Mount(mux, rpc)
		return overHTTP(t, mux)
	}
	grpcServer := func(t *testing.T) func(net.Listener) {
		return func(l net.Listener) {
			s := grpc.NewServer()
			operation.RegisterOperationServiceServer(s, grpcOperations{})
			done := make(chan error, 1)
			go func() { done <- s.Serve(l) }()
			t.Cleanup(func() {
				s.Stop()
				if err := <-done; err != nil {
					t.Error(err)
				}
			})
		}
	}
	for _, row := range []struct {
		name                           string
		serve                          func(*testing.T) func(net.Listener)
		inMemory                       network
		p                              Protocol
		there, missing, unknown, empty string
	}{
		{
			"grpc-go", grpcServer, buffered, GRPC, "OK OK HTTP 200 PROTO AFTER 1", "FAILED NOT_FOUND HTTP 200 PROTO ONLY 0",
			"FAILED UNIMPLEMENTED HTTP 200 PROTO ONLY 0", "FAILED INTERNAL HTTP 200 PROTO ONLY 0",
		},
		{
			"connect", httpServer, pipes, GRPC, "OK OK HTTP 200 PROTO AFTER 1", "FAILED NOT_FOUND HTTP 200 PROTO AFTER 0",
			"FAILED UNIMPLEMENTED HTTP 200 PROTO AFTER 0", "FAILED INVALID_ARGUMENT HTTP 200 PROTO AFTER 0",
		},
		{
			"connect", httpServer, pipes, GRPCWeb, "OK OK HTTP 200 PROTO IN_BODY 1", "FAILED NOT_FOUND HTTP 200 PROTO ONLY 0",
			"FAILED UNIMPLEMENTED HTTP 200 PROTO ONLY 0", "FAILED INVALID_ARGUMENT HTTP 200 PROTO ONLY 0",
		},
		{
			"connect", httpServer, pipes, Connect, "OK OK HTTP 200 PROTO", "FAILED NOT_FOUND HTTP 404 JSON",
			"FAILED UNIMPLEMENTED HTTP 501 JSON", "FAILED INVALID_ARGUMENT HTTP 400 JSON",
		},
		{
			"connect", httpServer, pipes, ConnectJSON, "OK OK HTTP 200 JSON", "FAILED NOT_FOUND HTTP 404 JSON",
			"FAILED UNIMPLEMENTED HTTP 501 JSON", "FAILED INVALID_ARGUMENT HTTP 400 JSON",
		},
	} {
		for where, on := range map[string]network{"in memory": row.inMemory, "on a port": port} {
			t.Run(fmt.Sprintf("%s over %s, %s", row.name, row.p, where), func(t *testing.T) {
				c, events := recording(t, listen(t, on, row.serve(t)), row.p)
				there := get(t, c, getting("there"))
				if got := shown(there); got != row.there {
					t.Errorf("got %s, want %s", got, row.there)
				}
				if m := newReply(methodGet, there).operation(); m.GetId() != "there" {
					t.Errorf("the answer %q holds no operation", there.Response.Bytes())
				}
				missing := get(t, c, getting("missing"))
				if got := shown(missing); got != row.missing {
					t.Errorf("got %s, want %s", got, row.missing)
				}
				if missing.Failure.Message != notThere {
					t.Errorf("message %q, want %q", missing.Failure.Message, notThere)
				}
				st := &status.Status{}
				if err := proto.Unmarshal(missing.Failure.Details, st); err != nil || len(st.GetDetails()) != 1 || st.GetCode() != int32(code.Code_NOT_FOUND) {
					t.Errorf("details are %v, %v", st, err)
				}
				if got := shown(get(t, c, Call{Method: methodCancel, Message: &operation.CancelOperationRequest{OperationId: "there"}})); got != row.unknown {
					t.Errorf("a method that is missing: got %s, want %s", got, row.unknown)
				}
				if got := shown(get(t, c, Call{Raw: []byte("\xff")})); got != row.empty {
					t.Errorf("a request that is no message: got %s, want %s", got, row.empty)
				}
				slow := getting("slow")
				slow.Timeout = 50 * time.Millisecond
				if e := get(t, c, slow); e.Returned-e.Called > slow.Timeout+Grace || e.Outcome == optestv1.Event_OK {
					t.Errorf("a slow call ended as %s after %v, want an error soon after %v", shown(e), e.Returned-e.Called, slow.Timeout)
				}
				for i, e := range *events {
					if e.Number != uint64(i+1) || e.Returned <= e.Called || e.Connection() == "" || e.Method == "" {
						t.Errorf("event %d is %+v", i+1, e)
					}
				}
			})
		}
	}
}

func TestTLS(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"id":%q}`, r.Proto)
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	trust := s.Client().Transport.(*http.Transport).TLSClientConfig
	for p, want := range map[Protocol]string{REST: `{"id":"HTTP/1.1"}`, GRPC: `{"id":"HTTP/2.0"}`} {
		c, _ := recording(t, Endpoint{URL: u, TLS: trust}, p)
		if e := get(t, c, getting("x")); string(e.Response.Bytes()) != want {
			t.Errorf("%s: got %q, want %q: %+v", p, e.Response.Bytes(), want, e.Failure)
		}
	}
}
