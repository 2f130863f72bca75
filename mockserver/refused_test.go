package mockserver

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
)

// stored is what must not grow when a call is refused.
func (s *Server) stored() int {
	s.root.Load().store.mu.RLock()
	defer s.root.Load().store.mu.RUnlock()
	return len(s.root.Load().store.operations)
}

func copyFromDesktop(ctx context.Context, s *Server, req *clouddesktop.CopyFromDesktopRequest, opts ...grpc.CallOption) (*operation.Operation, error) {
	return clouddesktop.NewDesktopImageServiceClient(s.GRPC()).CopyFromDesktop(ctx, req, opts...)
}

func getOperation(ctx context.Context, s *Server, id string, opts ...grpc.CallOption) (*operation.Operation, error) {
	return operation.NewOperationServiceClient(s.GRPC()).Get(ctx, &operation.GetOperationRequest{OperationId: id}, opts...)
}

// alive shows that the server still does its main job.
func alive(t *testing.T, s *Server) {
	t.Helper()
	if _, err := copyFromDesktop(t.Context(), s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "instant"}); err != nil {
		t.Errorf("afterwards a valid call fails: %v", err)
	}
}

func TestRefusedOverGRPC(t *testing.T) {
	const create = clouddesktop.DesktopImageService_CopyFromDesktop_FullMethodName
	const get = operation.OperationService_Get_FullMethodName
	tests := []struct {
		name    string
		method  string
		request proto.Message
		code    codes.Code
		field   string // of the BadRequest
		message string // a part of it
	}{
		{"missing desktop_id", create, &clouddesktop.CopyFromDesktopRequest{Name: "n"}, codes.InvalidArgument, "desktop_id", "desktop_id"},
		{"51 characters", create, &clouddesktop.CopyFromDesktopRequest{DesktopId: "instant", Name: strings.Repeat("n", 51)}, codes.InvalidArgument, "name", "51"},
		{"51 emoji", create, &clouddesktop.CopyFromDesktopRequest{DesktopId: "instant", Name: strings.Repeat("😀", 51)}, codes.InvalidArgument, "name", "51"},
		{"label key in capitals", create, &clouddesktop.CopyFromDesktopRequest{DesktopId: "instant", Labels: map[string]string{"A": ""}}, codes.InvalidArgument, `labels`, "labels"},
		{"get without an id", get, &operation.GetOperationRequest{}, codes.InvalidArgument, "operation_id", "operation_id"},
		{"unknown operation", get, &operation.GetOperationRequest{OperationId: "nobody"}, codes.NotFound, "", `Operation "nobody" not found`},
		{"unknown image", clouddesktop.DesktopImageService_Get_FullMethodName, &clouddesktop.GetDesktopImageRequest{ImageId: "nobody"}, codes.NotFound, "", `DesktopImage "nobody" not found`},
		{"cancel of an unknown operation", operation.OperationService_Cancel_FullMethodName, &operation.CancelOperationRequest{OperationId: "nobody"}, codes.NotFound, "", "nobody"},
		{"delete of an unknown image", clouddesktop.DesktopImageService_Delete_FullMethodName, &clouddesktop.DeleteDesktopImageRequest{ImageId: "nobody"}, codes.NotFound, "", "nobody"},
		{"copy of an unknown image", clouddesktop.DesktopImageService_Copy_FullMethodName, &clouddesktop.CopyDesktopImageRequest{FolderId: "f", Name: "n", ImageId: "img00000000000000000"}, codes.FailedPrecondition, "", "no scenario for Copy"},
		{"unknown method", "/yandex.cloud.clouddesktop.v1.api.DesktopImageService/Explode", &emptypb.Empty{}, codes.Unimplemented, "", "Explode"},
		{"unknown service", "/no.such.Service/Method", &emptypb.Empty{}, codes.Unimplemented, "", "no.such.Service"},
		{"no scenario", create, &clouddesktop.CopyFromDesktopRequest{DesktopId: "instnt"}, codes.FailedPrecondition, "", `"instant"`},
		{"page token of nobody", clouddesktop.DesktopImageService_List_FullMethodName, &clouddesktop.ListDesktopImagesRequest{FolderId: "f", PageToken: "?"}, codes.InvalidArgument, "page_token", "page_token"},
		{"page of 1001", clouddesktop.DesktopImageService_List_FullMethodName, &clouddesktop.ListDesktopImagesRequest{FolderId: "f", PageSize: 1001}, codes.InvalidArgument, "page_size", "1000"},
	}
	s := New(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := s.GRPC().Invoke(t.Context(), tt.method, tt.request, &emptypb.Empty{})
			st := status.Convert(err)
			if st.Code() != tt.code || !strings.Contains(st.Message(), tt.message) {
				t.Errorf("got %v, want %v with %q", err, tt.code, tt.message)
			}
			t.Log(st.Message())
			var fields []string
			for _, d := range st.Details() {
				if bad, ok := d.(*errdetails.BadRequest); ok {
					for _, v := range bad.GetFieldViolations() {
						fields = append(fields, v.GetField())
					}
				}
			}
			if got := strings.Join(fields, ", "); tt.field != "" && !strings.Contains(got, tt.field) {
				t.Errorf("the violation names %q, want %q", got, tt.field)
			}
			if n := s.stored(); n != 0 {
				t.Errorf("%d operations are stored, want none", n)
			}
		})
	}
	alive(t, s)
}

