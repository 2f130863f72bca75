package main

import (
	"context"
	"slices"
)

// pair is one figure of both subjects, taken one right after the other.
type pair struct{ Optest, Baseline float64 }

func (p pair) ratio() float64      { return p.Optest / p.Baseline }
func (p pair) difference() float64 { return p.Optest - p.Baseline }

// inTurns takes a figure of both subjects n times. Who goes first changes, so that what the machine does meanwhile hits both alike.
func inTurns(ctx context.Context, n int, optest, bare func() (float64, error)) ([]pair, error) {
	pairs := make([]pair, n)
	for i := range pairs {
		take := []struct {
			figure func() (float64, error)
			to     *float64
		}{{optest, &pairs[i].Optest}, {bare, &pairs[i].Baseline}}
		if i%2 == 1 {
			slices.Reverse(take)
		}
		for _, t := range take {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			var err error
			if *t.to, err = t.figure(); err != nil {
				return nil, err
			}
		}
	}
	return pairs, nil
}

// roundsOf makes a round of so many turns each: their medians. A single turn can be so short that one interruption doubles it.
func roundsOf(turns int, pairs []pair) []pair {
	var rounds []pair
	for several := range slices.Chunk(pairs, turns) {
		optest, baseline := medians(several)
		rounds = append(rounds, pair{optest, baseline})
	}
	return rounds
}

func medians(pairs []pair) (optest, baseline float64) {
	_, optest, _ = quartiles(pairs, func(p pair) float64 { return p.Optest })
	_, baseline, _ = quartiles(pairs, func(p pair) float64 { return p.Baseline })
	return optest, baseline
}

func quartiles(pairs []pair, figure func(pair) float64) (low, middle, high float64) {
	values := make([]float64, len(pairs))
	for i, p := range pairs {
		values[i] = figure(p)
	}
	slices.Sort(values)
	at := func(quarter int) float64 { return values[(len(values)-1)*quarter/4] }
	return at(1), at(2), at(3)
}
