package bake_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// foreign is what the project itself uses, for its command, its files or its
// checks, and what must not reach the modules of those who import a package of
// it.
var foreign = []string{
	"buf.build", "bufbuild", "cel.dev", "cel-go", "chromedp", "cobra", "fsnotify", "jsonschema", "go-internal",
	"go-sdk", "goccy", "golangci", "gofumpt", "protovalidate", "protoyaml", "staticcheck", "yaml",
}

// TestModuleGraph makes a module that imports mockserver and nothing else, and
// looks at what that has brought into its go.mod and go.sum.
func TestModuleGraph(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	// All sums that may be needed: then a warm module cache does without network,
	// and tidy removes the others.
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, content := range map[string]string{
		"go.mod": "module example.test/consumer\n\ngo 1.26.0\n\n" +
			"require github.com/optest-dev/optest v0.0.0\n\n" +
			"replace github.com/optest-dev/optest => " + root + "\n",
		"go.sum":           string(sums),
		"consumer_test.go": "package consumer\n\nimport _ \"github.com/optest-dev/optest/mockserver\"\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tidy(t, dir)
	for _, name := range []string{"go.mod", "go.sum"} {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		modules := modulesOf(string(content))
		t.Logf("%s of a consumer: %d lines, %d modules", name, strings.Count(string(content), "\n"), len(modules))
		for module := range modules {
			for _, word := range foreign {
				if strings.Contains(module, word) {
					t.Errorf("%s of a consumer names the module %q, want none with %q", name, module, word)
				}
			}
		}
	}
}

func tidy(t *testing.T, dir string) {
	t.Helper()
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skipf("there is no go command: %v", err)
	}
	cmd := exec.CommandContext(t.Context(), goTool, "mod", "tidy")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go mod tidy: %v\n%s", err, out)
	}
}

// modulesOf is the modules that a go.mod or go.sum names.
func modulesOf(content string) map[string]bool {
	modules := map[string]bool{}
	for line := range strings.Lines(content) {
		fields := strings.Fields(strings.TrimPrefix(line, "require "))
		// A path and a version, maybe with a hash or a comment.
		if len(fields) >= 2 && strings.Contains(fields[0], ".") && strings.HasPrefix(fields[1], "v") {
			modules[fields[0]] = true
		}
	}
	return modules
}
