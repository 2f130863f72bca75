package rest

import (
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"
)

func TestRefusedRequests(t *testing.T) {
	s := newSubject(t, publishedMethods(), MaxBody(64))
	const create = "/cloud-desktop/v1/images:copyFromDesktop"
	for _, test := range []struct {
		name, verb, target, body string
		header                   []string
		code                     int
		says                     []string
	}{
		{"unknown field", "POST", create, `{"desktopld":"d"}`, nil, 400, []string{`"desktopld"`, "CopyFromDesktopRequest"}},
		{"unknown nested", "PATCH", "/cloud-desktop/v1/images/i", `{"labels":{"a":{"b":1}}}`, nil, 400, []string{"line 1:"}},
		{"duplicate key", "POST", create, `{"name":"a","name":"b"}`, nil, 400, []string{"duplicate", `"name"`}},
		{"duplicate by other name", "POST", create, `{"desktopId":"a","desktop_id":"b"}`, nil, 400, []string{"duplicate"}},
		{"trailing garbage", "POST", create, `{"name":"a"} x`, nil, 400, []string{"syntax error"}},
		{"two objects", "POST", create, `{}{}`, nil, 400, []string{"unexpected token"}},
		{"array", "POST", create, `[]`, nil, 400, []string{"unexpected token"}},
		{"null", "POST", create, `null`, nil, 400, []string{"unexpected token"}},
		{"half", "POST", create, `{"name":`, nil, 400, []string{"unexpected EOF"}},
		{"wrong type", "POST", create, `{"name":5}`, nil, 400, []string{"name", "5"}},
		{"invalid UTF-8", "POST", create, "{\"name\":\"\xff\"}", nil, 400, []string{"UTF-8"}},
		{"byte order mark", "POST", create, "\ufeff{}", nil, 400, []string{"syntax error"}},
		{"too large", "POST", create, `{"description":"` + strings.Repeat("x", 64) + `"}`, nil, 400, []string{"at most 64"}},
		{"form", "POST", create, `name=a`, []string{"Content-Type: application/x-www-form-urlencoded"}, 400, []string{"JSON"}},
		{"text", "POST", create, `{}`, []string{"Content-Type: text/json"}, 415, []string{"text/json"}},
		{"grpc", "POST", create, `{}`, []string{"Content-Type: application/grpc"}, 415, []string{"application/grpc"}},
		{"nonsense media", "POST", create, `{}`, []string{"Content-Type: ;;"}, 415, []string{`";;"`}},
		{"charset", "POST", create, `{}`, []string{"Content-Type: application/json; charset=koi8-r"}, 415, []string{"koi8-r"}},
		{"compressed", "POST", create, `{}`, []string{"Content-Encoding: gzip"}, 415, []string{"gzip"}},
		{"query with body", "POST", create + "?name=a", `{}`, nil, 400, []string{`"name"`, "in the body"}},
		{"system parameter with body", "POST", create + "?alt=json", `{}`, nil, 400, []string{`"alt"`}},
		{"unknown parameter", "GET", "/cloud-desktop/v1/images?pagesize=3", "", nil, 400, []string{`"pagesize"`, "pageSize"}},
		{"system parameter", "GET", "/operations/a?$fields=id", "", nil, 400, []string{`"$fields"`, "operationId"}},
		{"number", "GET", "/cloud-desktop/v1/images?pageSize=ten", "", nil, 400, []string{`"pageSize"`, `"ten"`, "integer"}},
		{"empty number", "GET", "/cloud-desktop/v1/images?pageSize", "", nil, 400, []string{`"pageSize"`}},
		{"twice", "GET", "/cloud-desktop/v1/images?folderId=a&folder_id=a", "", nil, 400, []string{`"folder_id"`, "twice"}},
		{"escape", "GET", "/cloud-desktop/v1/images?folderId=%zz", "", nil, 400, []string{"percent"}},
		{"escape in name", "GET", "/cloud-desktop/v1/images?%zz=1", "", nil, 400, []string{"percent"}},
		{"path against query", "GET", "/operations/a?operationId=b", "", nil, 400, []string{"operationId", `"a"`, `"b"`, "query"}},
		{"path against body", "PATCH", "/cloud-desktop/v1/images/a", `{"imageId":"b"}`, nil, 400, []string{"imageId", `"a"`, `"b"`, "body"}},
		{"body without one", "GET", "/operations/a", `{"operationId":"a"}`, nil, 400, []string{"want none"}},
		{"body without one, large", "GET", "/operations/a", strings.Repeat(" ", 65), nil, 400, []string{"at most 64"}},
		{"path not UTF-8", "GET", "/operations/%ff", "", nil, 400, []string{"UTF-8"}},
		{"query not UTF-8", "GET", "/cloud-desktop/v1/images?folderId=%ff", "", nil, 400, []string{"UTF-8"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := s.do(t, test.verb, test.target, test.body, test.header...)
			status := got.status(t)
			if got.code != test.code || status.Code != int32(connect.CodeInvalidArgument) || len(s.called) != 0 {
				t.Errorf("answer %d %+v, called %q, want %d with code 3 and no call", got.code, status, s.called, test.code)
			}
			for _, part := range append(test.says, "optest: ", ", want ") {
				if !strings.Contains(status.Message, part) {
					t.Errorf("message %q, want it to say %s", status.Message, part)
				}
			}
			if strings.Contains(status.Message, "proto:") || strings.Contains(status.Message, "\u00a0") {
				t.Errorf("message %q, want it without the prefix that varies", status.Message)
			}
			t.Log(status.Message)
		})
	}
}

func TestAcceptedMedia(t *testing.T) {
	s := newSubject(t, publishedMethods(), MaxBody(16))
	for _, header := range [][]string{
		nil,
		{"Content-Type: application/json"},
		{"Content-Type: application/json; charset=UTF-8"},
		{"Content-Type: Application/JSON;charset=us-ascii"},
		{"Content-Encoding: identity"},
	} {
		if got := s.do(t, "POST", "/cloud-desktop/v1/images:copyFromDesktop", `{"name":"1234"}`, header...); got.code != http.StatusOK {
			t.Errorf("with %q: %d %s, want 200", header, got.code, got.body)
		}
	}
	// Nothing to judge where there is no body, or none is read.
	if got := s.do(t, "POST", "/cloud-desktop/v1/images:copyFromDesktop", "", "Content-Type: text/plain"); got.code != http.StatusOK {
		t.Errorf("no body: %d %s, want 200", got.code, got.body)
	}
	if got := s.do(t, "POST", "/operations/a:cancel", "{}", "Content-Type: application/x-www-form-urlencoded"); got.code != http.StatusOK {
		t.Errorf("cancel: %d %s, want 200", got.code, got.body)
	}
	// Exactly the bound is fine.
	if got := s.do(t, "POST", "/cloud-desktop/v1/images:copyFromDesktop", `{"name":"12345"}`); got.code != http.StatusOK {
		t.Errorf("16 bytes: %d %s, want 200", got.code, got.body)
	}
}
