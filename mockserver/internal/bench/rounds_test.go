package main

import (
	"context"
	"errors"
	"slices"
	"testing"
)

func TestTurns(t *testing.T) {
	order := ""
	take := func(name string, value float64) func() (float64, error) {
		return func() (float64, error) {
			order += name
			return value, nil
		}
	}
	pairs, err := inTurns(t.Context(), 3, take("o", 3), take("b", 2))
	if err != nil || order != "obboob" {
		t.Errorf("order %q and %v, want obboob", order, err)
	}
	for _, p := range pairs {
		if p.ratio() != 1.5 || p.difference() != 1 {
			t.Errorf("pair %v, want 3 and 2", p)
		}
	}
}

func TestTurnsEnd(t *testing.T) {
	broken := errors.New("broken")
	if _, err := inTurns(t.Context(), 3, func() (float64, error) { return 0, broken }, nil); !errors.Is(err, broken) {
		t.Errorf("got %v, want the error of the figure", err)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, err := inTurns(stopped, 3, nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that of the context", err)
	}
}

func TestQuartiles(t *testing.T) {
	for _, tt := range []struct {
		values            []float64
		low, middle, high float64
	}{
		{[]float64{7}, 7, 7, 7},
		{[]float64{9, 1}, 1, 1, 1},
		{[]float64{5, 1, 4, 2, 3}, 2, 3, 4},
		{[]float64{100, 1, 1, 1, 1}, 1, 1, 1}, // one interruption changes nothing
	} {
		var pairs []pair
		for _, v := range tt.values {
			pairs = append(pairs, pair{Optest: v, Baseline: 1})
		}
		low, middle, high := quartiles(pairs, pair.ratio)
		if low != tt.low || middle != tt.middle || high != tt.high {
			t.Errorf("of %v: %v %v %v, want %v %v %v", tt.values, low, middle, high, tt.low, tt.middle, tt.high)
		}
	}
}

func TestRoundsOfTurns(t *testing.T) {
	got := roundsOf(3, []pair{{1, 10}, {900, 20}, {2, 10}, {7, 70}, {7, 7000}, {8, 70}, {5, 50}})
	if want := []pair{{2, 10}, {7, 70}, {5, 50}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
