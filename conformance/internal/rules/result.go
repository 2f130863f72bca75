package rules

import (
	"fmt"
	"strings"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// Verdict is what a rule has come to.
type Verdict int

const (
	// NotApplicable: the observer lacks what the rule needs, or the contract that was
	// chosen lacks the rule.
	NotApplicable Verdict = iota + 1
	// NotExercised: nothing was seen that the rule is about.
	NotExercised
	// Inconclusive: time has run out before it was clear.
	Inconclusive
	Pass
	// Warned: it passes, with warnings.
	Warned
	Fail
)

func (v Verdict) String() string {
	switch v {
	case NotApplicable:
		return "NOT APPLICABLE"
	case NotExercised:
		return "NOT EXERCISED"
	case Inconclusive:
		return "INCONCLUSIVE"
	case Pass:
		return "PASS"
	case Warned:
		return "WARNING"
	case Fail:
		return "FAIL"
	}
	return "UNKNOWN"
}

// Result is a rule with its verdict.
type Result struct {
	Rule    *Rule
	Verdict Verdict
	// Reason says why the rule is not applicable.
	Reason string
	// Exercised counts distinct instances of what the rule is about; there may be
	// more where More is set.
	Exercised int
	More      bool
	// Findings are the first of those that were found: of so many errors and
	// warnings.
	Findings         []Finding
	Errors, Warnings int
}

// End closes the checker and returns a result for each of its rules.
func (c *Checker) End() []Result {
	c.leaveAll()
	results := make([]Result, 0, len(c.running))
	for _, r := range c.running {
		results = append(results, r.end(c.env))
	}
	return results
}

// Events is how many were observed, Evicted how many operations were forgotten to
// make room.
func (c *Checker) Events() int  { return c.events }
func (c *Checker) Evicted() int { return c.evicted }

func (r *running) end(env *Env) Result {
	result := Result{Rule: r.rule, Reason: r.reason}
	if r.reason != "" {
		result.Verdict = NotApplicable
		return result
	}
	if r.rule.Static != nil {
		r.rule.Static(env, r.sink)
	}
	if r.machine.End != nil {
		r.machine.End(r.sink)
	}
	s := r.sink
	result.Exercised, result.More = len(s.exercised), s.more
	result.Findings, result.Errors, result.Warnings = s.findings, s.errors, s.warnings
	switch {
	case s.errors > 0:
		result.Verdict = Fail
	case s.warnings > 0:
		result.Verdict = Warned
	case s.unsure > 0:
		result.Verdict = Inconclusive
	case len(s.exercised) == 0:
		result.Verdict = NotExercised
	default:
		result.Verdict = Pass
	}
	return result
}

// inapplicable says why a rule does not apply, empty if it does.
func (e *Env) inapplicable(r *Rule) string {
	if r.Level == Proto && e.Contract == Seed || r.Level == Guide && (e.Contract == Seed || e.Contract == Proto) {
		return fmt.Sprintf("the contract %q leaves out what the %s says", e.Contract, r.Level)
	}
	var lacks []string
	for _, sight := range r.Sees {
		if !trace.Sees(e.Header, sight) {
			lacks = append(lacks, sights[sight])
		}
	}
	if len(lacks) > 0 {
		return "the observer does not see " + strings.Join(lacks, ", ")
	}
	if r.Strong && e.Eventual() {
		return "the profile allows stale reads"
	}
	if r.World && !e.World {
		return "others may write to where the observer looks"
	}
	return ""
}

var sights = map[optestv1.TraceHeader_Sight]string{
	optestv1.TraceHeader_CONTENT:     "messages",
	optestv1.TraceHeader_RAW:         "messages byte by byte",
	optestv1.TraceHeader_METADATA:    "metadata",
	optestv1.TraceHeader_HEADERS:     "all headers",
	optestv1.TraceHeader_FRAMES:      "frames and trailers",
	optestv1.TraceHeader_ALL_WRITERS: "every call that writes",
}
