package engine

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/structpb"
	"pgregory.net/rapid"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// conforming draws a timeline that keeps the contract: changes at distinct
// moments, perhaps a detected failure, perhaps an end that fits it.
func conforming(t *rapid.T) *optestv1.Scenario {
	s := &optestv1.Scenario{Name: "s", Cancel: rapid.SampledFrom([]*optestv1.Cancel{
		nil, honour(0, 0), honour(3*time.Second, 0), honour(3*time.Second, 4*time.Second),
		{Policy: &optestv1.Cancel_Refuse{Refuse: &optestv1.Status{}}},
		{Policy: &optestv1.Cancel_Ignore_{Ignore: &optestv1.Cancel_Ignore{}}},
	}).Draw(t, "cancel")}
	moments := rapid.SliceOfNDistinct(rapid.IntRange(0, 20), 1, 8, rapid.ID).Draw(t, "moments")
	slices.Sort(moments)
	ends := rapid.SampledFrom([]string{"succeed", "fail", "roll back", "never"}).Draw(t, "end")
	for i, m := range moments {
		step := &optestv1.Step{}
		switch last := i == len(moments)-1; {
		case last && ends == "succeed":
			step = succeed()
		case last && ends == "fail":
			step = fail(code.Code_ABORTED, "m")
		case last && ends == "roll back":
			step = fail(0, "")
		case i == len(moments)-2 && ends == "roll back":
			step = failing(code.Code_DATA_LOSS, "m")
		}
		if step.Effect == nil || rapid.Bool().Draw(t, "decorated") {
			step.Description = new(fmt.Sprintf("step %d", i))
			step.Metadata, _ = structpb.NewStruct(map[string]any{"n": i})
		}
		s.Timeline = append(s.Timeline, at(time.Duration(m)*time.Second, step))
	}
	if len(moments) == 1 && ends == "roll back" {
		s.Timeline = []*optestv1.Step{at(0, succeed())}
	}
	return s
}

// withPolls adds steps that count polls to a timeline that ends by time alone.
func withPolls(t *rapid.T) *optestv1.Scenario {
	s := conforming(t)
	for _, n := range rapid.SliceOfNDistinct(rapid.Uint32Range(1, 12), 0, 4, rapid.ID).Draw(t, "polls") {
		s.Timeline = append(s.Timeline, poll(n, describe(fmt.Sprintf("poll %d", n))))
	}
	return s
}

// life is what a server keeps, driven by events as a server does it.
type life struct {
	plan  *Plan
	now   time.Duration
	polls uint32
	Life
}

func (l *life) read() State { return l.plan.At(l.now, l.Life) }

func (l *life) poll() State {
	l.polls++
	for l.plan.Reaches(l.polls, l.now, l.Life) > len(l.Reached) {
		l.Reached = append(l.Reached, l.now)
	}
	return l.read()
}

func (l *life) cancel() State {
	if l.plan.Cancellable(l.now, l.Life) {
		now := l.now
		l.Cancelled = &now
	}
	return l.read()
}

// act draws one event and returns what is seen after it.
func (l *life) act(t *rapid.T) State {
	switch rapid.SampledFrom([]string{"wait", "wait", "poll", "poll", "read", "cancel"}).Draw(t, "event") {
	case "wait":
		l.now += time.Duration(rapid.IntRange(0, 5).Draw(t, "seconds")) * time.Second
	case "poll":
		return l.poll()
	case "cancel":
		return l.cancel()
	}
	return l.read()
}

// visible is what of a state a reader can see in the Operation.
func visible(st State) string {
	text := func(s *string) string {
		if s == nil {
			return "-"
		}
		return *s
	}
	return fmt.Sprint(st.Phase, text(st.Description), st.Metadata, st.Error, st.Response)
}

