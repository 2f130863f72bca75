package engine

import (
	"sort"
	"time"
)

// At is the operation's state at the given age. Its cost grows with the
// logarithm of the number of steps, or linearly where steps count polls.
func (p *Plan) At(age time.Duration, life Life) State {
	age = latest(age, life)
	if react, ok := p.reaction(life); ok && react <= age {
		return p.cancelled(age, react, life)
	}
	return p.undisturbed(age, life)
}

// Cancellable reports whether a Cancel at the given age has a say in how the
// operation ends: not once it is done or a failure was detected, and not where
// the scenario refuses or ignores Cancel.
func (p *Plan) Cancellable(age time.Duration, life Life) bool {
	return p.cancel.honoured && life.Cancelled == nil && p.undisturbed(latest(age, life), life).Phase == Running
}

// latest is the age at which all of life has happened.
func latest(age time.Duration, life Life) time.Duration {
	age = max(0, age)
	if n := len(life.Reached); n > 0 {
		age = max(age, life.Reached[n-1])
	}
	if life.Cancelled != nil {
		age = max(age, *life.Cancelled)
	}
	return age
}

// reaction is the age at which the operation reacts to Cancel. There is none
// where Cancel is not honoured or where the timeline settles the outcome first.
func (p *Plan) reaction(life Life) (time.Duration, bool) {
	if life.Cancelled == nil || !p.cancel.honoured {
		return 0, false
	}
	react := *life.Cancelled + p.cancel.after
	return react, p.undisturbed(react, life).Phase == Running
}

// cancelled is the state from the reaction to Cancel on.
func (p *Plan) cancelled(age, react time.Duration, life Life) State {
	state := p.undisturbed(react, life)
	state.Step, state.Modified = "rollback@cancel", state.after(react)
	state.Phase, state.Error = Failing, p.cancel.err
	if done := react + p.cancel.rollback; done <= age {
		state.Step, state.Phase = "cancelled@cancel", Failed
		if p.cancel.rollback > 0 {
			state.Modified = state.after(done)
		}
	}
	return state
}

// undisturbed is the state by timeline and polls alone.
func (p *Plan) undisturbed(age time.Duration, life Life) State {
	timed := sort.Search(len(p.timed), func(i int) bool { return p.timed[i].at > age })
	reached := min(len(life.Reached), len(p.polled))
	for reached > 0 && life.Reached[reached-1] > age {
		reached--
	}
	if reached == 0 {
		if timed == 0 {
			return State{Step: "created"}
		}
		return p.timed[timed-1].after
	}
	state := State{Step: "created"}
	t, r := 0, 0
	for t < timed || r < reached {
		// At the same age the timed step comes first: it was due before the
		// poll that counts was answered.
		if r == reached || t < timed && p.timed[t].at <= life.Reached[r] {
			state = state.then(p.timed[t].step, p.timed[t].at)
			t++
			continue
		}
		state = state.then(p.polled[r].step, state.after(life.Reached[r]))
		r++
	}
	return state
}

// after is the age for modified_at of a change by a client at the given age: later
// than the change before it, which a virtual clock that stands still would not
// tell apart.
func (s State) after(age time.Duration) time.Duration { return max(age, s.Modified+1) }
