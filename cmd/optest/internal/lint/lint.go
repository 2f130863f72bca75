// Package lint finds what is likely a mistake in a scenario that can be played:
// steps that are never reached, faults that never fire, an `expect` that the
// timeline contradicts, and `violates` where nothing breaks the contract.
//
// What the operation comes to is asked of the engine. A finding holds for every
// client and every run, or else its message says for which: a scenario that is
// odd but right has none.
package lint

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/optest-dev/optest/fixtures"
	"github.com/optest-dev/optest/internal/duration"
	"github.com/optest-dev/optest/mockserver/engine"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// Scenario returns what is likely a mistake, in the order of the schema's
// fields. The scenario is one that [fixtures.Validate] accepts; of another it
// returns nothing, for that has to be mended first.
func Scenario(s *optestv1.Scenario) []fixtures.Problem {
	if len(fixtures.Validate(s)) > 0 {
		return nil
	}
	l := &linter{scenario: s, course: newCourse(s)}
	faults := l.found(l.faults) // first: what never fires has no say in the rest
	return slices.Concat(l.found(l.steps), l.found(l.cancel), faults, l.found(l.expect), l.found(l.violates))
}

type linter struct {
	scenario *optestv1.Scenario
	course   *course
	dead     []bool // of each fault: it never fires
	problems []fixtures.Problem
}

func (l *linter) found(look func()) []fixtures.Problem {
	l.problems = nil
	look()
	return l.problems
}

func (l *linter) warnf(path, format string, args ...any) {
	l.problems = append(l.problems, fixtures.Problem{Path: path, Message: fmt.Sprintf(format, args...)})
}

func text(d time.Duration) string { return duration.Format(durationpb.New(d)) }

func at(list string, i int) string { return fmt.Sprintf("%s[%d]", list, i) }

// live yields the faults that can fire.
func (l *linter) live(yield func(int, *optestv1.Fault) bool) {
	for i, f := range l.scenario.GetFaults() {
		if !l.dead[i] && !yield(i, f) {
			return
		}
	}
}

// inTime returns the places of the steps in a timeline of times, in their order.
func inTime(s *optestv1.Scenario) []int {
	order := make([]int, len(s.GetTimeline()))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Compare(s.GetTimeline()[a].GetAt().AsDuration(), s.GetTimeline()[b].GetAt().AsDuration())
	})
	return order
}

func polled(step *optestv1.Step) bool { return step.GetPoll() > 0 }
func timed(step *optestv1.Step) bool  { return step.GetPoll() == 0 }

// turns says whether a step changes the phase.
func turns(step *optestv1.Step) bool { return step.GetEffect() != nil }

// honoured returns how Cancel ends the operation, nil where the scenario refuses
// or ignores it.
func honoured(s *optestv1.Scenario) *optestv1.Cancel_Honour {
	switch policy := s.GetCancel().GetPolicy().(type) {
	case *optestv1.Cancel_Refuse, *optestv1.Cancel_Ignore_:
		return nil
	case *optestv1.Cancel_Honour_:
		return policy.Honour
	}
	return &optestv1.Cancel_Honour{}
}

// cancelAt is the life in which a Cancel comes when expect says so.
func cancelAt(d *durationpb.Duration) engine.Life {
	if d == nil {
		return engine.Life{}
	}
	at := d.AsDuration()
	return engine.Life{Cancelled: &at}
}
