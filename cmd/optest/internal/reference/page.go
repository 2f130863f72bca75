package main

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/optest-dev/optest/cmd/optest/internal/outline"
	"github.com/optest-dev/optest/cmd/optest/internal/timeline"
	"github.com/optest-dev/optest/fixtures"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

const head = `# The catalogue of scenarios

<!-- Made by make generate of the files beside this page. -->

Every scenario below is built into the package ` + "`fixtures`" + ` and into the binary. Ask for one by its name: in Go with
` + "`srv.Play(fixtures.Must(\"early-error\"))`" + `, from any other language with a request whose ` + "`desktop_id`" + ` is the name. A drawing says
when which step comes and what the operation shows from then on; ✗ is what goes wrong, on which calls.
[README.md](README.md) says how to write your own.
`

// themes are the directories that come first, with what they hold.
var themes = []struct{ dir, about string }{
	{"outcomes", "lives that keep the contract"},
	{"faults", "what goes wrong between client and operation"},
	{"violations", "servers that break the contract"},
}

// page is the catalogue as Markdown.
func page() (string, error) {
	groups := map[string][]*optestv1.Scenario{}
	for s := range fixtures.All() {
		file, _, ok := fixtures.Source(s.GetName())
		if !ok {
			return "", fmt.Errorf("optest: scenario %q has no file any more, want make generate to be run", s.GetName())
		}
		dir := path.Dir(file)
		groups[dir] = append(groups[dir], s)
	}
	var b strings.Builder
	b.WriteString(head)
	for _, dir := range ordered(groups) {
		fmt.Fprintf(&b, "\n## %s\n\n", title(dir))
		b.WriteString("| name | life | a right client reports |\n|---|---|---|\n")
		for _, s := range groups[dir] {
			fmt.Fprintf(&b, "| [%s](#%s) | %s | %s |\n", s.GetName(), s.GetName(), outline.Life(s), cmp.Or(outline.Outcome(s), "-"))
		}
		for _, s := range groups[dir] {
			entry(&b, dir, s)
		}
	}
	return b.String(), nil
}

// ordered are the directories, those of the themes first.
func ordered(groups map[string][]*optestv1.Scenario) []string {
	rank := func(dir string) int {
		for i, t := range themes {
			if t.dir == dir {
				return i
			}
		}
		return len(themes)
	}
	return slices.SortedFunc(maps.Keys(groups), func(a, b string) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(a, b))
	})
}

func title(dir string) string {
	for _, t := range themes {
		if t.dir == dir {
			return dir + ": " + t.about
		}
	}
	return dir
}

func entry(b *strings.Builder, dir string, s *optestv1.Scenario) {
	name := s.GetName()
	fmt.Fprintf(b, "\n### %s\n\n%s\n\n```text\n", name, plain(s.GetSummary()))
	for _, line := range timeline.Draw(s, timeline.Widest, timeline.Unicode) {
		b.WriteString(line.String() + "\n")
	}
	b.WriteString("```\n\n")
	if s.GetSource() != "" {
		fmt.Fprintf(b, "- Why: %s\n", plain(s.GetSource()))
	}
	if text := outline.Conclusion(s); text != "" {
		fmt.Fprintf(b, "- A right client %s.\n", text)
	}
	if rules := s.GetViolates(); len(rules) > 0 {
		fmt.Fprintf(b, "- It breaks %s.\n", strings.Join(rules, ", "))
	}
	if ids := s.GetIds(); len(ids) > 0 {
		fmt.Fprintf(b, "- It shows %s.\n", strings.Join(ids, ", "))
	}
	fmt.Fprintf(b, "- Go: `srv.Play(fixtures.Must(%q))`\n", name)
	if s.GetMatch() == nil {
		fmt.Fprintf(b, "- Any language: `desktop_id: %s`, such as `curl -d '{\"desktopId\": %q}' $OPTEST_URL/cloud-desktop/v1/images:copyFromDesktop`\n", name, name)
	} else {
		fmt.Fprintf(b, "- Any language: `optest serve --default %s`, and calls that it matches\n", name)
	}
	fmt.Fprintf(b, "- File: [%s/%s.yaml](%s/%s.yaml)\n", dir, name, dir, name)
}

// plain keeps text outside code spans from being taken for Markdown.
func plain(text string) string {
	var b strings.Builder
	code := false
	for _, r := range text {
		switch {
		case r == '`':
			code = !code
		case !code && strings.ContainsRune(`\<*[]`, r):
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