func TestAcceptedAtTheLimit(t *testing.T) {
	s := New(t)
	for _, name := range []string{strings.Repeat("n", 50), strings.Repeat("ж", 50), strings.Repeat("😀", 50)} {
		op, err := copyFromDesktop(t.Context(), s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "instant", Name: name})
		if err != nil {
			t.Errorf("50 characters in %d bytes: %v", len(name), err)
			continue
		}
		var image clouddesktop.DesktopImage
		if err := op.GetResponse().UnmarshalTo(&image); err != nil || image.GetName() != name {
			t.Errorf("the image is named %q (%v), want %q", image.GetName(), err, name)
		}
	}
}

func TestRefusedOverHTTP(t *testing.T) {
	const connectCreate = "/yandex.cloud.clouddesktop.v1.api.DesktopImageService/CopyFromDesktop"
	const restCreate = "/cloud-desktop/v1/images:copyFromDesktop"
	large := `{"desktopId": "instant", "description": "` + strings.Repeat("x", 5<<20) + `"}`
	tests := []struct {
		name, method, path, contentType, body string
		status                                int
		answer                                string // a part of it
	}{
		{"REST: missing desktop_id", "POST", restCreate, "application/json", `{}`, 400, "desktop_id"},
		{"REST: wrong type", "POST", restCreate, "application/json", `{"desktopId": 7}`, 400, "desktopId"},
		{"REST: unknown field", "POST", restCreate, "application/json", `{"desktopID": "instant"}`, 400, "desktopID"},
		{"REST: not JSON", "POST", restCreate, "application/json", `{`, 400, ""},
		{"REST: 5 MB", "POST", restCreate, "application/json", large, 400, "4194304"},
		{"REST: a form", "POST", restCreate, "text/plain", `desktopId=instant`, 415, "text/plain"},
		{"REST: unknown path", "GET", "/operation/x", "", "", 404, "/operations/"},
		{"REST: wrong verb", "DELETE", restCreate, "", "", 405, ""},
		{"REST: unknown operation", "GET", "/operations/nobody", "", "", 404, "nobody"},
		{"REST: an id with a slash", "GET", "/operations/a%2Fb", "", "", 404, `a/b`},
		{"Connect: missing desktop_id", "POST", connectCreate, "application/json", `{}`, 400, "desktop_id"},
		{"Connect: wrong type", "POST", connectCreate, "application/json", `{"desktopId": 7}`, 400, "invalid_argument"},
		{"Connect: garbage bytes", "POST", connectCreate, "application/proto", "\xff\xff\xff", 400, "invalid_argument"},
		{"Connect: 5 MB", "POST", connectCreate, "application/json", large, 429, "4194304"},
		{"Connect: unknown method", "POST", "/yandex.cloud.clouddesktop.v1.api.DesktopImageService/Explode", "application/json", `{}`, 501, "Explode"},
		{"Connect: unknown service", "POST", "/no.such.Service/Method", "application/json", `{}`, 501, "no.such.Service"},
	}
	s := New(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), tt.method, s.URL()+tt.path, strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			if tt.contentType != "" {
				req.Header.Set("Content-Type", tt.contentType)
			}
			resp, err := s.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != tt.status || !strings.Contains(unescaped(body), tt.answer) {
				t.Errorf("got %d %s, want %d with %q", resp.StatusCode, body, tt.status, tt.answer)
			}
			if !json.Valid(body) {
				t.Errorf("the answer is not JSON: %q", body)
			}
			t.Logf("%d %s", resp.StatusCode, body)
			if n := s.stored(); n != 0 {
				t.Errorf("%d operations are stored, want none", n)
			}
		})
	}
	alive(t, s)
}

