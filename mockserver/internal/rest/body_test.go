package rest

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"google.golang.org/protobuf/proto"
)

func TestBodyField(t *testing.T) {
	methods := oddMethods(t,
		`post: "/child/{id}" body: "child" additional_bindings { post: "/of/{child.id}" body: "child" }`,
		`post: "/tags/{id}" body: "tags" additional_bindings { post: "/labels/{id}" body: "labels" }`,
		`post: "/flag/{id}" body: "flag" additional_bindings { post: "/at/{id}" body: "at" }`,
		`post: "/nested/{id}" body: "child.tree" additional_bindings { post: "/kid/{id}" body: "child.odd_name" }`,
		`post: "/left/{id}" body: "left" additional_bindings { post: "/children/{id}" body: "children" }`,
		`delete: "/del/{right}" body: "*"`,
		`post: "/big/{id}" body: "big_int"`,
	)
	s := newSubject(t, methods)
	for _, test := range []struct{ target, body, want string }{
		{"/child/a", `{"id":"x","veryOdd":"y"}`, `id: "a" child { id: "x" odd_name: "y" }`},
		{"/child/a?flag=true&tags=b", `{}`, `id: "a" child {} flag: true tags: "b"`},
		{"/child/a", ``, `id: "a"`},
		{"/of/a", `{"flag":true}`, `child { id: "a" flag: true }`},
		{"/of/a", `{"id":"a"}`, `child { id: "a" }`},
		{"/tags/a", `["x","y"]`, `id: "a" tags: "x" tags: "y"`},
		{"/tags/a", ` [ ] `, `id: "a"`},
		{"/tags/a", `null`, `id: "a"`},
		{"/labels/a", `{"k":"v"}`, `id: "a" labels { key: "k" value: "v" }`},
		{"/flag/a", `true`, `id: "a" flag: true`},
		{"/at/a", `"1970-01-01T00:00:01Z"`, `id: "a" at { seconds: 1 }`},
		{"/nested/a", `{"k":[1,null]}`, `id: "a" child { tree { fields { key: "k" value { list_value { values { number_value: 1 } values { null_value: NULL_VALUE } } } } } }`},
		{"/nested/a?child.flag=true", `{}`, `id: "a" child { flag: true tree {} }`},
		{"/kid/a", `"x"`, `id: "a" child { odd_name: "x" }`},
		{"/left/a", `"l"`, `id: "a" left: "l"`},
		{"/left/a?right=3", ``, `id: "a" right: 3`},
		{"/children/a", `[{"id":"x"},{}]`, `id: "a" children { id: "x" } children {}`},
		{"/big/a", `"9007199254740993"`, `id: "a" big_int: 9007199254740993`},
		{"/big/a", `9007199254740993`, `id: "a" big_int: 9007199254740993`},
		{"/big/a", "\n\t5 \r\n", `id: "a" big_int: 5`},
	} {
		got := s.do(t, "POST", test.target, test.body)
		if want := sink(t, methods[0], test.want); got.code != 200 || !proto.Equal(s.last, want) {
			t.Errorf("%s with %s: %d %s received %v, want %v", test.target, test.body, got.code, got.body, s.last, want)
		}
	}
	if got := s.do(t, "DELETE", "/del/3", `{"id":"x"}`); got.code != 200 || !proto.Equal(s.last, sink(t, methods[0], `right: 3 id: "x"`)) {
		t.Errorf("DELETE with a body: %d %s received %v", got.code, got.body, s.last)
	}
	for _, test := range []struct{ target, body, says string }{
		{"/child/a", `{"nope":1}`, `unknown field "nope"`},
		{"/child/a", `null`, "null"},
		{"/child/a", `[]`, "unexpected token"},
		{"/child/a?child.id=x", ``, "in the body"},
		{"/of/a", `{"id":"b"}`, `"a" in the path but "b" in the body`},
		{"/tags/a", `["x"],"id":"y"`, "one JSON value"},
		{"/tags/a", `["x"]}`, "one JSON value"},
		{"/tags/a", `["x"`, "one JSON value"},
		{"/tags/a", `[5]`, "5"},
		{"/tags/a", "[\"\xff\"]", "UTF-8"},
		{"/tags/a?tags=x", `[]`, "in the body"},
		{"/labels/a", `{"k":"v","k":"w"}`, "duplicate"},
		{"/flag/a", `"true"`, "flag"},
		{"/nested/a?child.tree=x", `{}`, "in the body"},
		{"/nested/a?child=x", `{}`, "in the body"},
		{"/left/a?right=3", `"l"`, "oneof side"},
		{"/children/a", `[null]`, "null"},
		{"/big/a", `1.5`, "1.5"},
	} {
		got := s.do(t, "POST", test.target, test.body)
		if message := got.message(t); got.code != 400 || !strings.Contains(message, test.says) {
			t.Errorf("%s with %s: %d %q, want 400 that says %s", test.target, test.body, got.code, message, test.says)
		}
	}
	if got := s.do(t, "DELETE", "/del/3", `{"left":"x"}`); got.code != 400 || !strings.Contains(got.message(t), "oneof side") {
		t.Errorf("the path switches a oneof of the body: %d %s", got.code, got.body)
	}
}

