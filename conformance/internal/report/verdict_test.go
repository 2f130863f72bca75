package report

import (
	"strings"
	"testing"

	"github.com/optest-dev/optest/conformance/internal/rules"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// ruled is a report on rules with verdicts, such as "C:pass" for a core rule that
// has passed and "warn" for another one with warnings.
func ruled(in Input, results ...string) *optestv1.ConformanceReport {
	byName := map[string]rules.Verdict{
		"pass": rules.Pass, "warn": rules.Warned, "fail": rules.Fail, "unclear": rules.Inconclusive, "idle": rules.NotExercised, "none": rules.NotApplicable,
	}
	var table []*rules.Rule
	for i, text := range results {
		name, core := strings.CutPrefix(text, "C:")
		r := &rules.Rule{ID: "R-0" + string(rune('1'+i)), Core: core, Level: rules.Seed}
		table = append(table, r)
		if name == "missing" {
			continue
		}
		o := Outcome{Result: rules.Result{Rule: r, Verdict: byName[name]}}
		switch o.Verdict {
		case rules.Fail:
			o.Errors, o.Exercised = 2, 1
		case rules.Warned:
			o.Warnings, o.Exercised = 1, 1
		case rules.Pass:
			o.Exercised = 3
		}
		in.Outcomes = append(in.Outcomes, o)
	}
	return newReport(in, table)
}

func TestVerdict(t *testing.T) {
	for _, tt := range []struct {
		name     string
		in       Input
		results  string
		headline string
		code     int
	}{
		{"all pass", Input{}, "C:pass C:warn pass", "CONFORMANT: 1 warning; 2 of 2 core rules exercised", 0},
		{"no more to say", Input{}, "C:pass", "CONFORMANT: no errors, no warnings; 1 of 1 core rules exercised", 0},
		{"others need not be exercised", Input{}, "C:pass idle none", "CONFORMANT: no errors, no warnings; 1 of 1 core rules exercised", 0},
		{"a core rule was not exercised", Input{}, "C:pass C:idle", "PARTIAL: no errors, no warnings; 1 of 2 core rules exercised", 3},
		{"a core rule does not apply", Input{}, "C:pass C:none", "PARTIAL: no errors, no warnings; 1 of 2 core rules exercised", 3},
		{"a core rule was left out", Input{}, "C:pass C:missing", "PARTIAL: no errors, no warnings; 1 of 2 core rules exercised", 3},
		{"no core rule at all", Input{}, "pass", "PARTIAL: no errors, no warnings; 0 of 0 core rules exercised", 3},
		{"a core rule fails", Input{}, "C:pass C:fail", "NOT CONFORMANT: 2 errors against 1 rule; 2 of 2 core rules exercised", 1},
		{"another rule fails", Input{}, "C:pass fail C:idle", "NOT CONFORMANT: 2 errors against 1 rule; 1 of 2 core rules exercised", 1},
		{"failing outweighs unclear", Input{}, "unclear fail", "NOT CONFORMANT: 2 errors against 1 rule, 1 rule unclear; 0 of 0 core rules exercised", 1},
		{"unclear", Input{}, "C:pass unclear", "INCONCLUSIVE: 1 rule unclear; 1 of 1 core rules exercised", 3},
		{"unclear outweighs partial", Input{}, "C:idle C:unclear", "INCONCLUSIVE: 1 rule unclear; 0 of 2 core rules exercised", 3},
		{"ended early", Input{CutShort: "time"}, "C:pass", "INCONCLUSIVE: no errors, no warnings; 1 of 1 core rules exercised", 3},
		{"ended early, and broken", Input{CutShort: "time"}, "C:fail", "NOT CONFORMANT: 2 errors against 1 rule; 1 of 1 core rules exercised", 1},
		{"the run says that there is none", Input{NoVerdict: "no server"}, "C:pass", "NO VERDICT: no errors, no warnings; 1 of 1 core rules exercised", 3},
		{"it says so, but a rule is broken", Input{NoVerdict: "it went away"}, "C:fail", "NOT CONFORMANT: 2 errors against 1 rule; 1 of 1 core rules exercised", 1},
		{"nothing was seen", Input{}, "C:idle C:none", "NO VERDICT: no errors, no warnings; 0 of 2 core rules exercised", 3},
		{"no rules", Input{}, "", "NO VERDICT: no errors, no warnings; 0 of 0 core rules exercised", 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rep := ruled(tt.in, strings.Fields(tt.results)...)
			if got := Headline(rep); got != tt.headline {
				t.Errorf("got  %s\nwant %s", got, tt.headline)
			}
			if got := ExitCode(rep); got != tt.code {
				t.Errorf("got exit code %d, want %d", got, tt.code)
			}
			if (rep.GetVerdict() == optestv1.ConformanceReport_NO_VERDICT) && rep.GetReason() == "" {
				t.Error("got no reason for no verdict")
			}
		})
	}
}

func TestOneErrorIsOfOneRule(t *testing.T) {
	rep := ruled(Input{}, "C:fail", "C:fail")
	for _, r := range rep.GetRules() {
		r.Errors = 1
	}
	settle(rep)
	if got, want := Headline(rep), "NOT CONFORMANT: 2 errors; 2 of 2 core rules exercised"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
