package drive

import (
	"context"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/optest-dev/optest/conformance/internal/exampleserver"
	"github.com/optest-dev/optest/conformance/internal/rules"
	"github.com/optest-dev/optest/trace"
)

func TestRecorderNotesItsOwnStalls(t *testing.T) {
	r := NewRecorder(func(*trace.Event) {})
	r.beat(0, 100*time.Millisecond)
	r.beat(100*time.Millisecond, 440*time.Millisecond)
	if got := r.Stalls(); len(got) != 0 {
		t.Errorf("stalls %v, want none below the tolerance", got)
	}
	r.beat(time.Second, 3*time.Second)
	want := rules.Span{From: time.Second, Until: 3 * time.Second}
	if got := r.Stalls(); len(got) != 1 || got[0] != want {
		t.Errorf("stalls %v, want %v", got, want)
	}
}

func TestRecorderWatchEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRecorder(func(*trace.Event) {})
		r.Watch()
		r.Watch() // no second one
		time.Sleep(time.Hour)
		r.Rest()
		r.Rest()
		if got := r.Stalls(); len(got) != 0 {
			t.Errorf("stalls %v, want none: virtual time comes on time", got)
		}
	})
}

// A scenario that never ends must not be waited for again and again.
func TestEndlessOperationsAreGivenUp(t *testing.T) {
	plan := func(tb testing.TB) Plan {
		p := mockPlan(tb)
		p.Desktops = rules.Desktops{Succeeds: "never-done"}
		return p
	}
	var elapsed time.Duration
	r := playing(t, plan, func(ctx context.Context, w *World) []Skipped {
		defer func() { elapsed = w.Elapsed() }()
		return w.Play(ctx, Scripts())
	})
	if r.over != nil {
		t.Fatalf("over %v, want the run to go on", r.over)
	}
	if most := 80 * time.Hour; elapsed < 24*time.Hour || elapsed > most {
		t.Errorf("run took %v, want one day and then no more than %v", elapsed, most)
	}
	if most := 20_000; len(r.events) > most {
		t.Errorf("requests %d, want at most %d", len(r.events), most)
	}
}

func TestMachineDoesTheSameForTheSameDraws(t *testing.T) {
	roll := func() []*trace.Event {
		return playing(t, mockPlan, func(ctx context.Context, w *World) []Skipped {
			NewMachine(ctx, w).Roll(Dice{rand.New(rand.NewPCG(7, 7))}, 80)
			return nil
		}).events
	}
	a, b := roll(), roll()
	if len(a) != len(b) || len(a) < 50 {
		t.Fatalf("events %d and %d, want as many and some", len(a), len(b))
	}
	methods := map[string]bool{}
	for _, e := range a {
		methods[e.Method] = true
	}
	if len(methods) < 5 {
		t.Errorf("methods %v, want most of them called", methods)
	}
}

func TestMachineFindsNothingWrongWithHealthyServers(t *testing.T) {
	for seed := range uint64(15) {
		r := playing(t, mockPlan, func(ctx context.Context, w *World) []Skipped {
			NewMachine(ctx, w).Roll(Dice{rand.New(rand.NewPCG(seed, 0))}, 60)
			return nil
		})
		for _, one := range rules.Check(r.env, rules.All(), r.events) {
			if one.Verdict == rules.Fail {
				t.Errorf("seed %d: rule %s accuses the mock server: %s", seed, one.Rule.ID, one.Findings[0].Text)
			}
		}
	}
}

func TestNothingIsSentWithoutDesktops(t *testing.T) {
	plan := func(tb testing.TB) Plan {
		p := mockPlan(tb)
		p.Desktops, p.Foreign, p.Auth, p.Folder = rules.Desktops{}, "", false, ""
		return p
	}
	r := playing(t, plan, func(ctx context.Context, w *World) []Skipped {
		skipped := w.Play(ctx, Scripts())
		if n := len(Scripts()) - len(skipped); n != 2 {
			t.Errorf("scripts played %d, want the 2 that need nothing", n)
		}
		if _, creates := w.Used(); creates != 0 {
			t.Errorf("images made %d, want none", creates)
		}
		NewMachine(ctx, w).Roll(Dice{rand.New(rand.NewPCG(1, 1))}, 50)
		return nil
	})
	for _, one := range rules.Check(r.env, rules.All(), r.events) {
		if one.Verdict == rules.Fail {
			t.Errorf("rule %s accuses the mock server: %s", one.Rule.ID, one.Findings[0].Text)
		}
	}
}

// examplePlan is for a server of grpc-go that speaks one protocol.
func examplePlan(tb testing.TB) Plan {
	dial, stop := new(exampleserver.Server).InMemory()
	tb.Cleanup(stop)
	p := mockPlan(tb)
	p.Endpoint.Dial, p.Endpoint.Token, p.Auth = dial, "", false
	p.Protocols = []Protocol{GRPC}
	p.Desktops = rules.Desktops{Succeeds: exampleserver.Works, Fails: exampleserver.Breaks, FailsLate: exampleserver.BreaksLater, Absent: "none"}
	return p
}

func TestMachineFindsNothingWrongWithTheExample(t *testing.T) {
	for seed := range uint64(15) {
		r := playing(t, examplePlan, func(ctx context.Context, w *World) []Skipped {
			NewMachine(ctx, w).Roll(Dice{rand.New(rand.NewPCG(seed, 0))}, 60)
			return nil
		})
		for _, one := range rules.Check(r.env, rules.All(), r.events) {
			if one.Verdict == rules.Fail || one.Verdict == rules.Warned {
				t.Errorf("seed %d: rule %s accuses the example: %s", seed, one.Rule.ID, one.Findings[0].Text)
			}
		}
	}
}
