package engine

import (
	"sort"
	"time"
)

// Next is the change that comes next by time alone, named as in [State.Step], and
// the age at which it comes. There is none once the operation is done, and none
// where all that is left waits for polls or for Cancel.
func (p *Plan) Next(age time.Duration, life Life) (step string, at time.Duration, ok bool) {
	age = latest(age, life)
	if p.At(age, life).Phase.Done() {
		return "", 0, false
	}
	react, cancelled := p.reaction(life)
	if cancelled && react <= age {
		return "cancelled@cancel", react + p.cancel.rollback, true
	}
	if i := sort.Search(len(p.timed), func(i int) bool { return p.timed[i].at > age }); i < len(p.timed) {
		step, at, ok = p.timed[i].step.label, p.timed[i].at, true
	}
	if cancelled && (!ok || react <= at) {
		step, at, ok = "rollback@cancel", react, true
		if p.cancel.rollback == 0 {
			step = "cancelled@cancel"
		}
	}
	return step, at, ok
}
