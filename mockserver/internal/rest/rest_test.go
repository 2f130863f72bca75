package rest

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/proto"
)

func TestPublishedRoutes(t *testing.T) {
	s := newSubject(t, publishedMethods())
	for _, test := range []struct {
		verb, target, body string
		method             string
		want               proto.Message
	}{
		{"GET", "/cloud-desktop/v1/images/i1", "", "Get", &clouddesktop.GetDesktopImageRequest{ImageId: "i1"}},
		{
			"GET", "/cloud-desktop/v1/images?folderId=f&page_size=7&orderBy=name", "", "List",
			&clouddesktop.ListDesktopImagesRequest{FolderId: "f", PageSize: 7, OrderBy: "name"},
		},
		{"GET", "/cloud-desktop/v1/images", "", "List", &clouddesktop.ListDesktopImagesRequest{}},
		{"POST", "/cloud-desktop/v1/images:copy", `{"imageId":"i"}`, "Copy", &clouddesktop.CopyDesktopImageRequest{ImageId: "i"}},
		{
			"POST", "/cloud-desktop/v1/images:copyFromDesktop",
			`{"folderId":"f","name":"n","desktop_id":"d","labels":{"a":"b"},"description":"é"}`, "CopyFromDesktop",
			&clouddesktop.CopyFromDesktopRequest{FolderId: "f", Name: "n", DesktopId: "d", Labels: map[string]string{"a": "b"}, Description: "é"},
		},
		{"POST", "/cloud-desktop/v1/images:copyFromDesktop", "", "CopyFromDesktop", &clouddesktop.CopyFromDesktopRequest{}},
		{"POST", "/cloud-desktop/v1/images:copyFromDesktop", " \n", "CopyFromDesktop", &clouddesktop.CopyFromDesktopRequest{}},
		{"POST", "/cloud-desktop/v1/im%61ges:copy%46romDesktop", "{}", "CopyFromDesktop", &clouddesktop.CopyFromDesktopRequest{}},
		{"PATCH", "/cloud-desktop/v1/images/i1", `{"name":"new"}`, "Update", &clouddesktop.UpdateDesktopImageRequest{ImageId: "i1", Name: "new"}},
		{"PATCH", "/cloud-desktop/v1/images/i1", `{"imageId":"i1"}`, "Update", &clouddesktop.UpdateDesktopImageRequest{ImageId: "i1"}},
		{"DELETE", "/cloud-desktop/v1/images/i1", "", "Delete", &clouddesktop.DeleteDesktopImageRequest{ImageId: "i1"}},
		{"GET", "/operations/op1", "", "Get", &operation.GetOperationRequest{OperationId: "op1"}},
		{"GET", "/operations/op1?operationId=op1", "", "Get", &operation.GetOperationRequest{OperationId: "op1"}},
		{"GET", "/operations/op1", "{ }", "Get", &operation.GetOperationRequest{OperationId: "op1"}},
		{"GET", "/operations/op1:cancel", "", "Cancel", &operation.CancelOperationRequest{OperationId: "op1"}},
		{"POST", "/operations/op1:cancel", "", "Cancel", &operation.CancelOperationRequest{OperationId: "op1"}},
		{"POST", "/operations/op1:cancel", "{}", "Cancel", &operation.CancelOperationRequest{OperationId: "op1"}},
	} {
		t.Run(test.verb+" "+test.target, func(t *testing.T) {
			got := s.do(t, test.verb, test.target, test.body)
			if got.code != http.StatusOK {
				t.Fatalf("answer %d %s, want 200", got.code, got.body)
			}
			if len(s.called) != 1 || s.called[0] != test.method {
				t.Errorf("called %q, want %q once", s.called, test.method)
			}
			if !proto.Equal(s.last, test.want) {
				t.Errorf("received %v, want %v", s.last, test.want)
			}
			if !s.Match(httptest.NewRequest(test.verb, test.target, nil)) {
				t.Error("Match says no")
			}
		})
	}
}

