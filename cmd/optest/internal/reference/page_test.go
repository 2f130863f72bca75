package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/optest-dev/optest/conformance"
	"github.com/optest-dev/optest/fixtures"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

func TestPagesAreUpToDate(t *testing.T) {
	catalogue, err := page()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"fixtures/CATALOGUE.md": catalogue, "docs/rules.md": rulePage()} {
		got, err := os.ReadFile(filepath.Join("..", "..", "..", "..", filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s is not up to date, want make generate to be run (-want +file)\n%s", name, diff)
		}
	}
}

func TestPageHasEachRuleOnce(t *testing.T) {
	text := rulePage()
	for _, r := range conformance.AllRules() {
		if n := strings.Count(text, "\n### "+r.ID+"\n"); n != 1 {
			t.Errorf("%s is there %d times, want once", r.ID, n)
		}
	}
}

func TestPageHasEachScenarioOnce(t *testing.T) {
	text, err := page()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range fixtures.Names() {
		for _, part := range []string{
			"\n### " + name + "\n", "| [" + name + "](#" + name + ") |", "`srv.Play(fixtures.Must(\"" + name + "\"))`", "/" + name + ".yaml)\n",
		} {
			if n := strings.Count(text, part); n != 1 && !(part[0] == '`' && n == 2) {
				t.Errorf("%q is there %d times, want once", part, n)
			}
		}
	}
	for _, group := range []string{"\n## outcomes: ", "\n## faults: "} {
		if strings.Count(text, group) != 1 {
			t.Errorf("%q is not there once", group)
		}
	}
	if strings.Index(text, "\n## outcomes") > strings.Index(text, "\n## faults") {
		t.Error("want outcomes before faults")
	}
}

func TestEntry(t *testing.T) {
	var b strings.Builder
	entry(&b, "violations", &optestv1.Scenario{
		Name: "odd", Summary: "A <b> and *c* of `<d>`.", Match: &optestv1.Match{}, NeverDone: true,
		Violates: []string{"OP-08", "OP-09"}, Ids: []string{"F-01"},
	})
	const want = "\n### odd\n\nA \\<b> and \\*c\\* of `<d>`.\n\n```text\n" + `Match    methods that create a resource

    0s ● running
       │
       ▼ never done

Cancel   ends it at once with CANCELLED, while it is running
Violates OP-08, OP-09
` + "```\n\n" + `- It breaks OP-08, OP-09.
- It shows F-01.
- Go: ` + "`srv.Play(fixtures.Must(\"odd\"))`" + `
- Any language: ` + "`optest serve --default odd`" + `, and calls that it matches
- File: [violations/odd.yaml](violations/odd.yaml)
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestOrdered(t *testing.T) {
	groups := map[string][]*optestv1.Scenario{"extra": nil, "violations": nil, "another": nil, "outcomes": nil}
	if got := strings.Join(ordered(groups), " "); got != "outcomes violations another extra" {
		t.Errorf("got %s", got)
	}
	if title("extra") != "extra" || title("faults") == "faults" {
		t.Error("want what a directory holds where that is known")
	}
}
