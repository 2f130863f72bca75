package lint

import (
	"slices"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
	"pgregory.net/rapid"

	"github.com/optest-dev/optest/internal/draw"
	"github.com/optest-dev/optest/mockserver/engine"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// Whatever life the whole timeline can have, the few that are looked at show its
// phases and its end.
func TestCourseShowsAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := draw.Valid(t)
		plan, c := engine.NewPlan(s), newCourse(s)
		life := engine.Life{}
		ages := rapid.Custom(func(t *rapid.T) time.Duration {
			return time.Duration(rapid.Int64Range(0, int64(30*time.Hour)).Draw(t, "age"))
		})
		for range plan.PolledSteps() {
			life.Reached = append(life.Reached, ages.Draw(t, "reached"))
		}
		slices.Sort(life.Reached)
		cancels := c.honour != nil && rapid.Bool().Draw(t, "cancels")
		if cancels {
			at := ages.Draw(t, "cancelled")
			life.Cancelled = &at
		}
		phases := c.phases(cancels)
		for range 5 {
			age := ages.Draw(t, "age")
			until := engine.Life{Cancelled: life.Cancelled}
			for _, at := range life.Reached {
				if at <= age {
					until.Reached = append(until.Reached, at)
				}
			}
			if cancels && *life.Cancelled > age {
				until.Cancelled = nil
			}
			if state := plan.At(age, until); !phases[state.Phase] {
				t.Fatalf("%s at %v in %+v, want one of %v", state.Phase, age, until, phases)
			}
		}
		last := plan.At(1000*time.Hour, life)
		want := end{outcome: optestv1.Expect_DEADLINE}
		switch last.Phase {
		case engine.Succeeded:
			want.outcome = optestv1.Expect_SUCCEEDED
		case engine.Failed:
			want.outcome, want.code = optestv1.Expect_FAILED, code.Code(last.Error.GetCode())
		}
		ends := c.ends(engine.Life{Cancelled: life.Cancelled})
		if !ended(ends, want.outcome, want.code) {
			t.Fatalf("%v %v in %+v, want one of %+v", want.outcome, want.code, life, ends)
		}
	})
}
