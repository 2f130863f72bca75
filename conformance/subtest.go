package conformance

import "testing"

// test has a subtest for each rule.
func (r *Report) test(t *testing.T, require Requirement) {
	t.Helper()
	t.Log(r)
	if r.Verdict == NoVerdict || r.cutShort != "" {
		t.Errorf("optest: %v: %s", r.Verdict, r.Reason)
	}
	for i := range r.Rules {
		one := &r.Rules[i]
		t.Run(one.ID, func(t *testing.T) { one.test(t, require) })
	}
}

func (r *RuleResult) test(t *testing.T, require Requirement) {
	t.Helper()
	switch {
	case r.Verdict == Failed:
		t.Error(r.story())
	case r.Verdict == Warned:
		t.Log(r.story())
	case r.Verdict == Passed:
	case require&Core != 0 && r.Core:
		t.Errorf("optest: core rule %s %v, want PASS: %s", r.ID, r.Verdict, r.why())
	default:
		t.Skipf("%v: %s", r.Verdict, r.why())
	}
}
