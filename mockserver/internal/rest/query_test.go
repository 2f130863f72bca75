package rest

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
)

func TestQuery(t *testing.T) {
	methods := oddMethods(t, `get: "/v1/{id}"`)
	s := newSubject(t, methods)
	for query, want := range map[string]string{
		"":                               ``,
		"&&":                             ``,
		"flag=true":                      `flag: true`,
		"flag=false&given=":              `given: ""`,
		"smallInt=-2147483648":           `small_int: -2147483648`,
		"small_int=%2B5":                 `small_int: 5`,
		"bigInt=9007199254740993":        `big_int: 9007199254740993`,
		"smallUint=4294967295":           `small_uint: 4294967295`,
		"bigUint=18446744073709551615":   `big_uint: 18446744073709551615`,
		"single=-1.5e3":                  `single: -1500`,
		"double=1E%2B300":                `double: 1e300`,
		"double=NaN":                     `double: nan`,
		"double=-Infinity":               `double: -inf`,
		"raw=AP8%3D":                     `raw: "\x00\xff"`,
		"raw=AP8":                        `raw: "\x00\xff"`,
		"raw=_w":                         `raw: "\xff"`,
		"raw=":                           ``,
		"color=RED":                      `color: RED`,
		"color=2":                        `color: BLUE`,
		"color=77":                       `color: 77`,
		"tags=a&tags=&tags=b%26c%3Dd":    `tags: "a" tags: "" tags: "b&c=d"`,
		"tags=%3B;&tags=a+b&tags=%2B":    `tags: ";;" tags: "a b" tags: "+"`,
		"numbers=3&flag=true&numbers=-4": `flag: true numbers: 3 numbers: -4`,
		"colors=RED&colors=2":            `colors: RED colors: BLUE`,
		"child.id=x":                     `child { id: "x" }`,
		"child.child.smallInt=3&child.child.veryOdd=y&child.tags=a": `child { child { small_int: 3 odd_name: "y" } tags: "a" }`,
		"child%2Eid=x":                   `child { id: "x" }`,
		"veryOdd=1":                      `odd_name: "1"`,
		"odd_name=1":                     `odd_name: "1"`,
		"at=2026-01-02T03:04:05.678Z":    `at { seconds: 1767323045 nanos: 678000000 }`,
		"at=2026-01-02T06:04:05%2B03:00": `at { seconds: 1767323045 }`,
		"at=1970-01-01T00:00:00Z":        `at {}`,
		"lasts=1.5s":                     `lasts { seconds: 1 nanos: 500000000 }`,
		"mask=id,child.smallInt":         `mask { paths: "id" paths: "child.small_int" }`,
		"mask=":                          `mask {}`,
		"maybeInt=0":                     `maybe_int {}`,
		"maybe_int=-3&maybeText=x&maybeFlag=true": `maybe_int { value: -3 } maybe_text { value: "x" } maybe_flag { value: true }`,
		"maybeText=": `maybe_text {}`,
		"times=1970-01-01T00:00:01Z&times=1970-01-01T00:00:02Z": `times { seconds: 1 } times { seconds: 2 }`,
		"left=a":               `left: "a"`,
		"right=0":              `right: 0`,
		"child.right=1&left=a": `child { right: 1 } left: "a"`,
		"id=a":                 ``,
		"id=":                  ``,
		"tags=\"<>":            `tags: "\"<>"`,
		strings.Repeat("child.", maxDepth-1) + "id=deep": strings.Repeat("child {", maxDepth-1) + ` id: "deep"` + strings.Repeat("}", maxDepth-1),
	} {
		got := s.do(t, "GET", "/v1/a?"+query, "")
		if message := sink(t, methods[0], want+` id: "a"`); got.code != 200 || !proto.Equal(s.last, message) {
			t.Errorf("%s: %d %s received %v, want %v", query, got.code, got.body, s.last, message)
		}
	}
}

