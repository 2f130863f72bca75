package outline_test

import (
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/optest-dev/optest/cmd/optest/internal/outline"
	"github.com/optest-dev/optest/fixtures"
	"github.com/optest-dev/optest/mockserver"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

func TestLife(t *testing.T) {
	for _, tt := range []struct {
		scenario *optestv1.Scenario
		want     string
	}{
		{mockserver.Running(10 * time.Minute).Succeed(), "succeeds after 10m0s"},
		{mockserver.Running(0).Succeed(), "succeeds at once"},
		{mockserver.RunningUntilPoll(3).Succeed(), "succeeds at poll 3"},
		{mockserver.Running(time.Second).Fail(codes.Aborted, ""), "fails after 1s"},
		{mockserver.Running(0).Fail(codes.Aborted, ""), "fails at once"},
		{
			mockserver.Running(20*time.Second).Failing(codes.Aborted, "").RolledBackAfter(40 * time.Second),
			"error at 20s, fails after 1m0s",
		},
		{
			mockserver.Running(0).Failing(codes.Aborted, "").RolledBackAtPoll(4),
			"error at once, fails at poll 4",
		},
		{
			mockserver.RunningUntilPoll(2).Failing(codes.Aborted, "").RolledBackAtPoll(4),
			"error at poll 2, fails at poll 4",
		},
		{mockserver.Running(time.Second).Failing(codes.Aborted, "").Forever(), "error at 1s, never done"},
		{mockserver.NeverDone().Forever(), "never done"},
		{both(), "succeeds at poll 2, or fails after 1m0s"},
		{&optestv1.Scenario{}, "never done"},
		{nil, "never done"},
	} {
		if got := outline.Life(tt.scenario); got != tt.want {
			t.Errorf("%v: %q, want %q", tt.scenario, got, tt.want)
		}
	}
}

// both ends at a poll or at a time, whichever comes first; later ends of either
// kind never come.
func both() *optestv1.Scenario {
	s := mockserver.Running(time.Minute).Fail(codes.Aborted, "")
	s.Timeline = append(s.Timeline,
		mockserver.RunningUntilPoll(3).Fail(codes.Aborted, "").GetTimeline()[0],
		mockserver.RunningUntilPoll(2).Succeed().GetTimeline()[0],
		mockserver.Running(time.Hour).Succeed().GetTimeline()[0])
	return s
}

func TestOutcome(t *testing.T) {
	for name, want := range map[string]string{
		"slow-success": "succeeded",
		"early-error":  "RESOURCE_EXHAUSTED",
		"never-done":   "deadline",
		"cancelled":    "cancelled",
	} {
		if got := outline.Outcome(fixtures.Must(name)); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	broken := &optestv1.Scenario{Expect: &optestv1.Expect{Outcome: optestv1.Expect_PROTOCOL_ERROR}}
	if got := outline.Outcome(broken); got != "protocol error" {
		t.Errorf("%q, want protocol error", got)
	}
	if got := outline.Outcome(&optestv1.Scenario{}); got != "" {
		t.Errorf("%q, want nothing", got)
	}
}

func TestConclusion(t *testing.T) {
	for name, want := range map[string]string{
		"instant":                 "returns the response",
		"slow-success":            "returns the response, not before 10m",
		"early-error":             "reports RESOURCE_EXHAUSTED, not before 1m",
		"never-done":              "gives up at its own deadline and says which operation goes on, not before 1m",
		"cancelled-with-rollback": "that cancels 10s after creation reports that the operation was cancelled, with CANCELLED, not before 40s",
	} {
		if got := outline.Conclusion(fixtures.Must(name)); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	broken := &optestv1.Scenario{Expect: &optestv1.Expect{Outcome: optestv1.Expect_PROTOCOL_ERROR}}
	if got := outline.Conclusion(broken); got != "says that the server broke the contract" {
		t.Errorf("%q, want the breach", got)
	}
	for _, s := range []*optestv1.Scenario{nil, {Expect: &optestv1.Expect{}}, {Expect: &optestv1.Expect{Outcome: 99}}} {
		if got := outline.Conclusion(s); got != "" {
			t.Errorf("%q, want nothing", got)
		}
	}
}

// A table has room for it.
func TestCatalogueIsShort(t *testing.T) {
	for s := range fixtures.All() {
		if life := outline.Life(s); len(life) > 34 {
			t.Errorf("%s: %q has %d characters, want at most 34", s.GetName(), life, len(life))
		}
	}
}
