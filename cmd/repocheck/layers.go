package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
)

const module = "github.com/optest-dev/optest"

// layer is the packages in and below a folder of this module, less those of a
// layer further below. It says what they may import besides each other.
type layer struct {
	folder string
	own    []string // folders of layers
	others []string // module paths, or prefixes of import paths
}

var (
	messages = []string{
		"google.golang.org/protobuf", "google.golang.org/genproto/googleapis", "github.com/yandex-cloud/go-genproto",
	}
	rpc = append([]string{"connectrpc.com/connect/v2", "connectrpc.com/grpcreflect/v2", "google.golang.org/grpc", "golang.org/x/net"}, messages...)
)

// The picture in one direction: data at the bottom, commands at the top. The
// judge (conformance) never leans on the judged (mockserver).
var picture = []layer{
	{"internal/draw", []string{"proto/gen"}, append([]string{"pgregory.net/rapid"}, messages...)}, // for tests
	{"internal/duration", nil, messages},
	{"internal/glob", nil, nil},
	{"internal/nearest", nil, nil},
	{"internal/selfcert", nil, nil},
	{"proto/gen", nil, append([]string{"connectrpc.com/connect/v2"}, messages...)},
	{"proto/drift", nil, messages},
	{"fixtures", []string{"internal/duration", "internal/glob", "internal/nearest", "proto/gen"}, messages},
	{"fixtures/scenariofile", []string{"fixtures", "internal/duration", "internal/nearest", "proto/gen"}, append([]string{"github.com/goccy/go-yaml"}, messages...)},
	{"fixtures/internal/compile", []string{"fixtures", "fixtures/scenariofile", "proto/gen"}, messages},
	{"trace", []string{"proto/gen"}, append([]string{"google.golang.org/grpc/binarylog"}, messages...)},
	{"mockserver", []string{"fixtures", "internal/glob", "internal/nearest", "internal/selfcert", "mockserver/engine", "proto/gen", "trace"}, rpc},
	{"mockserver/engine", []string{"proto/gen"}, messages},
	{"conformance", []string{"fixtures", "internal/selfcert", "proto/gen", "trace"}, append([]string{"pgregory.net/rapid"}, rpc...)},
	{"conformance/judge", []string{"conformance", "fixtures", "mockserver", "proto/gen", "trace"}, rpc},
	{"conformance/pollertest", []string{"conformance", "mockserver", "fixtures", "proto/gen", "trace"}, rpc},
	{"cmd/optest/internal/waivers", []string{"cmd", "conformance", "proto/gen"}, []string{"github.com/goccy/go-yaml"}},
	{"cmd", []string{"cmd/optest/internal/waivers", "conformance", "mockserver", "mockserver/engine", "fixtures", "fixtures/scenariofile", "internal/duration", "internal/glob", "internal/nearest", "proto/gen", "trace"}, append([]string{
		"github.com/spf13/cobra", "github.com/spf13/pflag", "golang.org/x/term", "golang.org/x/sys", "github.com/fsnotify/fsnotify",
	}, rpc...)},
}

// pkg is what `go list -json` says of a package.
type pkg struct {
	ImportPath string
	Imports    []string
}

func layers() ([]string, error) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
			return nil, fmt.Errorf("go list: %w\n%s", err, exit.Stderr)
		}
		return nil, fmt.Errorf("go list: %w", err)
	}
	var findings []string
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return findings, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		findings = append(findings, breaches(picture, p)...)
	}
}

// breaches are the imports of p that its layer does not allow.
func breaches(picture []layer, p pkg) []string {
	folder, ok := relative(p.ImportPath)
	if !ok {
		return nil
	}
	l, ok := layerOf(picture, folder)
	if !ok {
		return []string{fmt.Sprintf("%s: belongs to no layer, want it under one of those in cmd/repocheck/layers.go", p.ImportPath)}
	}
	var findings []string
	for _, path := range p.Imports {
		allowed := l.others
		if to, own := relative(path); own {
			allowed = l.own
			target, _ := layerOf(picture, to)
			if target.folder == l.folder || slices.Contains(l.own, target.folder) {
				continue
			}
		} else if standard(path) || slices.ContainsFunc(l.others, func(m string) bool { return within(path, m) }) {
			continue
		}
		findings = append(findings, fmt.Sprintf("%s imports %s, want only %s", p.ImportPath, path, strings.Join(allowed, ", ")))
	}
	return findings
}

// standard reports whether a path is in the standard library: its first part
// has no dot.
func standard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

func layerOf(picture []layer, folder string) (found layer, ok bool) {
	for _, l := range picture {
		if within(folder, l.folder) && len(l.folder) > len(found.folder) {
			found, ok = l, true
		}
	}
	return found, ok
}

func relative(importPath string) (string, bool) {
	return strings.CutPrefix(importPath, module+"/")
}

// within reports whether path is folder or below it.
func within(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, folder+"/")
}
