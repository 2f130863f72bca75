package mockserver

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"golang.org/x/net/http/httpguts"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/optest-dev/optest/fixtures"
	"github.com/optest-dev/optest/mockserver/internal/rest"
)

// In a target or body of FuzzREST, what stands for ids that the server has given.
const (
	anOperation = "$operation" // one that is running
	anImage     = "$image"     // one that is ACTIVE
)

// FuzzREST sends requests to the published routes and past them. Whatever they
// are, the answer is JSON with a code and the HTTP status for it, and the journal
// has the call once, as the client saw it.
func FuzzREST(f *testing.F) {
	z := newFuzzed(f)
	for _, seed := range []struct{ verb, target, contentType, body string }{
		{"GET", "/operations/" + anOperation, "", ""},
		{"GET", "/operations/" + anOperation + ":cancel", "", ""},
		{"POST", "/operations/" + anOperation + ":cancel", "application/json", "{}"},
		{"HEAD", "/operations/" + anOperation + ":cancel", "", ""},
		{"OPTIONS", "/operations/" + anOperation, "", ""},
		{"GET", "/operations/" + anOperation + "%3Acancel?operationId=x", "", ""},
		{"GET", "/operations/a%2Fb", "", ""},
		{"GET", "/operations/:cancel", "", ""},
		{"POST", "/cloud-desktop/v1/images:copyFromDesktop", "application/json", `{"desktopId":"d","name":"n","labels":{"a":"1"}}`},
		{"POST", "/cloud-desktop/v1/images:copyFromDesktop?name=n", "application/json; charset=utf-8", `{"desktop_id":"d"}`},
		{"POST", "/cloud-desktop/v1/images:copyFromDesktop", "text/plain", `{"desktopId":7,"description":null}`},
		{"POST", "/cloud-desktop/v1/images/" + anImage + ":copy", "", `{"folderId":"f","name":"n"}`},
		{"GET", "/cloud-desktop/v1/images/" + anImage, "", ""},
		{"GET", "/cloud-desktop/v1/images?folderId=f&pageSize=3&pageToken=&filter=name%3D%22x%22&orderBy=name", "", ""},
		{"PATCH", "/cloud-desktop/v1/images/" + anImage, "application/json", `{"updateMask":"name,labels","name":"m"}`},
		{"DELETE", "/cloud-desktop/v1/images/" + anImage, "", ""},
		{"GET", "/endpoints", "", ""},
		{"GET", "/endpoints/operation", "", ""},
		{"POST", "/iam/v1/tokens", "application/json", `{"yandexPassportOauthToken":"t"}`},
		{"GET", "/cloud-desktop/v1//images/../x", "", ""},
		{"GET", "/%", "", ""},
		{"FETCH", "/?a=b;c=%zz", "", "\xff"},
	} {
		f.Add(seed.verb, seed.target, seed.contentType, seed.body, false)
		f.Add(seed.verb, seed.target, seed.contentType, seed.body, true)
	}
	f.Fuzz(func(t *testing.T, verb, target, contentType, body string, http1 bool) {
		r := restRequest{verb: verb, target: target, contentType: contentType, body: body, http1: http1}
		if !r.judged() {
			return
		}
		z.begin(t)
		r.send(t, z)
		z.settle(t)
	})
}

type restRequest struct {
	verb, target, contentType, body string
	http1                           bool
}

// judged is false for what no client sends, what net/http answers itself, and
// what is another protocol's.
func (r restRequest) judged() bool {
	path, query, _ := strings.Cut(r.target, "?")
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch {
	case !strings.HasPrefix(r.target, "/"), strings.Contains(query, " "), len(r.target) > maxHeader/4:
		return false
	case !httpguts.ValidHeaderFieldName(r.verb), r.verb == http.MethodConnect, len(r.verb) > maxHeader/4:
		return false
	case !httpguts.ValidHeaderFieldValue(r.contentType), len(r.contentType) > maxHeader/4:
		return false
	case strings.Contains(first, "."), strings.HasPrefix(r.contentType, "application/grpc"):
		return false // RPC: see FuzzBody
	case path == schemaPath:
		return false
	}
	// Requests choose scenarios, and those of the catalogue may answer anything.
	return !slices.ContainsFunc(fixtures.Names(), func(name string) bool { return strings.Contains(r.target+r.body, name) })
}

