package rules

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"

	"github.com/optest-dev/optest/trace"
)

// On a trace in which everything is exercised, every rule notices what it is for.
func TestSenseOfHealthyTrace(t *testing.T) {
	env, events := healthy(t)
	results := Check(env, All(), events)
	began := time.Now()
	sensed := Sense(env, events, results, 1, 20)
	t.Logf("%d rules in %d events took %v", len(sensed), len(events), time.Since(began))
	for _, r := range results {
		s, ok := sensed[r.Rule.ID]
		if want := r.Rule.Corrupt != nil && r.Exercised > 0; ok != want {
			t.Errorf("%s was measured: %v, want %v", r.Rule.ID, ok, want)
		}
		if ok && (s.Places == 0 || s.Noticed*20 < s.Places*19) {
			t.Errorf("%s has noticed %d of %d, want 95 %%; not %q", r.Rule.ID, s.Noticed, s.Places, s.Missed)
		}
	}
}

// A part of a trace shows what the whole does, and the measure says the same as if
// each broken trace were looked at as a whole.
func TestSenseEqualsWholeTraces(t *testing.T) {
	env, events := healthy(t)
	results := Check(env, All(), events)
	var list []*Rule
	for _, r := range results {
		if r.Rule.Corrupt != nil && r.Exercised > 0 {
			list = append(list, r.Rule)
		}
	}
	s := newSense(env, events, list)
	parts := 0
	for i, r := range list {
		draw := rand.New(rand.NewPCG(3, uint64(i)))
		for range 2 {
			broken := s.tape.Copy()
			if _, ok := r.Corrupt(broken, draw); !ok {
				continue
			}
			part, as := s.part(broken.Events)
			if part == nil {
				continue
			}
			parts++
			inPart := s.weigh(r, part).more(s.weigh(r, as))
			if whole := s.weigh(r, InOrder(broken.Events)).more(s.before[i]); inPart && !whole {
				t.Errorf("%s is noticed in %d events of %d, and not in all of them", r.ID, len(part), len(broken.Events))
			}
		}
	}
	if parts < 50 {
		t.Errorf("got %d parts, want most traces to be looked at in part", parts)
	}
}

// One draw is like another, whatever other rules are measured.
func TestSenseIsRepeatable(t *testing.T) {
	env, events := healthy(t)
	var results []Result // some of them
	for i, r := range Check(env, All(), events) {
		if i%8 == 0 {
			results = append(results, r)
		}
	}
	all := Sense(env, events, results, 5, 4)
	if again := Sense(env, events, results, 5, 4); !reflect.DeepEqual(all, again) {
		t.Errorf("got %v, then %v", all, again)
	}
	for _, r := range results {
		if one, ok := Sense(env, events, []Result{r}, 5, 4)[r.Rule.ID]; ok && !reflect.DeepEqual(one, all[r.Rule.ID]) {
			t.Errorf("%s: got %v alone, %v among others", r.Rule.ID, one, all[r.Rule.ID])
		}
	}
}

// A trace that lacks what a rule compares says so: it was exercised, and would have
// missed most.
func TestSenseMissesWhatTheTraceLacks(t *testing.T) {
	s := newScene(t)
	c := s.client("first", overGRPC)
	l := c.begins(MethodCreate, copyOf(s, "name", s.env.Desktops.Succeeds), time.Nanosecond)
	c.reads(l)
	blind := &Rule{
		ID: "X-01", Level: Seed, New: Find("LRO-01").New,
		Corrupt: func(tape *Tape, draw *rand.Rand) (string, bool) {
			i, ok := tape.Pick(draw, func(s *Seen) bool { return s.Answer != nil })
			if !ok {
				return "", false
			}
			return tape.At(i).When(), tape.Edit(i, func(m *operation.Operation) { m.Description = "another" })
		},
	}
	nowhere := &Rule{ID: "X-02", Level: Seed, New: Find("OP-01").New, Corrupt: func(*Tape, *rand.Rand) (string, bool) { return "", false }}
	results := []Result{
		{Rule: blind, Verdict: Pass, Exercised: 1},
		{Rule: nowhere, Verdict: Pass, Exercised: 1},
		{Rule: Find("OP-08"), Verdict: Pass},                              // not exercised
		{Rule: Find("OP-01"), Verdict: Fail, Exercised: 1, Errors: 1},     // has shown that it notices
		{Rule: Find("OP-11"), Verdict: Warned, Exercised: 1, Warnings: 1}, // so has this one
		{Rule: &Rule{ID: "X-03"}, Verdict: Pass, Exercised: 1},            // nothing is known to break it
	}
	got := Sense(s.env, s.events, results, 1, 20)
	if len(got) != 2 {
		t.Errorf("got %v, want two rules measured", got)
	}
	if b := got["X-01"]; b.Noticed != 0 || b.Places != 20 || len(b.Missed) == 0 || len(b.Missed) > maxMissed {
		t.Errorf("got %+v, want all of 20 places missed", b)
	}
	if n := got["X-02"]; n.Places != 0 || n.Noticed != 0 {
		t.Errorf("got %+v, want no place", n)
	}
	if got := Sense(s.env, nil, nil, 1, 20); got != nil {
		t.Errorf("got %v of nothing", got)
	}
}

// polledDay is the healthy trace beside a day of polls, every six seconds.
func polledDay(t testing.TB) (*Env, []*trace.Event) {
	env, events := healthy(t)
	var end time.Duration
	for _, e := range events {
		end = max(end, e.Returned)
	}
	s := newScene(t)
	c := s.client("day", overGRPC)
	s.now = end + time.Second
	l := c.begins(MethodCreate, copyOf(s, "a day", s.env.Desktops.Succeeds), time.Nanosecond)
	l.op.Id = "fv4-of-a-day"
	for range 14_400 {
		s.wait(6 * time.Second)
		c.reads(l)
	}
	for _, e := range s.events[1:] {
		e.Number += 1_000_000
	}
	return env, slices.Concat(events, s.events[1:])
}

// A long trace takes no longer than one that is as rich.
func TestSenseOfLongTraceIsBounded(t *testing.T) {
	env, events := polledDay(t)
	s := newSense(env, events, nil)
	if n, of := len(s.tape.Events), len(events); n > of-14_000 {
		t.Errorf("got %d events of %d, want repeated polls left out", n, of)
	}
}

func BenchmarkSense(b *testing.B) {
	for _, bb := range []struct {
		name string
		make func(testing.TB) (*Env, []*trace.Event)
	}{{"healthy", healthy}, {"day of polls", polledDay}} {
		b.Run(bb.name, func(b *testing.B) {
			env, events := bb.make(b)
			results := Check(env, All(), events)
			b.ResetTimer()
			for b.Loop() {
				Sense(env, events, results, 1, 20)
			}
			b.ReportMetric(float64(len(events)), "events")
		})
	}
}
