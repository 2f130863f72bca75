package rest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// FuzzRequest sends what a client could send. Nothing may panic, every answer
// is JSON, and only what is published is called.
func FuzzRequest(f *testing.F) {
	published := publishedMethods()
	odd := oddMethods(f,
		`get: "/v1/{id}" additional_bindings { post: "/v1/{id}" body: "*" }`,
		`patch: "/v1/{id}/child/{big_int}" body: "child" response_body: "child"`,
		`put: "/v1/{raw}/{color}/{child.flag}" body: "tags"`,
		`custom { kind: "*" path: "/v2/{odd_name=a/*/b/**}:do" }`,
	)
	s := newSubject(f, append(published, odd...))
	for _, seed := range []struct{ verb, target, contentType, body string }{
		{"GET", "/operations/a%2Fb?operationId=a%2fb", "", ""},
		{"POST", "/operations/a:cancel", "application/json", "{}"},
		{"HEAD", "/operations/a:cancel", "", ""},
		{"POST", "/cloud-desktop/v1/images:copyFromDesktop", "application/json; charset=utf-8", `{"desktopId":"d","labels":{"a":"b"}}`},
		{"PATCH", "/cloud-desktop/v1/images/x", "", `{"updateMask":"name","imageId":"y"}`},
		{"GET", "/cloud-desktop/v1/images?pageSize=3&filter=name%3D%22x%22", "", ""},
		{"GET", "/v1/a?child.child.id=x&at=2026-01-02T03:04:05Z&raw=_w&maybeInt=3&colors=RED&lasts=1.5s&mask=id", "", ""},
		{"POST", "/v1/a", "application/json", `{"packed":{"@type":"type.googleapis.com/google.protobuf.Duration","value":"1s"},"tree":{"a":[null]}}`},
		{"PATCH", "/v1/a/child/-3?tags=x&right=1", "", `{"double":"NaN","times":["1970-01-01T00:00:00Z"]}`},
		{"PUT", "/v1/_w/RED/true", "", `["a","b"],"id":"c"`},
		{"FETCH", "/v2/a/%252F/b/c//d%2fe:do", "", ""},
		{"GET", "/%", "", ""},
		{"OPTIONS", "*", "", ""},
		{"GET", "/operations/:cancel", "", ""},
	} {
		f.Add(seed.verb, seed.target, seed.contentType, seed.body)
	}
	f.Fuzz(func(t *testing.T, verb, target, contentType, body string) {
		u, err := url.ParseRequestURI(target)
		if err != nil {
			return
		}
		r := &http.Request{
			Method: verb, URL: u, Host: "h", Header: http.Header{"Content-Type": {contentType}},
			Body: http.NoBody, ContentLength: int64(len(body)),
		}
		if body != "" {
			r.Body = http.MaxBytesReader(nil, readCloser{strings.NewReader(body)}, int64(len(body)))
		}
		s.called = nil
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if !json.Valid(w.Body.Bytes()) || w.Header().Get("Content-Type") != "application/json" {
			t.Fatalf("answer %d %q, want JSON", w.Code, w.Body)
		}
		if w.Code == http.StatusOK && len(s.called) != 1 || w.Code != http.StatusOK && len(s.called) != 0 {
			t.Fatalf("answer %d %s after %d calls, want one call exactly for 200", w.Code, w.Body, len(s.called))
		}
		if matched := w.Code != http.StatusNotFound; matched != s.Match(r) {
			t.Fatalf("Match says %v, answer %d", s.Match(r), w.Code)
		}
		if verb == http.MethodHead || verb == http.MethodOptions {
			if len(s.called) != 0 {
				t.Fatalf("%s called %q", verb, s.called)
			}
		}
		if len(s.called) == 1 && s.called[0] == "Cancel" && !strings.Contains(u.EscapedPath(), ":") {
			t.Fatalf("%s %s cancels without a colon", verb, target)
		}
	})
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }
