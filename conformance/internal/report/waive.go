package report

import (
	"fmt"
	"path"
	"strings"
	"time"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// date is how a waiver writes its last day.
const date = "2006-01-02"

// Apply holds the waivers against the report's rules: one that fails and has a
// waiver becomes WAIVED, which is no pass. What has become of each waiver is added
// to the report. One whose last day was before today, in today's time zone, does
// not count; that, and one whose rule has passed, fails the run.
func Apply(rep *optestv1.ConformanceReport, waivers *optestv1.Waivers, today time.Time) {
	results := make(map[string]*optestv1.RuleResult, len(rep.GetRules()))
	for _, r := range rep.GetRules() {
		results[r.GetId()] = r
	}
	for _, w := range waivers.GetWaivers() {
		state, reason := applied(rep, results[w.GetRule()], w, today)
		rep.Waivers = append(rep.Waivers, &optestv1.WaiverResult{Waiver: w, State: state, Reason: plain(reason)})
	}
	settle(rep)
}

// applied applies a waiver to its rule, and says what has become of it.
func applied(
	rep *optestv1.ConformanceReport, r *optestv1.RuleResult, w *optestv1.Waiver, today time.Time,
) (state optestv1.WaiverResult_State, reason string) {
	until, err := time.ParseInLocation(date, w.GetUntil(), today.Location())
	matches, bad := matches(w.GetTarget(), rep.GetTarget())
	switch {
	case r == nil:
		return optestv1.WaiverResult_INVALID, fmt.Sprintf("there is no rule %q", w.GetRule())
	case err != nil:
		return optestv1.WaiverResult_INVALID, fmt.Sprintf("its last day is %q, want one such as 2027-01-31", w.GetUntil())
	case bad != nil:
		return optestv1.WaiverResult_INVALID, fmt.Sprintf("its target %q is no pattern, want one such as *.example.com*", w.GetTarget())
	case strings.TrimSpace(w.GetReason()) == "":
		return optestv1.WaiverResult_INVALID, "it gives no reason"
	case !matches:
		return optestv1.WaiverResult_UNUSED, fmt.Sprintf("it is for %s, not for this target", w.GetTarget())
	case !today.Before(until.AddDate(0, 0, 1)):
		return optestv1.WaiverResult_EXPIRED, "its last day was " + w.GetUntil()
	}
	switch r.GetVerdict() {
	case optestv1.RuleResult_FAIL:
		r.Verdict, r.Reason = optestv1.RuleResult_WAIVED, plain(because(w))
		return optestv1.WaiverResult_APPLIED, ""
	case optestv1.RuleResult_PASS:
		return optestv1.WaiverResult_NOT_NEEDED, "the rule passes"
	case optestv1.RuleResult_WARNING:
		return optestv1.WaiverResult_NOT_NEEDED, "the rule passes with warnings, which need no waiver"
	case optestv1.RuleResult_WAIVED:
		return optestv1.WaiverResult_UNUSED, "another waiver has applied before"
	}
	return optestv1.WaiverResult_UNUSED, "the rule is " + strings.ToLower(words(r.GetVerdict().String())) + " in this run"
}

func because(w *optestv1.Waiver) string {
	reason := fmt.Sprintf("%s (until %s)", strings.TrimSpace(w.GetReason()), w.GetUntil())
	if w.GetLink() != "" {
		reason += ", see " + w.GetLink()
	}
	return reason
}

// matches holds a pattern against the target as a whole, where * stands for any
// text, slashes too.
func matches(pattern, target string) (bool, error) {
	if pattern == "" {
		return true, nil
	}
	flat := strings.NewReplacer("/", "\x00")
	return path.Match(flat.Replace(pattern), flat.Replace(target))
}

// stale are the waivers that fail the run.
func stale(rep *optestv1.ConformanceReport) []*optestv1.WaiverResult {
	var list []*optestv1.WaiverResult
	for _, w := range rep.GetWaivers() {
		switch w.GetState() {
		case optestv1.WaiverResult_EXPIRED, optestv1.WaiverResult_NOT_NEEDED, optestv1.WaiverResult_INVALID:
			list = append(list, w)
		}
	}
	return list
}
