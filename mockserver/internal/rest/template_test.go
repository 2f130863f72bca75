package rest

import (
	"fmt"
	"strings"
	"testing"
)

func (t *template) describe() string {
	var out strings.Builder
	for _, s := range t.segments {
		out.WriteString("/" + [...]string{s.text, "*", "**"}[s.kind])
	}
	if t.verb != "" {
		out.WriteString(":" + t.verb)
	}
	for _, v := range t.variables {
		fmt.Fprintf(&out, " %v=%d..%d", v.field, v.from, v.to)
	}
	return out.String()
}

func TestParseTemplate(t *testing.T) {
	for text, want := range map[string]string{
		"/a":                               "/a",
		"/a/b.c_d-e~f":                     "/a/b.c_d-e~f",
		"/v1/{id}":                         "/v1/* [id]=1..2",
		"/v1/{id}:cancel":                  "/v1/*:cancel [id]=1..2",
		"/v1/images:copyFromDesktop":       "/v1/images:copyFromDesktop",
		"/{a}/{b.c.d}":                     "/*/* [a]=0..1 [b c d]=1..2",
		"/v1/{name=shelves/*/books/*}":     "/v1/shelves/*/books/* [name]=1..5",
		"/v1/{name=**}":                    "/v1/** [name]=1..2",
		"/v1/{name=shelves/**}:move":       "/v1/shelves/**:move [name]=1..3",
		"/v1/{name=*}":                     "/v1/* [name]=1..2",
		"/v1/*/x":                          "/v1/*/x",
		"/v1/**":                           "/v1/**",
		"/**:watch":                        "/**:watch",
		"/{a=x}/y":                         "/x/y [a]=0..1",
		"/caf%C3%A9/a%2Fb:v%20w":           "/café/a/b:v w",
		"/v1/{id}/y":                       "/v1/*/y [id]=1..2",
		"/v1:x":                            "/v1:x",
		"/v1/{_under}":                     "/v1/* [_under]=1..2",
		"/v1/a=b,c;d@e+f$g!h'(i)&j":        "/v1/a=b,c;d@e+f$g!h'(i)&j",
		"/workflows/v1/execution/{w}/stop": "/workflows/v1/execution/*/stop [w]=3..4",
	} {
		got, err := parseTemplate(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got.describe() != want {
			t.Errorf("%s parsed as %s, want %s", text, got.describe(), want)
		}
	}
}

func TestParseTemplateRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                    `want "/"`,
		"a":                   `want "/"`,
		"/":                   "want a literal",
		"/a/":                 "want a literal",
		"/a//b":               "want a literal",
		"//a":                 "want a literal",
		"/a:":                 "want a literal",
		"/a:b:c":              "want the end",
		"/a:b/c":              "want the end",
		"/a*":                 "want the end",
		"/***":                "want the end",
		"/a{b}":               "want the end",
		"/{a}b":               "want the end",
		"/{a}{b}":             "want the end",
		"/{":                  "want a field name",
		"/{}":                 "want a field name",
		"/{=*}":               "want a field name",
		"/{a.}":               "want a field name",
		"/{.a}":               "want a field name",
		"/{a-b}":              "want a field name",
		"/{1a}":               "want a field name",
		"/{a":                 `want "}"`,
		"/{a=":                "want a literal",
		"/{a=}":               "want a literal",
		"/{a=b":               `want "}"`,
		"/{a=b:c}":            `want "}"`,
		"/{a={b}}":            "want a literal",
		"/{a=b/{c}}":          "want a literal",
		"/a}":                 "want the end",
		"/a/}":                "want a literal",
		"/**/a":               "want it last",
		"/{a=**}/b":           "want it last",
		"/{a=**}/{b=**}":      "want it last",
		"/{a=b/**/c}":         "want it last",
		"/a%zz":               "want a literal",
		"/a%":                 "want a literal",
		"/a%ff":               "want a literal",
		"/a b":                "want a literal",
		"/a?b=c":              "want a literal",
		"/a#b":                "want a literal",
		"https://host/v1/{a}": `want "/"`,
	} {
		if got, err := parseTemplate(text); err == nil {
			t.Errorf("%q parsed as %s, want an error", text, got.describe())
		} else if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), fmt.Sprintf("%q", text)) {
			t.Errorf("%q: %v, want %q and the template", text, err, want)
		}
	}
}

func FuzzParseTemplate(f *testing.F) {
	for _, text := range []string{"/v1/{name=shelves/*/books/**}:move", "/a%2Fb/{c.d}", "/{a", "/**:x", "/{a={b}}", "/%"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := parseTemplate(text)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "optest: ") {
				t.Errorf("error %v, want it in our grammar", err)
			}
			return
		}
		for _, v := range parsed.variables {
			if v.from >= v.to || v.to > len(parsed.segments) {
				t.Errorf("%q: variable %v binds %d..%d of %d segments", text, v.field, v.from, v.to, len(parsed.segments))
			}
		}
	})
}
