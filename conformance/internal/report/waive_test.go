package report

import (
	"bytes"
	"strings"
	"testing"
	"time"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

func TestApply(t *testing.T) {
	today := time.Date(2026, time.March, 5, 23, 30, 0, 0, time.FixedZone("", 3*3600))
	known := func(rule string) *optestv1.Waiver {
		return &optestv1.Waiver{Rule: rule, Reason: "the vendor knows", Until: "2026-03-05", Link: "https://example.com/7"}
	}
	with := func(rule string, change func(*optestv1.Waiver)) *optestv1.Waiver {
		w := known(rule)
		change(w)
		return w
	}
	for _, tt := range []struct {
		name     string
		results  string // of R-01 and so on
		waivers  []*optestv1.Waiver
		states   string
		verdict  string
		code     int
		headline string // contains
	}{
		{"applies", "C:fail C:pass", []*optestv1.Waiver{known("R-01")}, "APPLIED", "PARTIAL", 3, "PARTIAL: 1 waived; 2 of 2"},
		{"of a rule that is not core", "C:pass fail", []*optestv1.Waiver{known("R-02")}, "APPLIED", "PARTIAL", 3, "PARTIAL: 1 waived; 1 of 1"},
		{"one of two", "C:fail C:fail", []*optestv1.Waiver{known("R-01")}, "APPLIED", "NOT_CONFORMANT", 1, "2 errors against 1 rule, 1 waived"},
		{"unclear stays", "C:fail unclear", []*optestv1.Waiver{known("R-01")}, "APPLIED", "INCONCLUSIVE", 3, "1 rule unclear, 1 waived"},
		{"everything waived", "C:fail", []*optestv1.Waiver{known("R-01")}, "APPLIED", "PARTIAL", 3, ""},
		{
			"expired", "C:fail",
			[]*optestv1.Waiver{with("R-01", func(w *optestv1.Waiver) { w.Until = "2026-03-04" })},
			"EXPIRED", "NOT_CONFORMANT", 1, "1 waiver to be removed",
		},
		{"passes", "C:pass", []*optestv1.Waiver{known("R-01")}, "NOT_NEEDED", "CONFORMANT", 1, "CONFORMANT: no errors, no warnings; 1 of 1 core rules exercised; 1 waiver to be removed"},
		{"warns", "C:warn", []*optestv1.Waiver{known("R-01")}, "NOT_NEEDED", "CONFORMANT", 1, ""},
		{"not exercised", "C:pass C:idle", []*optestv1.Waiver{known("R-02")}, "UNUSED", "PARTIAL", 3, ""},
		{"not applicable", "C:pass C:none", []*optestv1.Waiver{known("R-02")}, "UNUSED", "PARTIAL", 3, ""},
		{"unclear itself", "C:pass C:unclear", []*optestv1.Waiver{known("R-02")}, "UNUSED", "INCONCLUSIVE", 3, ""},
		{"twice", "C:fail C:pass", []*optestv1.Waiver{known("R-01"), known("R-01")}, "APPLIED UNUSED", "PARTIAL", 3, ""},
		{
			"of another target, although it has expired", "C:fail",
			[]*optestv1.Waiver{with("R-01", func(w *optestv1.Waiver) { w.Target, w.Until = "*.example.com*", "2020-01-01" })},
			"UNUSED", "NOT_CONFORMANT", 1, "",
		},
		{"of this target", "C:fail C:pass", []*optestv1.Waiver{with("R-01", func(w *optestv1.Waiver) { w.Target = "http*://127.0.0.*:80*" })}, "APPLIED", "PARTIAL", 3, ""},
		{"of the whole target only", "C:fail", []*optestv1.Waiver{with("R-01", func(w *optestv1.Waiver) { w.Target = "127.0.0.1" })}, "UNUSED", "NOT_CONFORMANT", 1, ""},
		{"bad pattern", "C:fail", []*optestv1.Waiver{with("R-01", func(w *optestv1.Waiver) { w.Target = "[" })}, "INVALID", "NOT_CONFORMANT", 1, ""},
		{"unknown rule", "C:pass", []*optestv1.Waiver{known("R-99")}, "INVALID", "CONFORMANT", 1, ""},
		{"no date", "C:fail", []*optestv1.Waiver{with("R-01", func(w *optestv1.Waiver) { w.Until = "" })}, "INVALID", "NOT_CONFORMANT", 1, ""},
		{"no such date", "C:fail", []*optestv1.Waiver{with("R-01", func(w *optestv1.Waiver) { w.Until = "2026-02-30" })}, "INVALID", "NOT_CONFORMANT", 1, ""},
		{"no reason", "C:fail", []*optestv1.Waiver{with("R-01", func(w *optestv1.Waiver) { w.Reason = " " })}, "INVALID", "NOT_CONFORMANT", 1, ""},
		{"none", "C:pass", nil, "", "CONFORMANT", 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rep := ruled(Input{}, strings.Fields(tt.results)...)
			rep.Target = "http://127.0.0.1:8080"
			Apply(rep, &optestv1.Waivers{Waivers: tt.waivers}, today)
			var states []string
			for _, w := range rep.GetWaivers() {
				states = append(states, w.GetState().String())
				if w.GetState() != optestv1.WaiverResult_APPLIED && w.GetReason() == "" {
					t.Errorf("%v without a reason", w)
				}
			}
			if got := strings.Join(states, " "); got != tt.states {
				t.Errorf("got %s, want %s: %v", got, tt.states, rep.GetWaivers())
			}
			if got := rep.GetVerdict().String(); got != tt.verdict {
				t.Errorf("got %s, want %s", got, tt.verdict)
			}
			if got := ExitCode(rep); got != tt.code {
				t.Errorf("got exit code %d, want %d", got, tt.code)
			}
			if got := Headline(rep); !strings.Contains(got, tt.headline) {
				t.Errorf("got %s, want %s in it", got, tt.headline)
			}
			for _, r := range rep.GetRules() {
				if r.GetVerdict() == optestv1.RuleResult_WAIVED && r.GetReason() != "the vendor knows (until 2026-03-05), see https://example.com/7" {
					t.Errorf("got %q, want why the rule is waived", r.GetReason())
				}
			}
		})
	}
}

func TestTextOfWaivers(t *testing.T) {
	s := brokenSample(t)
	rep := s.report()
	Apply(rep, &optestv1.Waivers{Waivers: []*optestv1.Waiver{
		{Rule: "OP-18", Reason: "the gateway merges two answers", Until: "2026-06-30", Link: "https://example.com/issues/12"},
		{Rule: "LRO-01", Reason: "a replica lags", Until: "2026-01-31"},
		{Rule: "OP-08", Reason: "an old bug", Until: "2026-12-31"},
	}}, sampleStart)
	var b bytes.Buffer
	if err := WriteText(&b, rep, Text{Width: 80}); err != nil {
		t.Fatal(err)
	}
	golden(t, "waivers.txt", b.Bytes())
}