func (r restRequest) send(t *testing.T, z *fuzzed) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), fuzzPatience)
	defer cancel()
	ids := r.prepare(ctx, t, z.server)
	u, err := url.ParseRequestURI(ids.Replace(r.target))
	if err != nil {
		return
	}
	u.Scheme, u.Host = "http", z.server.Addr()
	req := (&http.Request{Method: r.verb, URL: u, Header: http.Header{"Content-Type": {r.contentType}}, Body: http.NoBody}).WithContext(ctx)
	if body := ids.Replace(r.body); body != "" {
		req.Body, req.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	}
	client := z.server.Client()
	if r.http1 {
		client = z.http1
	}
	before := len(z.server.Calls())
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	r.check(t, resp, answer, z.server.Calls()[before:])
}

// prepare starts what ids stand for.
func (r restRequest) prepare(ctx context.Context, t *testing.T, s *Server) *strings.Replacer {
	t.Helper()
	s.Script(Running(0).Succeed())
	s.Play(Running(time.Hour).Succeed())
	done, err := copyFromDesktop(ctx, s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "d", FolderId: "f"})
	if err != nil {
		t.Fatal(err)
	}
	running, err := copyFromDesktop(ctx, s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "d", FolderId: "f"})
	if err != nil {
		t.Fatal(err)
	}
	image := &clouddesktop.DesktopImage{}
	if err := done.GetResponse().UnmarshalTo(image); err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer(anOperation, running.GetId(), anImage, image.GetId())
}

// unrouted are the HTTP statuses of requests that a route refuses before they are
// a call.
var unrouted = map[int]codes.Code{
	http.StatusMethodNotAllowed:     codes.Unimplemented,
	http.StatusUnsupportedMediaType: codes.InvalidArgument,
}

func (r restRequest) check(t *testing.T, resp *http.Response, answer []byte, calls []Call) {
	t.Helper()
	if got := resp.Header.Get("Content-Type"); got != "application/json" {
		t.Fatalf("HTTP %d with the content type %q, want application/json", resp.StatusCode, got)
	}
	code, refused := unrouted[resp.StatusCode]
	if len(calls) != 1 || refused && calls[0].Code != code {
		t.Fatalf("HTTP %d %s, and the journal has %v, want one call", resp.StatusCode, answer, calls)
	}
	code = calls[0].Code
	if want := rest.HTTPStatus(connect.Code(code)); !refused && code != codes.OK && want != resp.StatusCode || resp.StatusCode >= 500 {
		t.Fatalf("HTTP %d %s for %v, want %d", resp.StatusCode, answer, calls, want)
	}
	if r.verb == http.MethodHead {
		return
	}
	if (code == codes.OK) != (resp.StatusCode == http.StatusOK) {
		t.Fatalf("HTTP %d %s for %v", resp.StatusCode, answer, code)
	}
	if code != codes.OK {
		var status struct {
			Code    *codes.Code
			Message *string
			Details []map[string]json.RawMessage
		}
		if err := json.Unmarshal(answer, &status); err != nil || status.Code == nil || *status.Code != code || status.Message == nil {
			t.Fatalf("HTTP %d %s (%v), want the code %d and a message", resp.StatusCode, answer, err, code)
		}
		return
	}
	if calls[0].Response == nil {
		if !json.Valid(answer) { // a token: it is in no journal
			t.Fatalf("%s is no JSON", answer)
		}
		return
	}
	got := newOf(t, calls[0].Response.ProtoReflect().Descriptor())
	if err := protojson.Unmarshal(answer, got); err != nil || !proto.Equal(got, calls[0].Response) {
		t.Fatalf("the answer is %s (%v), the journal has %v", answer, err, calls[0].Response)
	}
}