func TestQueryRefuses(t *testing.T) {
	s := newSubject(t, oddMethods(t, `get: "/v1/{id}"`, `post: "/v1/{id}" body: "child"`))
	for query, says := range map[string]string{
		"nope=1":                          "odd.Sink: id, flag,",
		"child.nope=1":                    "child.id, child.flag,",
		"=1":                              `""`,
		".id=1":                           `".id"`,
		"id.=1":                           `"id."`,
		"child..id=1":                     `"child..id"`,
		"child.=1":                        `"child."`,
		"Flag=true":                       `"Flag"`,
		"$alt=json":                       `"$alt"`,
		"flag":                            "true or false",
		"flag=1":                          "true or false",
		"flag=TRUE":                       "true or false",
		"smallInt=2147483648":             "from -2147483648 to 2147483647",
		"smallInt=1.0":                    "integer",
		"smallInt=0x1":                    "integer",
		"smallInt=1_000":                  "integer",
		"smallInt=+1":                     "integer", // a space, once decoded
		"smallUint=-1":                    "from 0 to 4294967295",
		"bigUint=18446744073709551616":    "from 0 to 18446744073709551615",
		"single=1e39":                     "number in range",
		"double=1e309":                    "number in range",
		"double=0x1p3":                    "number in range",
		"double=inf":                      "number in range",
		"double=nan":                      "number in range",
		"double=1_0":                      "number in range",
		"double=":                         "number in range",
		"raw=%FF":                         "base64",
		"raw=AP+-":                        "base64",
		"raw=AP8%0A":                      "base64",
		"color=red":                       "COLOR_UNSPECIFIED, RED, BLUE",
		"color=2147483648":                "COLOR_UNSPECIFIED, RED, BLUE",
		"colors=RED&colors=x":             "COLOR_UNSPECIFIED, RED, BLUE",
		"labels=a":                        "no map",
		"labels.a=b":                      "nothing after it",
		"labels[a]=b":                     `"labels[a]"`,
		"children=a":                      "no list of messages",
		"children.id=a":                   "nothing after it",
		"tags.x=a":                        "nothing after it",
		"id.x=a":                          "nothing after it",
		"child=a":                         "child.id",
		"at=yesterday":                    "RFC 3339",
		"at=2026-01-02T06:04:05+03:00":    "%2B",
		"at=":                             "RFC 3339",
		"at.seconds=1":                    "nothing after it",
		"lasts=5":                         "1.5s",
		"mask=small_int":                  "lower camel case",
		"mask.paths=id":                   "nothing after it",
		"maybeInt=x":                      "integer",
		"maybeInt.value=1":                "nothing after it",
		"tree={}":                         "no form there",
		"tree.fields=a":                   "nothing after it",
		"packed.typeUrl=a":                "nothing after it",
		"packed={}":                       "no form there",
		"nothing=":                        "no form there",
		"left=a&right=1":                  "oneof side",
		"right=1&left=a":                  "oneof side",
		"child.left=a&child.right=0":      "oneof side",
		"flag=true&flag=true":             "twice",
		"smallInt=0&small_int=0":          "twice",
		"child.flag=true&child.flag=true": "twice",
		"id=b":                            `"a" in the path but "b" in the query`,
		"given=%c3%28":                    "UTF-8",
		"maybeText=%ff":                   "UTF-8",
		strings.Repeat("child.", maxDepth) + "id=deep": "want less than 32",
	} {
		got := s.do(t, "GET", "/v1/a?"+query, "")
		if message := got.message(t); got.code != 400 || !strings.Contains(message, says) || len(message) > 900 {
			t.Errorf("%s: %d %q, want 400 that says %q", query, got.code, message, says)
		}
	}
	for query, says := range map[string]string{
		"child.id=x": "want it in the body, which holds child",
		"child=x":    "want it in the body",
		"nope=1":     "flag",
	} {
		got := s.do(t, "POST", "/v1/a?"+query, "{}")
		if message := got.message(t); got.code != 400 || !strings.Contains(message, says) || strings.Contains(message, "labels, child,") {
			t.Errorf("%s: %d %q, want 400 that says %q", query, got.code, message, says)
		}
	}
}