// unescaped is the text of a JSON document without its escapes of quotes and
// slashes, to look for words in.
func unescaped(body []byte) string {
	return string(bytes.ReplaceAll(bytes.ReplaceAll(body, []byte(`\"`), []byte(`"`)), []byte(`\/`), []byte(`/`)))
}

func TestToken(t *testing.T) {
	s := New(t, Token("right"))
	for name, tt := range map[string]struct {
		header []string
		code   codes.Code
	}{
		"none":         {nil, codes.Unauthenticated},
		"wrong":        {[]string{"authorization", "Bearer wrong"}, codes.Unauthenticated},
		"wrong scheme": {[]string{"authorization", "Basic right"}, codes.Unauthenticated},
		"right":        {[]string{"authorization", "Bearer right"}, codes.OK},
		"lower case":   {[]string{"authorization", "bearer right"}, codes.OK},
	} {
		t.Run(name, func(t *testing.T) {
			before := s.stored()
			ctx := metadata.AppendToOutgoingContext(t.Context(), tt.header...)
			_, err := copyFromDesktop(ctx, s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "instant"})
			if status.Code(err) != tt.code {
				t.Errorf("got %v, want %v", err, tt.code)
			}
			if strings.Contains(status.Convert(err).Message(), "right") {
				t.Errorf("the error gives the token away: %v", err)
			}
			if stored := s.stored() - before; stored != 0 && tt.code != codes.OK {
				t.Errorf("%d operations are stored, want none", stored)
			}
		})
	}
	for _, c := range s.Calls() {
		if text := c.String() + strings.Join(c.Header.Values("Authorization"), ""); strings.Contains(text, "right") || strings.Contains(text, "wrong") {
			t.Errorf("the journal holds a token: %s", text)
		}
	}
}

func TestBoundOnOperations(t *testing.T) {
	s := New(t, MaxOperations(2))
	for range 2 {
		alive(t, s)
	}
	_, err := copyFromDesktop(t.Context(), s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "instant"})
	if status.Code(err) != codes.ResourceExhausted || !strings.Contains(err.Error(), "bound of 2") {
		t.Errorf("got %v, want RESOURCE_EXHAUSTED that names the bound", err)
	}
	info := &errdetails.ErrorInfo{}
	for _, d := range status.Convert(err).Details() {
		if i, ok := d.(*errdetails.ErrorInfo); ok {
			info = i
		}
	}
	if info.GetReason() != ReasonLimit || info.GetDomain() != "optest" {
		t.Errorf("the error says %v, want it to be optest's own", info)
	}
}
