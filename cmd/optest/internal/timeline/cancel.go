package timeline

import (
	"slices"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"

	"github.com/optest-dev/optest/mockserver/engine"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// cancelled draws the life that expect is about, where that has a Cancel in it.
func (d *drawing) cancelled() {
	if d.scenario.GetExpect().GetCancelAt() == nil {
		return
	}
	at := d.scenario.GetExpect().GetCancelAt().AsDuration()
	caption := "With Cancel at " + span(at)
	var end ending
	if d.plan.PolledSteps() > 0 {
		caption += ", before any poll"
		end.open = "or by polls"
	}
	before := d.plan.At(at, engine.Life{})
	first := moment{label: span(at), state: d.plan.At(at, engine.Life{Cancelled: &at}), says: []string{d.reply(at)}, marks: d.take(place{cancel: true})}
	list := []moment{first}
	last := first.state
	for _, age := range d.reactions(at) {
		state := d.plan.At(age, engine.Life{Cancelled: &at})
		if state.Phase == last.Phase && len(d.texts().shows(last, state)) == 0 {
			continue
		}
		list = append(list, moment{label: span(age), state: state})
		last = state
	}
	d.rail(caption, before, list, end)
}

// reply says what the client that cancels is told.
func (d *drawing) reply(at time.Duration) string {
	refusal := d.plan.Refusal()
	switch before := d.plan.At(at, engine.Life{}); {
	case before.Phase != engine.Running:
		return "Cancel changes nothing"
	case refusal != nil:
		return "Cancel is refused with " + d.texts().status(refusal)
	case !d.plan.Cancellable(at, engine.Life{}):
		return "Cancel is ignored"
	}
	return "Cancel"
}

// reactions are the ages after a Cancel at which the operation may change.
func (d *drawing) reactions(at time.Duration) []time.Duration {
	honour := d.scenario.GetCancel().GetHonour()
	reacts := at + honour.GetAfter().AsDuration()
	ages := []time.Duration{reacts, reacts + honour.GetRollback().AsDuration()}
	for _, step := range d.scenario.GetTimeline() {
		if step.GetPoll() == 0 {
			ages = append(ages, step.GetAt().AsDuration())
		}
	}
	ages = slices.DeleteFunc(ages, func(age time.Duration) bool { return age <= at })
	slices.Sort(ages)
	return slices.Compact(ages)
}

// policy says what Cancel does at any time, as the engine shows it for one in the
// first moment.
func (d *drawing) policy() string {
	created := d.plan.At(0, engine.Life{})
	switch {
	case created.Phase.Done():
		return "changes nothing, for the operation is done from the beginning"
	case created.Phase == engine.Failing:
		return "changes nothing, for a failure is detected from the beginning"
	}
	if refusal := d.plan.Refusal(); refusal != nil {
		return "is refused with " + d.texts().status(refusal) + ", while it is running"
	}
	if !d.plan.Cancellable(0, engine.Life{}) {
		return "is answered, and the operation goes on"
	}
	honour := d.scenario.GetCancel().GetHonour()
	text := "ends it at once"
	if after := honour.GetAfter().AsDuration(); after > 0 {
		text = "ends it " + span(after) + " later"
	}
	if rollback := honour.GetRollback().AsDuration(); rollback > 0 {
		text += ", after " + span(rollback) + " of roll-back,"
	}
	return text + " with " + endCode(honour).String() + ", while it is running"
}

func endCode(honour *optestv1.Cancel_Honour) code.Code {
	if c := honour.GetStatus().GetCode(); c != code.Code_OK {
		return c
	}
	return code.Code_CANCELLED
}
