package main

import (
	"errors"
	"strings"
	"testing"
)

func TestBreaches(t *testing.T) {
	tests := []struct {
		from string
		to   string
		want string // a part of the finding, empty for none
	}{
		{"mockserver", "fixtures", ""},
		{"mockserver/internal/rest", "mockserver/internal/wire", ""},
		{"mockserver", "fixtures/scenariofile", "want only fixtures"},
		{"cmd/optest", "fixtures/scenariofile", ""},
		{"mockserver/internal/rest", "mockserver/engine", ""},
		{"conformance", "trace", ""},
		{"conformance", "mockserver", "imports github.com/optest-dev/optest/mockserver, want only fixtures"},
		{"conformance/pollertest", "mockserver", ""},
		{"fixtures", "mockserver", "want only internal/duration"},
		{"mockserver/engine", "mockserver", "want only proto/gen"},
		{"proto/gen/optest/v1", "fixtures", "imports"},
		{"trace", "fixtures", "imports"},
		{"elsewhere", "trace", "belongs to no layer"},
		{"proto/generator", "trace", "belongs to no layer"},
	}
	for _, tt := range tests {
		t.Run(tt.from+" to "+tt.to, func(t *testing.T) {
			got := strings.Join(breaches(picture, pkg{ImportPath: module + "/" + tt.from, Imports: []string{module + "/" + tt.to}}), "\n")
			if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	for path, allowed := range map[string]bool{
		"net/http": true, "google.golang.org/protobuf/proto": true, "google.golang.org/grpc/codes": true,
		"github.com/spf13/cobra": false, "buf.build/go/protoyaml": false, "github.com/goccy/go-yaml/ast": false,
		"google.golang.org/grpcurl": false,
	} {
		got := breaches(picture, pkg{ImportPath: module + "/mockserver", Imports: []string{path}})
		if (got == nil) != allowed {
			t.Errorf("mockserver imports %s: %v, want allowed %v", path, got, allowed)
		}
	}
}

func TestQuotes(t *testing.T) {
	files := map[string]string{"a_test.go": "package a\n\n// README:begin\n\tf(func() {\n\t\tg()\n\n\t})\n// README:end\n", "b.go": "package b\n", "c.go": "// README:begin\n"}
	read := func(name string) ([]byte, error) {
		if text, ok := files[name]; ok {
			return []byte(text), nil
		}
		return nil, errors.New("no such file " + name)
	}
	tests := []struct{ name, text, want string }{
		{"the same", "<!-- from a_test.go -->\n```go\nf(func() {\n\tg()\n\n})\n```\n", ""},
		{"another", "<!-- from a_test.go -->\n```go\nf()\n```\n", "README.md:1: differs from a_test.go"},
		{"no block", "<!-- from a_test.go -->\ntext\n", "no code block"},
		{"an open block", "<!-- from a_test.go -->\n```go\nf()\n", "no code block"},
		{"all of a file", "<!-- from b.go -->\n```go\npackage b\n```\n", ""},
		{"no file", "\n<!-- from d.go -->\n```go\n```\n", "README.md:2: no such file"},
		{"one marker", "<!-- from c.go -->\n```go\n```\n", "c.go has only one"},
		{"no quotes at all", "text\n", "quotes no file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			findings, err := quotes(tt.text, read)
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(findings, "\n")
			if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
