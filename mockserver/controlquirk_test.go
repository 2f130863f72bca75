package mockserver

import (
	"errors"
	"slices"
	"testing"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"connectrpc.com/connect/v2/connectproto"
	"google.golang.org/genproto/googleapis/rpc/errdetails"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/proto/gen/optest/v1/optestv1connect"
)

// A server that plays a broken one takes orders as before: whoever has asked for
// a quirk must be able to get rid of it, and nobody else.
func TestQuirksSpareTheControlAPI(t *testing.T) {
	s := New(t, Token("secret"))
	for kind := range optestv1.QuirkFault_Kind_name {
		if kind == 0 {
			continue
		}
		s.Inject(&optestv1.Fault{Effect: &optestv1.Fault_Quirk{Quirk: &optestv1.QuirkFault{Kind: optestv1.QuirkFault_Kind(kind)}}})
	}
	for name, opts := range map[string][]connecthttp.Option{
		"connect":      nil,
		"connect JSON": {connecthttp.WithProtoJSON()},
		"grpc":         {connecthttp.WithGRPC()},
		"grpc-web":     {connecthttp.WithGRPCWeb()},
	} {
		t.Run(name, func(t *testing.T) {
			control := optestv1connect.NewControlServiceClient(connect.NewClient(connecthttp.NewTransport(s.Client(), s.URL(), opts...)))
			if _, err := control.ListOperations(t.Context(), &optestv1.ListOperationsRequest{}); connect.CodeOf(err) != connect.CodeUnauthenticated {
				t.Errorf("without the token got %v, want UNAUTHENTICATED", err)
			}
			ctx, info := connect.NewClientContext(t.Context())
			info.RequestHeader().Set("Authorization", "Bearer secret")
			if _, err := control.ListOperations(ctx, &optestv1.ListOperationsRequest{}); err != nil {
				t.Errorf("got %v", err)
			}
			_, err := control.ListOperations(ctx, &optestv1.ListOperationsRequest{PageSize: -1})
			if connect.CodeOf(err) != connect.CodeInvalidArgument || !slices.Equal(blamed(err), []string{"page_size"}) {
				t.Errorf("a page of -1 got %v about %q, want INVALID_ARGUMENT about page_size", err, blamed(err))
			}
		})
	}
}

// blamed are the fields that an error is about.
func blamed(err error) []string {
	var e *connect.Error
	if !errors.As(err, &e) {
		return nil
	}
	var fields []string
	for _, detail := range e.Details() {
		m, _ := connectproto.UnmarshalErrorDetail(detail)
		bad, _ := m.(*errdetails.BadRequest)
		for _, v := range bad.GetFieldViolations() {
			fields = append(fields, v.GetField())
		}
	}
	return fields
}
