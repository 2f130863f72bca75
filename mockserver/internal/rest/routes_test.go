package rest

import (
	"net/http/httptest"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
)

func TestOddTemplates(t *testing.T) {
	methods := oddMethods(t,
		`delete: "/v1/{id=shelves/*/books/*}"`,
		`get: "/v1/{id=files/**}" additional_bindings { get: "/v1/{id=files/**}:stat" }`,
		`get: "/v1/*/fixed/{big_int}/{color}/{flag}"`,
		`get: "/v1/{child.id}/kids/{child.child.small_int}" additional_bindings { put: "/v1/raw/{raw}" }`,
		`custom { kind: "FETCH" path: "/v1/fetch" } additional_bindings { custom { kind: "*" path: "/v1/any/{id}" } }`,
		`get: "/v1/any/fixed"`,
		`get: "/a%2Fb/{left}" additional_bindings { custom { kind: "HEAD" path: "/head" } }`,
		`get: "/rest/**" additional_bindings { get: "/v1/{id=one}/x" }`,
		`get: "/{odd_name}"`,
	)
	s := newSubject(t, methods)
	for _, test := range []struct{ verb, target, method, want string }{
		{"DELETE", "/v1/shelves/1/books/2", "M0", `id: "shelves/1/books/2"`},
		{"DELETE", "/v1/shelves/1%20a/books/b%2Fc", "M0", `id: "shelves/1 a/books/b%2Fc"`},
		{"DELETE", "/v1/sh%65lves/1/books/%252F", "M0", `id: "shelves/1/books/%2F"`},
		{"GET", "/v1/files", "M1", `id: "files"`},
		{"GET", "/v1/files/", "M1", `id: "files/"`},
		{"GET", "/v1/files/a//b/..", "M1", `id: "files/a//b/.."`},
		{"GET", "/v1/files/a%2fb%3Ac", "M1", `id: "files/a%2fb:c"`},
		{"GET", "/v1/files/a:stat", "M1", `id: "files/a"`},
		{"GET", "/v1/files:stat", "M1", `id: "files"`},
		{"GET", "/v1/files/a%3Astat", "M1", `id: "files/a:stat"`},
		{"GET", "/v1/files/a:b", "M1", `id: "files/a:b"`},
		{"GET", "/v1/x/fixed/-5/RED/true", "M2", `big_int: -5 color: RED flag: true`},
		{"GET", "/v1/x/fixed/9223372036854775807/7/false", "M2", `big_int: 9223372036854775807 color: 7`},
		{"GET", "/v1/p/kids/3?child.tags=a&child.child.id=q", "M3", `child { id: "p" tags: "a" child { small_int: 3 id: "q" } }`},
		{"PUT", "/v1/raw/_-8", "M3", `raw: "\xff\xef"`},
		{"PUT", "/v1/raw/%2Bw==", "M3", `raw: "\xfb"`},
		{"FETCH", "/v1/fetch", "M4", ``},
		{"POST", "/v1/any/fixed", "M4", `id: "fixed"`}, // the nearer template lacks POST
		{"GET", "/v1/any/fixed", "M5", ``},
		{"GET", "/v1/any/other", "M4", `id: "other"`},
		{"GET", "/a%2Fb/x", "M6", `left: "x"`},
		{"HEAD", "/head", "M6", ``},
		{"GET", "/rest", "M7", ``},
		{"GET", "/rest/x/y", "M7", ``},
		{"GET", "/v1/one/x", "M7", `id: "one"`},
		{"GET", "/rest%2Fx", "M8", `odd_name: "rest/x"`},
	} {
		got := s.do(t, test.verb, test.target, "").code
		if got != 200 || len(s.called) != 1 || s.called[0] != test.method || !proto.Equal(s.last, sink(t, methods[0], test.want)) {
			t.Errorf("%s %s: %d, called %q with %v, want %s with %s", test.verb, test.target, got, s.called, s.last, test.method, test.want)
		}
	}
	for _, test := range []struct {
		verb, target string
		code         int
		allow        string
	}{
		{"POST", "/v1/fetch", 405, "FETCH"},
		{"HEAD", "/v1/any/x", 405, "DELETE, GET, PATCH, POST, PUT"},
		{"OPTIONS", "/v1/any/fixed", 405, "DELETE, GET, PATCH, POST, PUT"},
		{"GET", "/v1/shelves/1/books", 404, ""},
		{"GET", "/v1/shelves/1/books/", 404, ""},
		{"GET", "/v1/shelves//books/2", 404, ""},
		{"GET", "/a/b/x", 404, ""},
		{"GET", "/v1/x/fixed/1.5/RED/true", 400, ""},
		{"GET", "/v1/x/fixed/1/red/true", 400, ""},
		{"GET", "/v1/x/fixed/1/RED/1", 400, ""},
		{"GET", "/v1/x/fixed/9223372036854775808/RED/true", 400, ""},
		{"PUT", "/v1/raw/!", 400, ""},
		{"PUT", "/v1/raw/a", 400, ""},
	} {
		if got := s.do(t, test.verb, test.target, "").code; got != test.code || len(s.called) != 0 {
			t.Errorf("%s %s: %d, called %q, want %d", test.verb, test.target, got, s.called, test.code)
		}
	}
}

func TestAllowIsOfThePath(t *testing.T) {
	s := newSubject(t, oddMethods(t, `put: "/v1/fixed"`, `patch: "/v1/{id}"`, `delete: "/v1/{id=**}"`, `get: "/v1/{id}:get"`))
	for target, want := range map[string]string{
		"/v1/fixed": "DELETE, PATCH, PUT",
		"/v1/x":     "DELETE, PATCH",
		"/v1/x/y":   "DELETE",
		"/v1/x:get": "GET",
	} {
		if got := s.do(t, "LINK", target, "").header.Get("Allow"); got != want {
			t.Errorf("%s allows %q, want %q", target, got, want)
		}
	}
}

// The annotated route of another method is never taken by a tolerance.
func TestToleranceGivesWay(t *testing.T) {
	rename := strings.NewReplacer(`"odd"`, `"yandex.cloud.operation"`, ".odd.", ".yandex.cloud.operation.",
		`"Odd"`, `"OperationService"`, `"M0"`, `"Cancel"`)
	s := newSubject(t, oddMethodsAs(t, rename, `get: "/o/{id}:cancel"`, `post: "/o/{odd_name}:cancel"`))
	for verb, want := range map[string]string{"GET": "Cancel", "POST": "M1"} {
		if got := s.do(t, verb, "/o/a:cancel", ""); got.code != 200 || len(s.called) != 1 || s.called[0] != want {
			t.Errorf("%s: %d called %q, want %s", verb, got.code, s.called, want)
		}
	}
}

func TestMatchIgnoresVerb(t *testing.T) {
	s := newSubject(t, publishedMethods())
	if !s.Match(httptest.NewRequest("HEAD", "/operations/a:cancel", nil)) {
		t.Error("Match says no to a wrong verb on a published path")
	}
}