// A reserved character in an id is part of the id once it is escaped, and
// never leads to another route (XP-07).
func TestReservedCharactersInID(t *testing.T) {
	s := newSubject(t, publishedMethods())
	for target, want := range map[string]string{
		"/operations/a%2Fb":                       "a/b",
		"/operations/a%2fb":                       "a/b",
		"/operations/..%2Fimages":                 "../images",
		"/operations/..":                          "..",
		"/operations/%2E%2E":                      "..",
		"/operations/%2F":                         "/",
		"/operations/a%3Acancel":                  "a:cancel",
		"/operations/a%3acancel":                  "a:cancel",
		"/operations/a%2Fb%3Acancel":              "a/b:cancel",
		"/operations/a:b":                         "a:b",
		"/operations/a:":                          "a:",
		"/operations/a%3Fb%23c":                   "a?b#c",
		"/operations/a+b":                         "a+b",
		"/operations/a%20b":                       "a b",
		"/operations/%25":                         "%",
		"/operations/%252F":                       "%2F",
		"/operations/%00":                         "\x00",
		"/operations/%D1%8F":                      "я",
		"/operations/a%2Fb?operation_id=a%2Fb":    "a/b",
		"/operations/x:copyFromDesktop":           "x:copyFromDesktop",
		"/operations/x:cancel%2Fy":                "x:cancel/y",
		"/operations/" + strings.Repeat("a", 999): strings.Repeat("a", 999),
	} {
		got := s.do(t, "GET", target, "")
		op, ok := s.last.(*operation.GetOperationRequest)
		if got.code != http.StatusOK || !ok || op.GetOperationId() != want {
			t.Errorf("GET %s: %d %s received %v, want Get of %q", target, got.code, got.body, s.last, want)
		}
	}
	for target, want := range map[string]string{
		"/operations/a%2Fb:cancel":  "a/b",
		"/operations/a:b:cancel":    "a:b",
		"/operations/a:canc%65l":    "a",
		"/operations/a%3A:cancel":   "a:",
		"/operations/a::cancel":     "a:",
		"/operations/a:x%2F:cancel": "a:x/",
	} {
		got := s.do(t, "GET", target, "")
		op, ok := s.last.(*operation.CancelOperationRequest)
		if got.code != http.StatusOK || !ok || op.GetOperationId() != want {
			t.Errorf("GET %s: %d %s received %v, want Cancel of %q", target, got.code, got.body, s.last, want)
		}
	}
}

func TestWrongVerb(t *testing.T) {
	s := newSubject(t, publishedMethods())
	for _, test := range []struct{ verb, target, allow string }{
		{"HEAD", "/operations/a:cancel", "GET, POST"},
		{"OPTIONS", "/operations/a:cancel", "GET, POST"},
		{"DELETE", "/operations/a:cancel", "GET, POST"},
		{"get", "/operations/a:cancel", "GET, POST"},
		{"HEAD", "/operations/a", "GET"},
		{"POST", "/operations/a", "GET"},
		{"OPTIONS", "/cloud-desktop/v1/images:copyFromDesktop", "POST"},
		{"HEAD", "/cloud-desktop/v1/images:copyFromDesktop", "POST"},
		{"GET", "/cloud-desktop/v1/images:copyFromDesktop", "POST"},
		{"POST", "/cloud-desktop/v1/images", "GET"},
		{"PUT", "/cloud-desktop/v1/images/i", "DELETE, GET, PATCH"},
	} {
		got := s.do(t, test.verb, test.target, "")
		status := got.status(t)
		if got.code != http.StatusMethodNotAllowed || got.header.Get("Allow") != test.allow || len(s.called) != 0 {
			t.Errorf("%s %s: %d, Allow %q, called %q, want 405, %q, nothing",
				test.verb, test.target, got.code, got.header.Get("Allow"), s.called, test.allow)
		}
		if status.Code != int32(connect.CodeUnimplemented) || !strings.Contains(status.Message, test.allow) {
			t.Errorf("%s %s: %+v, want code 12 and the verbs", test.verb, test.target, status)
		}
	}
}

