package mockserver

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/proto"
)

// Handlers are made at the first call, and first calls may come together.
func TestFirstCallsComeTogether(t *testing.T) {
	s := New(t)
	var work sync.WaitGroup
	for _, w := range ways(s, s.Client()) {
		for range 4 {
			work.Go(func() {
				op, err := w.create(t.Context(), &clouddesktop.CopyFromDesktopRequest{DesktopId: "instant"})
				if err != nil {
					t.Errorf("create over %s: %v", w.name, err)
					return
				}
				if _, err := w.get(t.Context(), op.GetId()); err != nil {
					t.Errorf("get over %s: %v", w.name, err)
				}
			})
		}
	}
	work.Wait()
}

func TestPathsThatNoMethodHas(t *testing.T) {
	s := New(t)
	client := connect.NewClient(connecthttp.NewTransport(s.Client(), s.URL(), connecthttp.WithGRPC()))
	call := func(procedure string) error {
		spec := connect.Spec{StreamType: connect.StreamTypeUnary, Procedure: procedure}
		var answer operation.Operation
		return client.CallUnary(t.Context(), spec, proto.Message(&operation.GetOperationRequest{}), &answer)
	}
	for range 2 { // the second finds the handlers made
		for procedure, want := range map[string]string{
			"/yandex.cloud.operation.OperationService/Get":    "operation_id", // one that has: it wants an id
			"/yandex.cloud.operation.OperationService/Forget": "the mock does not serve",
			"/yandex.cloud.operation.OperationService/":       "the mock does not serve",
			"/yandex.cloud.operation.OperationServ/Get":       "no service at",
			"/grpc.health.v1.Health/Forget":                   "the mock does not serve",
		} {
			if err := call(procedure); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s ended with %v, want an error with %q", procedure, err, want)
			}
		}
		for _, path := range []string{"/", "//", "/yandex.cloud.operation.OperationService", "/operations"} {
			resp, err := s.Client().Get(s.URL() + path)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusNotFound {
				t.Errorf("GET %s is %s, want 404", path, resp.Status)
			}
		}
	}
}
