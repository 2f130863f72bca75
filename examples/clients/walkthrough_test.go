package clients_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/optest-dev/optest/fixtures/scenariofile"
	"github.com/optest-dev/optest/mockserver"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// The walk through of the control API is run line by line: `#> text` says what
// the line before it prints.
func TestWalkThroughOfTheControlAPI(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("no curl on PATH, want it installed: the walk through is for curl alone")
	}
	page, err := os.ReadFile("../../docs/control.md")
	if err != nil {
		t.Fatal(err)
	}
	srv := mockserver.New(t, mockserver.Listen("127.0.0.1:0"), mockserver.ParseYAML(func(text []byte) ([]*optestv1.Scenario, error) {
		return scenariofile.Parse("yaml", text) // as the optest program does
	}))
	script, wants := scriptOf(string(page), srv.URL())
	if len(wants) < 15 {
		t.Fatalf("the page has %d expectations, want it to have many", len(wants))
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-eu")
	cmd.Dir = t.TempDir()
	cmd.Stdin = strings.NewReader(script)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("the walk through ended with %v", err)
	}
	parts := strings.Split(string(out), separator)
	for i, want := range wants {
		if i >= len(parts) || !strings.Contains(strings.ReplaceAll(parts[i], " ", ""), strings.ReplaceAll(want, " ", "")) {
			t.Fatalf("expectation %d: want %s in the output\n%s", i+1, want, strings.Join(parts[i:], "\n"))
		}
	}
}

const separator = "\n--8<--\n"

// scriptOf joins the page's shell blocks, with a separator printed where the page
// says what was printed.
func scriptOf(page, url string) (script string, wants []string) {
	var b strings.Builder
	inside := false
	for line := range strings.Lines(page) {
		line = strings.TrimRight(line, "\n")
		want, isWant := strings.CutPrefix(line, "#> ")
		switch {
		case strings.HasPrefix(line, "```"):
			inside = line == "```sh"
		case !inside:
		case isWant:
			wants = append(wants, want)
			fmt.Fprintf(&b, "printf '%s'\n", strings.ReplaceAll(separator, "\n", `\n`))
		case strings.HasPrefix(line, "URL="):
			fmt.Fprintf(&b, "URL=%s\n", url)
		default:
			b.WriteString(line + "\n")
		}
	}
	return b.String(), wants
}
