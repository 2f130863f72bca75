package main

import (
	"context"
	"errors"
	"time"

	"github.com/optest-dev/optest/mockserver"
)

// Twins are two mocks in one process, of which one has much of something and the other, the baseline, little: what the one takes longer
// than the other is due to that. They share the process because they share its heap then. A collector runs when the heap has grown by
// what was in use after its last run, so a mock with little, apart, has it run a hundred times as often as one with a million operations,
// and the ratio is one of two heaps: a Get among the million took 0.8 times the CPU of a Get of the only one, apart. Together both pay
// for the same collections.
const (
	ofOperations = "operations"
	ofScenarios  = "scenarios"
	ofJournals   = "journals"
)

var twinOptions = map[string]func(scale) (much, little []mockserver.Option){
	// They differ by what they are asked for.
	ofOperations: func(scale) (much, little []mockserver.Option) { return nil, nil },
	ofScenarios: func(s scale) (much, little []mockserver.Option) {
		return []mockserver.Option{mockserver.Scenarios(forDesktops(s.Scenarios)...)}, []mockserver.Option{mockserver.Scenarios(forDesktops(fewScenarios)...)}
	},
	ofJournals: func(s scale) (much, little []mockserver.Option) {
		return []mockserver.Option{mockserver.Journal(s.Journal)}, nil
	},
}

// twins starts the two and stops them after f.
func twins(ctx context.Context, s scale, name string, f func(much, little *subject) error) error {
	c, err := startChild(ctx, name, s)
	if err != nil {
		return err
	}
	much, err := c.connect(ctx, c.addresses[0])
	if err != nil {
		return errors.Join(err, c.close())
	}
	little, err := c.connect(ctx, c.addresses[1])
	if err != nil {
		much.client.close()
		return errors.Join(err, c.close())
	}
	err = f(much, little)
	much.client.close()
	little.client.close()
	return errors.Join(err, c.close())
}

// A collection of a big heap takes about as long as a round. Twins take turns so short that it hits both alike, and a round is the median
// of many.
const turn = 20 * time.Millisecond

// twinRounds bounds the rounds. Fewer will do where one differs little from the other.
const twinRounds = 9

// compared are the rows about calls of twins, at the load that leaves no CPU idle.
func compared(ctx context.Context, s scale, bar string, w want, much, little *subject, call func(*subject) rpc, how string) ([]row, error) {
	rounds, turns := min(s.Rounds, twinRounds), max(1, int(s.Round/turn))
	s.Rounds, s.Round = rounds*turns, turn
	c, err := contest(ctx, s, together, much, little, call)
	if err != nil {
		return nil, err
	}
	each := make([]pair, len(c.perSecond))
	for i, p := range c.perSecond {
		each[i] = pair{1e6 / p.Optest, 1e6 / p.Baseline}
	}
	rows := []row{ratio(bar, "µs/call", roundsOf(turns, each), &w, how)}
	if c.cpu[0].Baseline > 0 {
		rows = append(rows, ratio("  server's CPU", "µs/call", roundsOf(turns, c.cpu), nil, how))
	}
	return rows, nil
}