func TestBodyBound(t *testing.T) {
	s := newSubject(t, publishedMethods())
	// White space is content too, and the default bound is exact.
	body := "{}" + strings.Repeat(" ", DefaultMaxBody-2)
	if got := s.do(t, "POST", "/cloud-desktop/v1/images:copy", body); got.code != 200 {
		t.Errorf("%d bytes: %d %s, want 200", len(body), got.code, got.body)
	}
	body += " "
	if got := s.do(t, "POST", "/cloud-desktop/v1/images:copy", body); got.code != 400 || !strings.Contains(got.message(t), "at most 4194304") {
		t.Errorf("%d bytes: %d %s, want 400 with the bound", len(body), got.code, got.body)
	}
}

func TestDeepBody(t *testing.T) {
	s := newSubject(t, oddMethods(t, `post: "/a" body: "*"`, `post: "/b" body: "children"`, `post: "/c" body: "tree"`))
	const levels = 200_000
	for target, body := range map[string]string{
		"/a": strings.Repeat(`{"child":`, levels) + "{}" + strings.Repeat("}", levels),
		"/b": strings.Repeat(`[{"children":`, levels) + "[]" + strings.Repeat("}]", levels),
		"/c": strings.Repeat(`{"a":`, levels) + "{}" + strings.Repeat("}", levels),
	} {
		if got := s.do(t, "POST", target, body); got.code != 400 || !strings.Contains(got.message(t), "depth") {
			t.Errorf("%s: %d %.200s, want 400 because of the depth", target, got.code, got.body)
		}
	}
}

func TestBrokenBody(t *testing.T) {
	s := newSubject(t, publishedMethods())
	send := func(r *http.Request) answer {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return answer{code: w.Code, body: w.Body.String()}
	}
	request := httptest.NewRequest("POST", "/cloud-desktop/v1/images:copy", io.MultiReader(strings.NewReader(`{"na`), iotest.ErrReader(io.ErrUnexpectedEOF)))
	if got := send(request); got.code != 400 || !strings.Contains(got.message(t), "broke off after 4 bytes") {
		t.Errorf("half a body: %d %s, want 400 that says so", got.code, got.body)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	request = httptest.NewRequest("POST", "/cloud-desktop/v1/images:copy", iotest.ErrReader(io.ErrUnexpectedEOF)).WithContext(ctx)
	if got := send(request); got.code != 499 || got.status(t).Code != 1 {
		t.Errorf("client gone: %d %s, want 499", got.code, got.body)
	}
	if len(s.called) != 0 {
		t.Errorf("called %q, want nothing", s.called)
	}
}

// Required fields count when the path is in, closed enums stay closed, and a
// group goes by its JSON name.
func TestProto2(t *testing.T) {
	methods := compileFile(t, `
name: "optest/rest/old.proto" package: "old" syntax: "proto2" dependency: "google/api/annotations.proto"
enum_type { name: "Closed" value { name: "ONE" number: 1 } value { name: "TWO" number: 2 } }
message_type {
  name: "Old"
  field { name: "id" json_name: "id" number: 1 type: TYPE_STRING label: LABEL_REQUIRED }
  field { name: "name" json_name: "name" number: 2 type: TYPE_STRING label: LABEL_REQUIRED }
  field { name: "closed" json_name: "closed" number: 3 type: TYPE_ENUM type_name: ".old.Closed" label: LABEL_OPTIONAL }
  field { name: "part" json_name: "part" number: 4 type: TYPE_GROUP type_name: ".old.Old.Part" label: LABEL_OPTIONAL }
  nested_type { name: "Part" field { name: "size" json_name: "size" number: 5 type: TYPE_INT32 label: LABEL_OPTIONAL } }
}
service { name: "Olds"
  method { name: "Get" input_type: ".old.Old" output_type: ".old.Old" options { [google.api.http] { get: "/o/{id}" } } }
  method { name: "Put" input_type: ".old.Old" output_type: ".old.Old" options { [google.api.http] { put: "/o/{id}" body: "*" } } }
}`)
	s := newSubject(t, methods)
	s.reply = func(_ context.Context, _ string, in proto.Message) (any, error) { return in, nil }
	for _, test := range []struct {
		verb, target, body string
		code               int
		says               string
	}{
		{"GET", "/o/a?name=n&closed=TWO&part.size=3", "", 200, `{"id":"a","name":"n","closed":"TWO","part":{"size":3}}`},
		{"GET", "/o/a?name=&closed=1", "", 200, `{"id":"a","name":"","closed":"ONE"}`},
		{"PUT", "/o/a", `{"name":"n","part":{"size":3}}`, 200, `{"id":"a","name":"n","part":{"size":3}}`},
		{"GET", "/o/a?name=n&closed=3", "", 400, "ONE, TWO"},
		{"GET", "/o/a", "", 400, "old.Old.name"},
		{"PUT", "/o/a", "", 400, "old.Old.name"},
		{"PUT", "/o/a", "{}", 400, "old.Old.name"},
	} {
		got := s.do(t, test.verb, test.target, test.body)
		if got.code != test.code || !strings.Contains(got.body, test.says) {
			t.Errorf("%s %s: %d %s, want %d with %s", test.verb, test.target, got.code, got.body, test.code, test.says)
		}
	}
}
