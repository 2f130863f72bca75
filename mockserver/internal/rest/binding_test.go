package rest

import (
	"strings"
	"testing"

	"connectrpc.com/connect/v2"
)

func TestAnnotationRefuses(t *testing.T) {
	for rule, says := range map[string]string{
		`get: "/v1/{nope}"`:                           `"nope"`,
		`get: "/v1/{child.nope}"`:                     `"nope"`,
		`get: "/v1/{id.x}"`:                           "before the dot",
		`get: "/v1/{tags}"`:                           "repeated",
		`get: "/v1/{children.id}"`:                    "repeated",
		`get: "/v1/{child}"`:                          "message",
		`get: "/v1/{at}"`:                             "message",
		`get: "/v1/{labels}"`:                         "repeated",
		`get: "/v1/{id}/{id}"`:                        "twice",
		`get: "/v1/{oddName}"`:                        "oddName",
		`get: "v1"`:                                   `want "/"`,
		`get: "/v1/{id=**}/x"`:                        "last",
		`body: "*"`:                                   "without a pattern",
		`post: "/v1" body: "nope"`:                    `"nope"`,
		`post: "/v1" body: "child.nope"`:              `"nope"`,
		`post: "/v1" body: "**"`:                      `"**"`,
		`post: "/v1" response_body: "nope"`:           "response_body",
		`custom { kind: "" path: "/v1" }`:             "custom pattern",
		`custom { kind: "fetch" path: "/v1" }`:        "custom pattern",
		`custom { kind: "GET, PUT" path: "/v1" }`:     "custom pattern",
		`get: "/v1" additional_bindings { get: "x" }`: `"x"`,
		`get: "/v1" additional_bindings { get: "/v2" additional_bindings { get: "/v3" } }`: "one level",
		`get: "/v1/{id}" additional_bindings { get: "/v1/{odd_name}" }`:                    "already",
		`get: "/v1/{id}" additional_bindings { get: "/v1/*" }`:                             "already",
		`get: "/v1/{id=**}" additional_bindings { get: "/v1/**" }`:                         "already",
		`get: "/v1/a%62" additional_bindings { get: "/v1/ab" }`:                            "already",
		"stream": "streams",
	} {
		_, err := New(connect.NewServer(), oddMethods(t, rule))
		if err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "odd.Odd.M0") {
			t.Errorf("%s: error %v, want it to say %s and the method", rule, err, says)
		}
	}
	// Every mistake is reported, not the first one only.
	_, err := New(connect.NewServer(), oddMethods(t, `get: "/{nope}"`, `get: "/ok"`, `get: "/{zilch}"`), MaxBody(0))
	for _, says := range []string{"nope", "zilch", "0 bytes"} {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("error %v, want it to say %s", err, says)
		}
	}
	// No annotation is no mistake.
	if h, err := New(connect.NewServer(), oddMethods(t, "", `get: "/ok"`)); err != nil || len(h.routes.bindings) != 1 {
		t.Errorf("error %v, want one route", err)
	}
}
