package engine

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

func at(d time.Duration, s *optestv1.Step) *optestv1.Step {
	s.When = &optestv1.Step_At{At: durationpb.New(d)}
	return s
}

func poll(n uint32, s *optestv1.Step) *optestv1.Step {
	s.When = &optestv1.Step_Poll{Poll: n}
	return s
}

func describe(text string) *optestv1.Step { return &optestv1.Step{Description: &text} }

func hint(text string) *optestv1.Step { return &optestv1.Step{PollHint: &text} }

func failing(c code.Code, message string) *optestv1.Step {
	return &optestv1.Step{Effect: &optestv1.Step_Failing{Failing: &optestv1.Status{Code: c, Message: message}}}
}

func fail(c code.Code, message string) *optestv1.Step {
	return &optestv1.Step{Effect: &optestv1.Step_Fail{Fail: &optestv1.Status{Code: c, Message: message}}}
}

func succeed() *optestv1.Step {
	return &optestv1.Step{Effect: &optestv1.Step_Succeed{Succeed: &optestv1.Succeed{}}}
}

func honour(after, rollback time.Duration) *optestv1.Cancel {
	return &optestv1.Cancel{Policy: &optestv1.Cancel_Honour_{Honour: &optestv1.Cancel_Honour{
		After: durationpb.New(after), Rollback: durationpb.New(rollback),
	}}}
}

func scenario(steps ...*optestv1.Step) *optestv1.Scenario {
	return &optestv1.Scenario{Name: "s", Timeline: steps}
}

func cancelled(at time.Duration, reached ...time.Duration) Life {
	return Life{Cancelled: &at, Reached: reached}
}

func TestAt(t *testing.T) {
	const s = time.Second
	earlyError := scenario(at(20*s, failing(code.Code_RESOURCE_EXHAUSTED, "Image quota is exceeded")), at(60*s, fail(0, "")))
	withCancel := func(c *optestv1.Cancel, steps ...*optestv1.Step) *optestv1.Scenario {
		sc := scenario(steps...)
		sc.Cancel = c
		return sc
	}
	refuse := &optestv1.Cancel{Policy: &optestv1.Cancel_Refuse{Refuse: &optestv1.Status{}}}
	ignore := &optestv1.Cancel{Policy: &optestv1.Cancel_Ignore_{Ignore: &optestv1.Cancel_Ignore{}}}
	tests := []struct {
		name     string
		scenario *optestv1.Scenario
		age      time.Duration
		life     Life
		phase    Phase
		step     string
		modified time.Duration
		code     code.Code
	}{
		{"an empty timeline runs for ever", scenario(), 1000 * time.Hour, Life{}, Running, "created", 0, 0},
		{"before its first step", scenario(at(s, succeed())), s - 1, Life{}, Running, "created", 0, 0},
		{"a step is reached at its very moment", scenario(at(s, succeed())), s, Life{}, Succeeded, "succeed@1s", s, 0},
		{"done in the first answer", scenario(at(0, succeed())), 0, Life{}, Succeeded, "succeed@0s", 0, 0},
		{"failed in the first answer", scenario(at(0, fail(code.Code_NOT_FOUND, "gone"))), 0, Life{}, Failed, "fail@0s", 0, code.Code_NOT_FOUND},
		{"an age before creation is that of creation", scenario(at(0, succeed())), -s, Life{}, Succeeded, "succeed@0s", 0, 0},
		{"early error: not yet", earlyError, 20*s - 1, Life{}, Running, "created", 0, 0},
		{"early error: shown", earlyError, 59 * s, Life{}, Failing, "failing@20s", 20 * s, code.Code_RESOURCE_EXHAUSTED},
		{"early error: done with the same code", earlyError, 60 * s, Life{}, Failed, "fail@1m0s", 60 * s, code.Code_RESOURCE_EXHAUSTED},
		{"the order in the file does not matter", scenario(at(60*s, fail(0, "")), at(20*s, failing(code.Code_ABORTED, ""))), 90 * s, Life{}, Failed, "fail@1m0s", 60 * s, code.Code_ABORTED},
		{"a hint is no change of the operation", scenario(at(s, hint("5")), at(9*s, succeed())), 2 * s, Life{}, Running, "step@1s", 0, 0},
		{"polls that are not enough", scenario(poll(3, succeed())), time.Hour, Life{}, Running, "created", 0, 0},
		{"the poll that counts", scenario(poll(3, succeed())), time.Hour, Life{Reached: []time.Duration{7 * s}}, Succeeded, "succeed@poll-3", 7 * s, 0},
		{"a poll after the timed end", scenario(at(5*s, fail(code.Code_ABORTED, "")), poll(3, succeed())), time.Hour, Life{Reached: []time.Duration{7 * s}}, Failed, "fail@5s", 5 * s, code.Code_ABORTED},
		{"a poll before the timed end", scenario(at(9*s, fail(code.Code_ABORTED, "")), poll(3, succeed())), time.Hour, Life{Reached: []time.Duration{7 * s}}, Succeeded, "succeed@poll-3", 7 * s, 0},
		{"cancel without a policy ends at once", scenario(at(9*s, succeed())), 3 * s, cancelled(2 * s), Failed, "cancelled@cancel", 2 * s, code.Code_CANCELLED},
		{"honoured later: still running", withCancel(honour(5*s, 0), at(60*s, succeed())), 6 * s, cancelled(2 * s), Running, "created", 0, 0},
		{"honoured later: ended", withCancel(honour(5*s, 0), at(60*s, succeed())), 99 * s, cancelled(2 * s), Failed, "cancelled@cancel", 7 * s, code.Code_CANCELLED},
		{"rolling back", withCancel(honour(5*s, 9*s), at(60*s, succeed())), 15 * s, cancelled(2 * s), Failing, "rollback@cancel", 7 * s, code.Code_CANCELLED},
		{"rolled back, whatever the timeline says", withCancel(honour(5*s, 90*s), at(60*s, succeed())), 99 * s, cancelled(2 * s), Failed, "cancelled@cancel", 97 * s, code.Code_CANCELLED},
		{"cancel loses the race", withCancel(honour(30*s, 0), at(20*s, succeed())), 99 * s, cancelled(2 * s), Succeeded, "succeed@20s", 20 * s, 0},
		{"a tie goes to the timeline", withCancel(honour(18*s, 0), at(20*s, succeed())), 99 * s, cancelled(2 * s), Succeeded, "succeed@20s", 20 * s, 0},
		{"cancel after the end", scenario(at(20*s, succeed())), 99 * s, cancelled(50 * s), Succeeded, "succeed@20s", 20 * s, 0},
		{"cancel in the roll-back keeps the error", earlyError, 99 * s, cancelled(30 * s), Failed, "fail@1m0s", 60 * s, code.Code_RESOURCE_EXHAUSTED},
		{"refused", withCancel(refuse, at(20*s, succeed())), 99 * s, cancelled(2 * s), Succeeded, "succeed@20s", 20 * s, 0},
		{"ignored", withCancel(ignore, at(20*s, succeed())), 99 * s, cancelled(2 * s), Succeeded, "succeed@20s", 20 * s, 0},
		{"a poll after the reaction does not count", withCancel(honour(0, 0), poll(2, succeed())), 99 * s, cancelled(2*s, 3*s), Failed, "cancelled@cancel", 2 * s, code.Code_CANCELLED},
		{"a poll before the reaction does", withCancel(honour(5*s, 0), poll(2, succeed())), 99 * s, cancelled(2*s, 3*s), Succeeded, "succeed@poll-2", 3 * s, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := NewPlan(tt.scenario).At(tt.age, tt.life)
			if got.Phase != tt.phase || got.Step != tt.step || got.Modified != tt.modified || code.Code(got.Error.GetCode()) != tt.code {
				t.Errorf("got %v %q modified %v code %v, want %v %q modified %v code %v",
					got.Phase, got.Step, got.Modified, code.Code(got.Error.GetCode()), tt.phase, tt.step, tt.modified, tt.code)
			}
		})
	}
}

