package lint

import (
	"slices"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/protobuf/proto"

	"github.com/optest-dev/optest/fixtures"
	"github.com/optest-dev/optest/mockserver/engine"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// violates looks for rules that nothing in the scenario can break. What a fault
// breaks can't be told from here, so that any fault that fires will do.
func (l *linter) violates() {
	rules := l.scenario.GetViolates()
	if len(rules) == 0 || l.breaks() {
		return
	}
	l.warnf("violates", "names %s, but nothing in the scenario can break the contract, want a fault or a step that does, or no rules", list(rules))
}

func list(rules []string) string {
	const few = 3
	if len(rules) > few {
		return rules[0] + " and others"
	}
	text := rules[0]
	for _, r := range rules[1:] {
		text += ", " + r
	}
	return text
}

// breaks also counts what keeps the contract in general and breaks a rule in the
// world that the scenario is played in.
func (l *linter) breaks() bool {
	for range l.live {
		return true
	}
	s := l.scenario
	conforming := proto.CloneOf(s)
	conforming.Violates = nil
	switch {
	case len(fixtures.Validate(conforming)) > 0, l.overrides(), l.unusualCancel():
		return true
	case s.GetNeverDone(), s.GetExpect().GetOutcome() == optestv1.Expect_DEADLINE:
		return true // the end does not come, or not in time (LRO-13, CXL-08)
	}
	// A copy of a desktop that does not exist succeeds (REQ-10).
	return slices.Contains(s.GetViolates(), "REQ-10") && ended(l.course.ends(engine.Life{}), optestv1.Expect_SUCCEEDED, code.Code_OK)
}

// unusualCancel says whether Cancel ends the operation with another code than
// CANCELLED (CXL-04).
func (l *linter) unusualCancel() bool {
	if l.course.honour == nil {
		return false
	}
	c := l.course.honour.GetStatus().GetCode()
	return c != code.Code_OK && c != code.Code_CANCELLED
}

// overrides says whether a step sets what the service fills otherwise: fields of
// the metadata or the response (IMG-*, LRO-*), another description than that of
// the first answer (LRO-06), or an error without a message (OP-11).
func (l *linter) overrides() bool {
	for _, step := range l.scenario.GetTimeline() {
		first := timed(step) && step.GetAt().AsDuration() == 0
		if !first && (step.Description != nil || step.Progress != nil) {
			return true
		}
		if len(step.GetMetadata().GetFields()) > 0 || len(step.GetSucceed().GetResponse().GetFields()) > 0 {
			return true
		}
		switch e := step.GetEffect().(type) {
		case *optestv1.Step_Failing:
			if e.Failing.GetMessage() == "" {
				return true
			}
		case *optestv1.Step_Fail:
			if e.Fail.GetMessage() == "" && e.Fail.GetCode() != code.Code_OK {
				return true
			}
		}
	}
	return false
}