func TestUnknownPath(t *testing.T) {
	s := newSubject(t, publishedMethods())
	for _, test := range []struct{ verb, target, nearest string }{
		{"GET", "/operation/a", "GET /operations/{operation_id}"},
		{"GET", "/v1/operations/a", "GET /operations/{operation_id}"},
		{"GET", "/operations/a/", "GET /operations/{operation_id}"},
		{"GET", "/operations/", "GET /operations/{operation_id}"},
		{"GET", "/operations//a", "GET /operations/{operation_id}"},
		{"GET", "/operations/:cancel", "GET /operations/{operation_id}:cancel"},
		{"POST", "/operations/:cancel", "POST /operations/{operation_id}:cancel"},
		{"GET", "/operations/a/cancel", "GET /operations/{operation_id}:cancel"},
		{"POST", "/cloud-desktop/v1/images:copyFromDesctop", "POST /cloud-desktop/v1/images:copyFromDesktop"},
		{"POST", "/cloud-desktop/v1/image:copyFromDesktop", "POST /cloud-desktop/v1/images:copyFromDesktop"},
		{"POST", "/clouddesktop/v1/images:copy", "POST /cloud-desktop/v1/images:copy"},
		{"DELETE", "/cloud-desktop/v2/images/x", "DELETE /cloud-desktop/v1/images/{image_id}"},
		{"PATCH", "/cloud_desktop/v1/images/x", "PATCH /cloud-desktop/v1/images/{image_id}"},
		{"GET", "/cloud-desktop/v1/images%2Fx", "GET /cloud-desktop/v1/images"},
		{"GET", "/", "GET /operations/{operation_id}"},
		{"GET", "/" + strings.Repeat("/x", 5000), ""},
		{"POST", "/yandex.cloud.operation.OperationService/Get", ""},
	} {
		got := s.do(t, test.verb, test.target, "")
		status := got.status(t)
		if got.code != http.StatusNotFound || status.Code != int32(connect.CodeNotFound) || len(s.called) != 0 {
			t.Errorf("%s %s: %d %+v, want 404 and code 5", test.verb, test.target, got.code, status)
		}
		if !strings.Contains(status.Message, "matches no REST route, nearest is ") || !strings.HasSuffix(status.Message, test.nearest) {
			t.Errorf("%s %.40s: %q, want the nearest, %s", test.verb, test.target, status.Message, test.nearest)
		}
		if len(status.Message) > 400 {
			t.Errorf("%s %.40s: message of %d bytes, want it bounded", test.verb, test.target, len(status.Message))
		}
		if s.Match(httptest.NewRequest(test.verb, test.target, nil)) {
			t.Errorf("Match(%s %s) says yes", test.verb, test.target)
		}
	}
	asterisk := httptest.NewRequest("OPTIONS", "*", nil)
	w := httptest.NewRecorder()
	if s.ServeHTTP(w, asterisk); w.Code != http.StatusNotFound {
		t.Errorf("OPTIONS *: %d, want 404", w.Code)
	}
}

func TestNothingPublished(t *testing.T) {
	s := newSubject(t, nil)
	got := s.do(t, "GET", "/operations/a", "")
	if got.code != http.StatusNotFound || !strings.Contains(got.message(t), "none is published") {
		t.Errorf("answer %d %s, want 404 that says so", got.code, got.body)
	}
}

func TestPublishedRulesAreRead(t *testing.T) {
	// A change of these in go-genproto changes what a client sees.
	s := newSubject(t, publishedMethods())
	var routes []string
	for _, b := range s.routes.bindings {
		routes = append(routes, b.verb+" "+b.template.text)
	}
	slices.Sort(routes)
	const want = `DELETE /cloud-desktop/v1/images/{image_id}
GET /cloud-desktop/v1/images
GET /cloud-desktop/v1/images/{image_id}
GET /operations/{operation_id}
GET /operations/{operation_id}:cancel
PATCH /cloud-desktop/v1/images/{image_id}
POST /cloud-desktop/v1/images:copy
POST /cloud-desktop/v1/images:copyFromDesktop
POST /operations/{operation_id}:cancel`
	if got := strings.Join(routes, "\n"); got != want {
		t.Errorf("published\n%s\nwant\n%s", got, want)
	}
}

func TestNewRefuses(t *testing.T) {
	if _, err := New(nil, nil); err == nil {
		t.Error("nil server accepted")
	}
	for says, opt := range map[string]Option{"0 bytes": MaxBody(0), "-1 bytes": MaxBody(-1), "encoder nil": Encode(nil)} {
		if _, err := New(connect.NewServer(), nil, opt); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("error %v, want it to say %q", err, says)
		}
	}
	_, err := New(connect.NewServer(), append(publishedMethods(), publishedMethods()...))
	if err == nil || strings.Count(err.Error(), "already") != len(publishedMethods()) {
		t.Errorf("error %v, want one for each method given twice", err)
	}
}
