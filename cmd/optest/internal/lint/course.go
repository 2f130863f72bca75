package lint

import (
	"cmp"
	"slices"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"

	"github.com/optest-dev/optest/mockserver/engine"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// course is what a scenario's operation can come to, found by asking the engine
// about lives that differ in when polls come and when Cancel does. Only steps
// that change the phase matter, and a valid timeline has two of them at most, so
// that a few lives show all.
type course struct {
	plan   *engine.Plan            // of the steps that change the phase
	honour *optestv1.Cancel_Honour // nil: Cancel ends nothing
	times  []time.Duration         // ages at which something may be different, ascending
}

// later is how long after the last change nothing changes any more.
const later = time.Second

func newCourse(s *optestv1.Scenario) *course {
	c := &course{honour: honoured(s), times: []time.Duration{0}}
	turning := &optestv1.Scenario{Cancel: s.GetCancel()}
	for _, step := range s.GetTimeline() {
		if !turns(step) {
			continue
		}
		turning.Timeline = append(turning.Timeline, &optestv1.Step{When: step.GetWhen(), Effect: step.GetEffect()})
		if timed(step) {
			c.times = append(c.times, step.GetAt().AsDuration())
		}
	}
	c.plan = engine.NewPlan(turning)
	c.times = ascending(append(c.times, slices.Max(c.times)+later))
	return c
}

// phases are those in which a client can see the operation: without a Cancel, or
// with one at any time.
func (c *course) phases(withCancel bool) map[engine.Phase]bool {
	seen := map[engine.Phase]bool{}
	look := func(life engine.Life) {
		for _, reached := range c.reaches(life) {
			life.Reached = reached
			for _, age := range c.moves(life) {
				seen[c.at(age, life).Phase] = true
			}
		}
	}
	look(engine.Life{})
	if withCancel {
		for _, at := range c.times {
			look(engine.Life{Cancelled: &at})
		}
	}
	return seen
}

// at is what a life looks like at an age: what happens in it later is not known
// yet.
func (c *course) at(age time.Duration, life engine.Life) engine.State {
	n, _ := slices.BinarySearchFunc(life.Reached, age, func(at, age time.Duration) int {
		if at <= age {
			return -1
		}
		return 1
	})
	life.Reached = life.Reached[:n]
	if life.Cancelled != nil && *life.Cancelled > age {
		life.Cancelled = nil
	}
	return c.plan.At(age, life)
}

// moves are the ages at which something may happen in a life.
func (c *course) moves(life engine.Life) []time.Duration {
	if life.Cancelled == nil {
		return c.times
	}
	reacts := *life.Cancelled + c.honour.GetAfter().AsDuration()
	done := reacts + c.honour.GetRollback().AsDuration()
	return ascending(slices.Concat(c.times, []time.Duration{*life.Cancelled, reacts, done, done + later}))
}

// reaches are ages at which poll-counted steps may be reached in a life: the
// first few at one time, the others later or never.
func (c *course) reaches(life engine.Life) [][]time.Duration {
	list := [][]time.Duration{nil}
	all := c.plan.PolledSteps()
	if all == 0 {
		return list
	}
	moves := c.moves(life)
	for first := range all + 1 {
		for i, early := range moves {
			list = append(list, slices.Repeat([]time.Duration{early}, first))
			for _, rest := range moves[i:] {
				list = append(list, slices.Concat(slices.Repeat([]time.Duration{early}, first), slices.Repeat([]time.Duration{rest}, all-first)))
			}
		}
	}
	return list
}

// end is how a life ends: what it is when done, and at which age.
type end struct {
	outcome optestv1.Expect_Outcome // SUCCEEDED or FAILED; DEADLINE: never done
	code    code.Code
	at      time.Duration
	cancel  bool // Cancel has ended it
}

// ends are those of a client that goes on polling until the operation is done,
// the earliest first: polls come when they like. The Cancel is that of the life
// given.
func (c *course) ends(life engine.Life) []end {
	var list []end
	for _, reached := range c.reaches(life) {
		if life.Reached = reached; len(reached) == c.plan.PolledSteps() {
			list = append(list, c.end(life))
		}
	}
	byAge(list)
	return slices.Compact(list)
}

func byAge(list []end) {
	slices.SortStableFunc(list, func(a, b end) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.outcome, b.outcome), cmp.Compare(a.code, b.code))
	})
}

func (c *course) end(life engine.Life) end {
	var age time.Duration
	for _, age = range c.moves(life) {
		state := c.at(age, life)
		switch state.Phase {
		case engine.Succeeded:
			return end{outcome: optestv1.Expect_SUCCEEDED, at: age}
		case engine.Failed:
			return end{
				outcome: optestv1.Expect_FAILED, code: code.Code(state.Error.GetCode()), at: age,
				cancel: state.Step == "cancelled@cancel",
			}
		}
	}
	return end{outcome: optestv1.Expect_DEADLINE, at: age}
}

func ascending[T cmp.Ordered](list []T) []T {
	slices.Sort(list)
	return slices.Compact(list)
}
