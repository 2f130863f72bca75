package lint

import (
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/protobuf/proto"

	"github.com/optest-dev/optest/fixtures"
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

func (l *linter) breaks() bool {
	for range l.live {
		return true
	}
	conforming := proto.CloneOf(l.scenario)
	conforming.Violates = nil
	// Only an end can fail to come (LRO-13), and only a Cancel that is honoured
	// can end with a wrong code (CXL-04).
	return len(fixtures.Validate(conforming)) > 0 || l.scenario.GetNeverDone() || l.unusualCancel() || l.overrides()
}

func (l *linter) unusualCancel() bool {
	if l.course.honour == nil {
		return false
	}
	c := l.course.honour.GetStatus().GetCode()
	return c != code.Code_OK && c != code.Code_CANCELLED
}

// overrides says whether a step sets what the service fills otherwise: fields of
// the metadata or the response (IMG-*, LRO-*), or an error without a message
// (OP-11).
func (l *linter) overrides() bool {
	for _, step := range l.scenario.GetTimeline() {
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
