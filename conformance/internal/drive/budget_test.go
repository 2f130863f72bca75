package drive

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

func TestLedgerKeepsTheRate(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rate := rapid.SampledFrom([]float64{0.5, 2, 10, 500}).Draw(rt, "rate")
		groups := rapid.SliceOfN(rapid.IntRange(1, 20), 1, 20).Draw(rt, "groups")
		var total int
		var took time.Duration
		synctest.Test(t, func(t *testing.T) {
			l := newLedger(Budget{Rate: rate})
			start := time.Now()
			for _, n := range groups {
				ctx, err := l.pay(t.Context(), n)
				if err != nil {
					t.Fatal(err)
				}
				for range n {
					if err := l.pace(ctx); err != nil { // paid for
						t.Fatal(err)
					}
				}
				total += n
			}
			took = time.Since(start)
		})
		if most := took.Seconds()*rate + 1.001; float64(total) > most {
			rt.Fatalf("requests %d in %v, want at most %.1f at %v a second", total, took, most, rate)
		}
		if slack := took.Seconds() * rate; slack > float64(total) {
			rt.Fatalf("requests %d took %v at %v a second, want no more time than they need", total, took, rate)
		}
	})
}

func TestLedgerEndsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLedger(Budget{Requests: 3, Time: time.Minute})
		for range 3 {
			if err := l.pace(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.pace(t.Context()); !errors.Is(err, ErrSpent) {
			t.Errorf("fourth request %v, want %v", err, ErrSpent)
		}
		l.close()
		if err := l.pace(t.Context()); err != nil {
			t.Errorf("request of the cleanup %v, want it sent", err)
		}
		late := newLedger(Budget{Time: time.Minute})
		time.Sleep(time.Minute + 1)
		if err := late.pace(t.Context()); !errors.Is(err, ErrSpent) {
			t.Errorf("request after a minute %v, want %v", err, ErrSpent)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		slow := newLedger(Budget{Rate: 0.001})
		if err := slow.pace(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := slow.pace(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("request of a run that was ended %v, want %v", err, context.Canceled)
		}
	})
}

func TestLedgerCountsImages(t *testing.T) {
	l := newLedger(Budget{Creates: 2})
	for i, step := range []struct {
		refusable, refuse, want bool
	}{
		{refusable: true, refuse: true, want: true}, // refused, as it should be
		{want: true},
		{want: true},
		{want: false},                 // both are used up
		{refusable: true, want: true}, // and accepted all the same: one beyond
		{refusable: true, want: false},
		{want: false},
	} {
		got := l.mayCreate(step.refusable)
		if got != step.want {
			t.Fatalf("step %d: may create %v, want %v", i, got, step.want)
		}
		if got && step.refuse {
			l.refused()
		}
	}
	if !newLedger(Budget{}).affords(1 << 30) {
		t.Error("no bound affords too little, want any number")
	}
}
