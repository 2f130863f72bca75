package report

import (
	"fmt"
	"strings"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// settle counts what the rules have come to and draws the verdict from it. It can
// be called again when rules have changed.
func settle(rep *optestv1.ConformanceReport) {
	old := rep.GetCounts()
	n := &optestv1.ConformanceReport_Counts{Events: old.GetEvents(), OperationsForgotten: old.GetOperationsForgotten()}
	held := true // every core rule was exercised and has passed
	for _, r := range rep.GetRules() {
		n.Rules++
		if r.GetCore() {
			n.Core++
			if exercised(r) {
				n.CoreExercised++
			}
			held = held && (r.GetVerdict() == optestv1.RuleResult_PASS || r.GetVerdict() == optestv1.RuleResult_WARNING)
		}
		*counter(n, r.GetVerdict())++
		if r.GetVerdict() != optestv1.RuleResult_WAIVED {
			n.Errors += r.GetErrors()
			n.Warnings += r.GetWarnings()
		}
	}
	rep.Counts = n
	rep.Verdict = verdict(rep, held)
	if rep.Verdict == optestv1.ConformanceReport_NO_VERDICT && rep.Reason == "" {
		rep.Reason = nothing
	}
}

// nothing is why a run that has seen nothing has no verdict: not even PARTIAL.
const nothing = "nothing was seen that a rule is about"

func verdict(rep *optestv1.ConformanceReport, held bool) optestv1.ConformanceReport_Verdict {
	n := rep.GetCounts()
	switch {
	case n.GetFailed() > 0:
		return optestv1.ConformanceReport_NOT_CONFORMANT
	case rep.GetReason() != "" || n.GetPassed()+n.GetWarned()+n.GetInconclusive()+n.GetWaived() == 0:
		return optestv1.ConformanceReport_NO_VERDICT
	case n.GetInconclusive() > 0 || rep.GetCutShort() != "":
		return optestv1.ConformanceReport_INCONCLUSIVE
	case n.GetCore() == 0 || !held || n.GetWaived() > 0:
		return optestv1.ConformanceReport_PARTIAL
	}
	return optestv1.ConformanceReport_CONFORMANT
}

// exercised reports whether anything was seen that the rule is about.
func exercised(r *optestv1.RuleResult) bool {
	switch r.GetVerdict() {
	case optestv1.RuleResult_PASS, optestv1.RuleResult_WARNING, optestv1.RuleResult_FAIL, optestv1.RuleResult_WAIVED:
		return true
	}
	return r.GetExercised() > 0
}

// counter is that of the rules with the verdict. One that nobody knows counts as
// not applicable: it says nothing.
func counter(n *optestv1.ConformanceReport_Counts, v optestv1.RuleResult_Verdict) *uint32 {
	switch v {
	case optestv1.RuleResult_PASS:
		return &n.Passed
	case optestv1.RuleResult_WARNING:
		return &n.Warned
	case optestv1.RuleResult_FAIL:
		return &n.Failed
	case optestv1.RuleResult_INCONCLUSIVE:
		return &n.Inconclusive
	case optestv1.RuleResult_NOT_EXERCISED:
		return &n.NotExercised
	case optestv1.RuleResult_WAIVED:
		return &n.Waived
	}
	return &n.NotApplicable
}

// Headline is the verdict in one line, such as `NOT CONFORMANT: 2 errors,
// 1 warning; 58 of 65 core rules exercised`.
func Headline(rep *optestv1.ConformanceReport) string {
	var said []string
	n := rep.GetCounts()
	if n.GetErrors() > 0 {
		errors := counted(n.GetErrors(), "error")
		if n.GetErrors() > uint64(n.GetFailed()) && n.GetFailed() > 0 {
			errors += " against " + counted(n.GetFailed(), "rule")
		}
		said = append(said, errors)
	}
	if n.GetWarnings() > 0 {
		said = append(said, counted(n.GetWarnings(), "warning"))
	}
	if n.GetInconclusive() > 0 {
		said = append(said, counted(n.GetInconclusive(), "rule")+" unclear")
	}
	if n.GetWaived() > 0 {
		said = append(said, fmt.Sprintf("%d waived", n.GetWaived()))
	}
	if len(said) == 0 {
		said = append(said, "no errors, no warnings")
	}
	line := fmt.Sprintf("%s: %s; %d of %d core rules exercised",
		words(rep.GetVerdict().String()), strings.Join(said, ", "), n.GetCoreExercised(), n.GetCore())
	if stale := stale(rep); len(stale) > 0 {
		line += "; " + counted(len(stale), "waiver") + " to be removed"
	}
	return line
}

// words is the name of an enum's value as people write it.
func words(name string) string { return strings.ReplaceAll(name, "_", " ") }

// limits are all that limits what the verdict says, the weightiest first.
func limits(rep *optestv1.ConformanceReport) []string {
	var list []string
	if rep.GetReason() != "" {
		list = append(list, rep.GetReason())
	}
	if rep.GetCutShort() != "" {
		list = append(list, "the run has ended early: "+rep.GetCutShort())
	}
	list = append(list, rep.GetLimits()...)
	if n := rep.GetCounts().GetOperationsForgotten(); n > 0 {
		list = append(list, counted(n, "operation")+" had to be forgotten to make room: only what was kept of them is held against later calls")
	}
	return list
}
