package engine

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Next names the first change that a reader who waits comes to, and nothing
// changes before it.
func TestNextIsWhatComesNext(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := life{plan: NewPlan(conforming(t))}
		for range rapid.IntRange(0, 10).Draw(t, "events") {
			l.act(t)
		}
		now := l.read()
		step, at, ok := l.plan.Next(l.now, l.Life)
		if !ok {
			if end := l.plan.At(l.now+1000*time.Hour, l.Life); end.Step != now.Step {
				t.Fatalf("nothing comes next after %s, but then it is %s", now.Step, end.Step)
			}
			return
		}
		if at <= l.now {
			t.Fatalf("%s comes next at %v, which is not after %v", step, at, l.now)
		}
		if before := l.plan.At(at-1, l.Life); before.Step != now.Step {
			t.Fatalf("%s comes next at %v, but %s before it", step, at, before.Step)
		}
		if then := l.plan.At(at, l.Life); then.Step != step {
			t.Fatalf("%s comes next at %v, but it is %s then", step, at, then.Step)
		}
	})
}
