package lint

import (
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/optest-dev/optest/internal/duration"
	"github.com/optest-dev/optest/mockserver/engine"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

func (l *linter) steps() {
	list := l.scenario.GetTimeline()
	idle := l.idle()
	fault, answered := l.answered()
	cancelled, reacts := l.cancelled()
	for i, step := range list {
		path := at("timeline", i)
		switch {
		case polled(step) && fault >= 0 && step.GetPoll() > answered:
			l.warnf(path+".poll", "is never reached, for %s answers every poll from call %d on, want calls.to or times there, or an earlier poll here",
				at("faults", fault), answered+1)
		case cancelled && timed(step) && !turns(step) && step.GetAt().AsDuration() > reacts:
			l.warnf(path+".at", "is never reached where expect is played, for Cancel at %s ends the operation at %s, want it earlier or the step left out",
				duration.Format(l.scenario.GetExpect().GetCancelAt()), text(reacts))
		case slices.Contains(idle, i):
			l.warnf(path, "changes nothing that the operation shows, want description, metadata, progress, poll_hint, failing, fail or succeed, or the step left out")
		}
	}
}

// answered returns how many polls are answered at most, and the fault that sees
// to all later ones, -1 for none. Polls that get no answer are not counted.
func (l *linter) answered() (fault int, polls uint32) {
	fault = -1
	for i, f := range l.live {
		if !loses(f) || !always(f) || f.GetCalls().GetTo() != 0 || !named(f)[get] {
			continue
		}
		if n := max(1, f.GetCalls().GetFrom()) - 1; fault < 0 || n < polls {
			fault, polls = i, n
		}
	}
	return fault, polls
}

// cancelled says whether the Cancel of expect ends the operation, whenever polls
// come, and at which age the operation reacts.
func (l *linter) cancelled() (ends bool, reacts time.Duration) {
	cancel := l.scenario.GetExpect().GetCancelAt()
	if cancel == nil || l.course.honour == nil || l.losesCancel() {
		return false, 0
	}
	for _, e := range l.course.ends(cancelAt(cancel)) {
		if !e.cancel {
			return false, 0
		}
	}
	return true, cancel.AsDuration() + l.course.honour.GetAfter().AsDuration()
}

// idle are the steps after which the operation shows what it has shown before.
// Where times and polls may come in any order, only those that set nothing.
func (l *linter) idle() []int {
	var idle []int
	for i, step := range l.scenario.GetTimeline() {
		bare := proto.CloneOf(step)
		bare.When = nil
		if proto.Size(bare) == 0 {
			idle = append(idle, i)
		}
	}
	ages, ordered := l.order()
	if !ordered {
		return idle
	}
	steps := proto.CloneOf(l.scenario).GetTimeline()
	for i, step := range steps {
		step.When = &optestv1.Step_At{At: durationpb.New(ages[i])}
	}
	timeline := &optestv1.Scenario{Timeline: steps}
	plan := engine.NewPlan(timeline)
	var before engine.State
	for _, i := range inTime(timeline) {
		after := plan.At(ages[i], engine.Life{})
		if alike(before, after) && !slices.Contains(idle, i) {
			idle = append(idle, i)
		}
		before = after
	}
	return idle
}

// order gives each step an age so that they come in their order. There is none
// where some count polls and others come at a time after creation.
func (l *linter) order() (ages []time.Duration, ok bool) {
	var byTime, byPoll bool
	for _, step := range l.scenario.GetTimeline() {
		at := step.GetAt().AsDuration()
		if polled(step) {
			at = time.Duration(step.GetPoll())
		}
		byTime = byTime || timed(step) && at > 0
		byPoll = byPoll || polled(step)
		ages = append(ages, at)
	}
	return ages, !byTime || !byPoll
}

// alike says whether two states show a client the same.
func alike(a, b engine.State) bool {
	return a.Phase == b.Phase && a.PollHint == b.PollHint && same(a.Description, b.Description) && same(a.Progress, b.Progress) &&
		proto.Equal(a.Metadata, b.Metadata) && proto.Equal(a.Error, b.Error) && proto.Equal(a.Response, b.Response)
}

func same[T comparable](a, b *T) bool {
	return a == b || a != nil && b != nil && *a == *b
}

// cancel looks for a policy that never comes to bear where expect is played.
func (l *linter) cancel() {
	e := l.scenario.GetExpect()
	if l.scenario.GetCancel() == nil || e.GetCancelAt() == nil {
		return
	}
	at := e.GetCancelAt().AsDuration()
	for _, reached := range l.course.reaches(engine.Life{}) {
		if l.course.at(at, engine.Life{Reached: reached}).Phase == engine.Running {
			return
		}
	}
	l.warnf("cancel", "has no effect where expect is played, for the operation is not running any more when Cancel comes at %s, want an earlier expect.cancel_at", text(at))
}
