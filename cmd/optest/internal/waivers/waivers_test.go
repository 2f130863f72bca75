package waivers_test

import (
	"strings"
	"testing"

	"github.com/optest-dev/optest/cmd/optest/internal/waivers"
)

func TestParse(t *testing.T) {
	got, err := waivers.Parse("w.yaml", []byte(`# known
waivers:
  - rule: LRO-08
    reason: >
      The stamp is that of the database,
      which rounds
    until: 2027-03-31
    link: https://example.com/issues/7
  - {rule: OP-11, target: "*.example.com", reason: "texts come later", until: "2027-01-01"}
`))
	if err != nil {
		t.Fatal(err)
	}
	if len(got.GetWaivers()) != 2 || got.GetWaivers()[0].GetUntil() != "2027-03-31" || !strings.Contains(got.GetWaivers()[0].GetReason(), "database") || got.GetWaivers()[1].GetTarget() != "*.example.com" {
		t.Errorf("got %v", got)
	}
	if got, err := waivers.Parse("empty.yaml", nil); err != nil || len(got.GetWaivers()) != 0 {
		t.Errorf("an empty file is %v (%v), want no waivers", got, err)
	}
}

func TestParseRefuses(t *testing.T) {
	for source, want := range map[string]string{
		"waivers: [{rule: LRO-8, reason: r, until: 2027-01-01}]":          `w.yaml:1:18: there is no rule "LRO-8"`,
		"waivers: [{rule: LRO-08, until: 2027-01-01}]":                    "without reason",
		"waivers: [{rule: LRO-08, reason: r}]":                            "without until",
		"waivers: [{rule: LRO-08, reason: r, until: soon}]":               `until "soon", want the last day`,
		"waivers: [{rule: LRO-08, reason: ' ', until: 2027-01-01}]":       "reason is empty",
		"waivers: [{rule: LRO-08, reason: r, until: 2027-01-01, why: x}]": `unknown field "why"`,
		"waivers:\n  - rule: LRO-08\n    rule: LRO-09":                    "",
		"waivers: {rule: LRO-08}":                                         "waivers is no list",
		"waivers: [x]":                                                    "want a mapping of rule",
		"waivers: [{rule: [LRO-08], reason: r, until: 2027-01-01}]":       "rule is no text",
		"rules: []":  `w.yaml:1:1: unknown field "rules", want waivers`,
		"waivers: [": "w.yaml:",
		"- x":        "want a mapping with waivers",
	} {
		if _, err := waivers.Parse("w.yaml", []byte(source)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", source, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("waivers: [{rule: LRO-08, reason: r, until: 2027-01-01}]")
	f.Add("waivers:\n  - &a {rule: *a}")
	f.Fuzz(func(_ *testing.T, source string) {
		_, _ = waivers.Parse("w.yaml", []byte(source)) // must not panic
	})
}