func TestFailInheritsWhatItLeavesOpen(t *testing.T) {
	p := NewPlan(scenario(at(time.Second, failing(code.Code_ABORTED, "Disk is gone")), at(2*time.Second, fail(0, ""))))
	early, late := p.At(time.Second, Life{}), p.At(time.Hour, Life{})
	if diff := cmp.Diff(early.Error, late.Error, protocmp.Transform()); diff != "" {
		t.Errorf("the terminal error differs from the detected one (-detected +terminal):\n%s", diff)
	}
}

func TestWhatAStepDoesNotSetStays(t *testing.T) {
	progress := uint32(40)
	p := NewPlan(scenario(
		at(0, &optestv1.Step{PollHint: new("5"), Description: new("Copying")}),
		at(time.Second, &optestv1.Step{Progress: &progress}),
		at(2*time.Second, hint("")),
	))
	st := p.At(time.Second, Life{})
	if *st.Description != "Copying" || *st.Progress != 40 || st.PollHint != "5" {
		t.Errorf("after the second step got %+v", st)
	}
	if st = p.At(2*time.Second, Life{}); st.PollHint != "" || st.Modified != time.Second {
		t.Errorf("after the third step got hint %q modified %v, want no hint and 1s", st.PollHint, st.Modified)
	}
}

func TestReaches(t *testing.T) {
	p := NewPlan(scenario(poll(5, succeed()), poll(2, describe("second"))))
	for n, want := range []int{0, 0, 1, 1, 1, 2, 2} {
		if got := p.Reaches(uint32(n), 0, Life{}); got != want {
			t.Errorf("poll %d reaches %d steps, want %d", n, got, want)
		}
	}
	if got := p.Reaches(9, time.Second, cancelled(time.Second)); got != 0 {
		t.Errorf("once cancelled, poll 9 reaches %d steps, want none", got)
	}
}

func TestRefusal(t *testing.T) {
	refuse := func(st *optestv1.Status) *Plan {
		return NewPlan(&optestv1.Scenario{Cancel: &optestv1.Cancel{Policy: &optestv1.Cancel_Refuse{Refuse: st}}})
	}
	if got := refuse(&optestv1.Status{}).Refusal(); code.Code(got.GetCode()) != code.Code_FAILED_PRECONDITION || got.GetMessage() == "" {
		t.Errorf("an empty refusal is %v, want FAILED_PRECONDITION with a message", got)
	}
	if got := refuse(&optestv1.Status{Code: code.Code_UNIMPLEMENTED}).Refusal(); code.Code(got.GetCode()) != code.Code_UNIMPLEMENTED {
		t.Errorf("a refusal with UNIMPLEMENTED is %v", got)
	}
	if got := NewPlan(scenario()).Refusal(); got != nil {
		t.Errorf("without a policy Cancel is refused with %v", got)
	}
}
