package conformance

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/optest-dev/optest/conformance/internal/report"
	"github.com/optest-dev/optest/conformance/internal/rules"
	"github.com/optest-dev/optest/trace"
)

// RuleResult is a rule with what has become of it.
type RuleResult struct {
	Rule

	Verdict RuleVerdict
	// Reason says why the rule does not apply, or was not exercised.
	Reason string
	// Exercised counts distinct instances of what the rule is about, such as
	// operations.
	Exercised int
	// Errors and Warnings count all, Findings are the first, the worst of them first.
	Errors, Warnings int
	Findings         []Finding
}

// RuleVerdict is what has become of a rule.
type RuleVerdict int

const (
	// NotApplicable: it could not be looked at.
	NotApplicable = RuleVerdict(rules.NotApplicable)
	// NotExercised: nothing was seen that it is about.
	NotExercised = RuleVerdict(rules.NotExercised)
	// Unclear: time has run out before it was clear.
	Unclear = RuleVerdict(rules.Inconclusive)
	Passed  = RuleVerdict(rules.Pass)
	// Warned: it has passed, with warnings.
	Warned = RuleVerdict(rules.Warned)
	Failed = RuleVerdict(rules.Fail)
)

func (v RuleVerdict) String() string { return rules.Verdict(v).String() }

// Finding is a breach of a rule, or what may be one.
type Finding struct {
	Severity Severity
	// Text says what was seen, and why no conforming server could do that.
	Text string
	// Evidence are the one to three calls that show it.
	Evidence []*trace.Event
	// Trace are the fewest calls found in which it shows. Of findings that come after
	// the first of a rule it is nil.
	Trace []*trace.Event
	// Again says how to see it again, empty if only by running everything again.
	Again string
}

// Severity is how much a finding weighs.
type Severity int

const (
	// Unsure: time has run out before it was clear.
	Unsure  = Severity(rules.Unsure)
	Warning = Severity(rules.Warning)
	Error   = Severity(rules.Error)
)

func (s Severity) String() string {
	switch s {
	case Warning:
		return "warning"
	case Error:
		return "error"
	}
	return "unsure"
}

// newResult is a result with the shortest trace of its first finding in the
// events, if there are any.
func newResult(env *rules.Env, one rules.Result, events []*trace.Event) RuleResult {
	r := RuleResult{
		Rule: newRule(one.Rule), Verdict: RuleVerdict(one.Verdict), Reason: one.Reason, Exercised: one.Exercised,
		Errors: one.Errors, Warnings: one.Warnings,
	}
	list := slices.Clone(one.Findings)
	slices.SortStableFunc(list, func(a, b rules.Finding) int { return cmp.Compare(b.Kind, a.Kind) })
	for i, f := range list {
		var shortest []*trace.Event
		if i == 0 && len(events) > 0 {
			shortest, f = rules.Reduced(env, one.Rule, events, f)
		}
		r.Findings = append(r.Findings, Finding{Severity: Severity(f.Kind), Text: f.Text, Evidence: f.Evidence, Trace: shortest})
	}
	return r
}

// outcome is the result as reports are made from it.
func (r *RuleResult) outcome(one rules.Result) report.Outcome {
	one.Verdict, one.Exercised, one.Errors, one.Warnings = rules.Verdict(r.Verdict), r.Exercised, r.Errors, r.Warnings
	o := report.Outcome{Result: one}
	if r.Verdict == NotExercised {
		o.Why = r.Reason
	}
	for _, f := range r.Findings {
		o.Found = append(o.Found, report.Found{
			Finding:  rules.Finding{Kind: rules.Kind(f.Severity), Text: f.Text, Evidence: f.Evidence},
			Shortest: f.Trace, Note: f.Again,
		})
	}
	return o
}

// why says why the rule has neither passed nor failed.
func (r *RuleResult) why() string {
	switch {
	case r.Verdict == Unclear && len(r.Findings) > 0:
		return r.Findings[0].Text
	case r.Verdict == NotExercised && r.Reason == "":
		return "to exercise it, " + r.Exercise
	case r.Verdict == NotExercised:
		return r.Reason + "; to exercise it, " + r.Exercise
	}
	return r.Reason
}

// story tells what is wrong, by what sentence, and how it shows.
func (r *RuleResult) story() string {
	var b strings.Builder
	fmt.Fprintf(&b, "optest: %s %q: %v, errors %d, warnings %d\n", r.ID, r.Title, r.Verdict, r.Errors, r.Warnings)
	fmt.Fprintf(&b, "%s: %q (%s)\n", r.Level, r.Quote, r.Source)
	const most = 3
	for i, f := range r.Findings[:min(most, len(r.Findings))] {
		fmt.Fprintf(&b, "\n%s: %s\n", f.Severity, f.Text)
		writeEvents(&b, f.Evidence)
		if i == 0 && len(f.Trace) > len(f.Evidence) {
			fmt.Fprintf(&b, "The shortest trace that shows it has %d calls:\n", len(f.Trace))
			writeEvents(&b, f.Trace)
		}
		if f.Again != "" {
			fmt.Fprintf(&b, "%s\n", f.Again)
		}
	}
	if more := len(r.Findings) - most; more > 0 {
		fmt.Fprintf(&b, "\nand %d more\n", more)
	}
	return b.String()
}

func writeEvents(b *strings.Builder, events []*trace.Event) {
	const most = 12
	for _, e := range events[:min(most, len(events))] {
		fmt.Fprintf(b, "  %v\n", e)
	}
	if more := len(events) - most; more > 0 {
		fmt.Fprintf(b, "  and %d more\n", more)
	}
}