// TestOperationInvariants holds at every instant of every conforming life what
// the Operation resource documents.
func TestOperationInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := life{plan: NewPlan(withPolls(t))}
		before := l.read()
		for range rapid.IntRange(1, 40).Draw(t, "events") {
			st := l.act(t)
			// "If `done == true`, exactly one of `error` or `response` is set",
			// "no failure detected, neither", "failure detected, `error` is set".
			if got, want := st.Error != nil, st.Phase == Failing || st.Phase == Failed; got != want {
				t.Fatalf("phase %v has error %v", st.Phase, st.Error)
			}
			if st.Error != nil && st.Error.GetCode() == 0 {
				t.Fatalf("phase %v has an error with code OK", st.Phase)
			}
			if st.Phase < before.Phase {
				t.Fatalf("went back from %v to %v", before.Phase, st.Phase)
			}
			if before.Phase.Done() && (visible(st) != visible(before) || st.Modified != before.Modified) {
				t.Fatalf("changed after it was done: %s to %s", visible(before), visible(st))
			}
			if before.Phase == Failing && (st.Phase == Succeeded || st.Error.GetCode() != before.Error.GetCode()) {
				t.Fatalf("detected failure %v became %v %v", before.Error, st.Phase, st.Error)
			}
			// "The time when the Operation resource was last modified."
			if st.Modified < before.Modified {
				t.Fatalf("modified went back from %v to %v", before.Modified, st.Modified)
			}
			if changed := visible(st) != visible(before); changed && st.Modified == before.Modified {
				t.Fatalf("changed from %s to %s, both modified at %v", visible(before), visible(st), st.Modified)
			}
			before = st
		}
	})
}

// TestAReadChangesNothing asks twice and in between for other ages.
func TestAReadChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := life{plan: NewPlan(withPolls(t))}
		for range rapid.IntRange(0, 20).Draw(t, "events") {
			l.act(t)
		}
		first := l.read()
		for range 5 {
			l.plan.At(time.Duration(rapid.Int64Range(-1e9, 30e9).Draw(t, "age")), l.Life)
		}
		if diff := cmp.Diff(first, l.read(), protocmp.Transform()); diff != "" {
			t.Fatalf("the same question has another answer (-first +second):\n%s", diff)
		}
	})
}

// TestAPollChangesNothingForAnotherReader compares what a reader sees with and
// without another one who polls, where no step counts polls.
func TestAPollChangesNothingForAnotherReader(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		plan := NewPlan(conforming(t))
		alone, shared := life{plan: plan}, life{plan: plan}
		for range rapid.IntRange(1, 30).Draw(t, "events") {
			step := time.Duration(rapid.IntRange(0, 3).Draw(t, "seconds")) * time.Second
			alone.now += step
			shared.now += step
			for range rapid.IntRange(0, 3).Draw(t, "polls of the other") {
				shared.poll()
			}
			if diff := cmp.Diff(alone.poll(), shared.poll(), protocmp.Transform()); diff != "" {
				t.Fatalf("at %v the other's polls show (-alone +shared):\n%s", alone.now, diff)
			}
		}
	})
}

// TestReadersAgree: where steps count polls, all readers see the same operation
// at the same moment, however the polls are spread over them.
func TestReadersAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := life{plan: NewPlan(withPolls(t))}
		for range rapid.IntRange(1, 30).Draw(t, "events") {
			mine := l.act(t)
			if diff := cmp.Diff(mine, l.read(), protocmp.Transform()); diff != "" {
				t.Fatalf("another reader sees (-mine +theirs):\n%s", diff)
			}
		}
	})
}

func TestOrderOfStepsDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := withPolls(t)
		plan := NewPlan(s)
		shuffled := NewPlan(&optestv1.Scenario{Timeline: rapid.Permutation(s.Timeline).Draw(t, "shuffled"), Cancel: s.Cancel})
		one, other := life{plan: plan}, life{plan: shuffled}
		for range rapid.IntRange(1, 20).Draw(t, "events") {
			step := time.Duration(rapid.IntRange(0, 4).Draw(t, "seconds")) * time.Second
			one.now += step
			other.now += step
			if diff := cmp.Diff(one.poll(), other.poll(), protocmp.Transform()); diff != "" {
				t.Fatalf("at %v (-in order +shuffled):\n%s", one.now, diff)
			}
		}
	})
}

func benchmarkAt(b *testing.B, steps int) {
	s := &optestv1.Scenario{}
	for i := range steps - 1 {
		s.Timeline = append(s.Timeline, at(time.Duration(i)*time.Second, describe(fmt.Sprint(i))))
	}
	s.Timeline = append(s.Timeline, at(time.Duration(steps)*time.Second, succeed()))
	plan := NewPlan(s)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		plan.At(time.Duration(i%steps)*time.Second, Life{})
	}
}

func BenchmarkAt3Steps(b *testing.B)    { benchmarkAt(b, 3) }
func BenchmarkAt1000Steps(b *testing.B) { benchmarkAt(b, 1000) }
