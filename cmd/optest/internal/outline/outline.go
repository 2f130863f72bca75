// Package outline says in a few words what a scenario is.
package outline

import (
	"fmt"
	"math"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"

	"github.com/optest-dev/optest/internal/duration"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// Life says what the scenario's timeline comes to, such as "succeeds after
// 10m0s", "error at 20s, fails after 1m0s" or "never done".
func Life(s *optestv1.Scenario) string {
	var (
		first   = last{at: math.MaxInt64}    // the end by time
		polled  = last{poll: math.MaxUint32} // the end by polls
		failing *optestv1.Step
	)
	for _, step := range s.GetTimeline() {
		switch step.GetEffect().(type) {
		case *optestv1.Step_Failing:
			if failing == nil || earlier(step, failing) {
				failing = step
			}
		case *optestv1.Step_Fail, *optestv1.Step_Succeed:
			if w, ok := step.GetWhen().(*optestv1.Step_Poll); ok {
				if polled.step == nil || w.Poll < polled.poll {
					polled = last{step: step, poll: w.Poll}
				}
			} else if at := step.GetAt().AsDuration(); first.step == nil || at < first.at {
				first = last{step: step, at: at}
			}
		}
	}
	switch {
	case first.step == nil && polled.step == nil && failing == nil:
		return "never done"
	case first.step == nil && polled.step == nil:
		return "error " + from(failing) + ", never done"
	case first.step == nil:
		return ending(polled.step, failing)
	case polled.step == nil:
		return ending(first.step, failing)
	}
	return ending(polled.step, failing) + ", or " + ending(first.step, failing)
}

// last is a step that ends the operation.
type last struct {
	step *optestv1.Step
	at   time.Duration
	poll uint32
}

func earlier(a, b *optestv1.Step) bool {
	return a.GetPoll() < b.GetPoll() || a.GetPoll() == b.GetPoll() && a.GetAt().AsDuration() < b.GetAt().AsDuration()
}

func ending(end, failing *optestv1.Step) string {
	if _, ok := end.GetEffect().(*optestv1.Step_Succeed); ok {
		return "succeeds " + when(end)
	}
	text := "fails " + when(end)
	if failing != nil {
		text = "error " + from(failing) + ", " + text
	}
	return text
}

func when(step *optestv1.Step) string {
	if at := step.GetAt().AsDuration(); at > 0 {
		return "after " + at.String()
	}
	return from(step)
}

func from(step *optestv1.Step) string {
	if w, ok := step.GetWhen().(*optestv1.Step_Poll); ok {
		return fmt.Sprintf("at poll %d", w.Poll)
	}
	if at := step.GetAt().AsDuration(); at > 0 {
		return "at " + at.String()
	}
	return "at once"
}

// Outcome is what a right client concludes: "succeeded", "cancelled",
// "deadline", "protocol error", or the code of the error that it reports. It is
// empty where the scenario does not say.
func Outcome(s *optestv1.Scenario) string {
	e := s.GetExpect()
	switch {
	case e.GetOutcome() == optestv1.Expect_OUTCOME_UNSPECIFIED:
		return ""
	case e.GetOutcome() == optestv1.Expect_FAILED && e.GetCode() != code.Code_OK:
		return e.GetCode().String()
	}
	return strings.ReplaceAll(strings.ToLower(e.GetOutcome().String()), "_", " ")
}

// Conclusion is what a right client does at the end, as it goes on after "a right
// client". It is empty where the scenario does not say.
func Conclusion(s *optestv1.Scenario) string {
	e := s.GetExpect()
	text, ok := map[optestv1.Expect_Outcome]string{
		optestv1.Expect_SUCCEEDED:      "returns the response",
		optestv1.Expect_FAILED:         "reports " + e.GetCode().String(),
		optestv1.Expect_CANCELLED:      "reports that the operation was cancelled, with " + e.GetCode().String(),
		optestv1.Expect_DEADLINE:       "gives up at its own deadline and says which operation goes on",
		optestv1.Expect_PROTOCOL_ERROR: "says that the server broke the contract",
	}[e.GetOutcome()]
	if !ok {
		return ""
	}
	if e.GetCancelAt() != nil {
		text = "that cancels " + duration.Format(e.GetCancelAt()) + " after creation " + text
	}
	if at := e.GetNotBefore(); at.AsDuration() > 0 {
		text += ", not before " + duration.Format(at)
	}
	return text
}
