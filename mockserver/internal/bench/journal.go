package main

import (
	"context"
	"fmt"
	"time"

	"github.com/optest-dev/optest/mockserver"
)

// longJournal are polls of a server with a long journal, which is full, against those of one with a full journal of the default length,
// and what the long one takes.
func longJournal(ctx context.Context, s scale) (rows []row, err error) {
	how := fmt.Sprintf("Get over gRPC by %[1]s, the journals full: of %[2]s calls, and, as the baseline, of %[3]s (the default) in a second mock in the "+
		"same process; %[4]d rounds of %[5]v each in turns of %[6]v. Before, %[2]s Get fill the long one in turns with as many of the second mock; "+
		"memory is the growth of the heap, after collections, by them.",
		together, grouped(s.Journal), grouped(mockserver.DefaultJournal), min(s.Rounds, twinRounds), s.Round, turn)
	err = twins(ctx, s, ofJournals, func(long, usual *subject) error {
		if err := together.times(ctx, usual.client, moreThanTheJournal, get(usual.operation)); err != nil {
			return err
		}
		before, err := long.answer(whatIsKept)
		if err != nil {
			return err
		}
		filling, err := fillJournal(ctx, s.Journal, long, usual)
		if err != nil {
			return err
		}
		after, err := long.answer(whatIsKept)
		if err != nil {
			return err
		}
		grown := (float64(after.Heap) - float64(before.Heap)) / 1e6
		bar := fmt.Sprintf("Get with %s calls in the journal vs %s", grouped(s.Journal), grouped(mockserver.DefaultJournal))
		rows, err = compared(ctx, s, bar, want{atMost, 1.1}, long, usual, func(sub *subject) rpc { return get(sub.operation) }, how)
		rows = append(rows, ratio("  Get while it fills", "µs/call", filling, nil, how),
			row{Bar: "  memory of the journal", Unit: "MB", Optest: &grown, Figure: grown, FigureUnit: "MB", Verdict: told, How: how})
		return err
	})
	return rows, err
}

// fillJournal makes so many calls to each and takes the time of one in microseconds.
func fillJournal(ctx context.Context, n int, long, usual *subject) ([]pair, error) {
	const turns = 10
	calls := func(sub *subject) func() (float64, error) {
		return func() (float64, error) {
			began := time.Now()
			err := together.times(ctx, sub.client, n/turns, get(sub.operation))
			return microseconds(began) / float64(n/turns), err
		}
	}
	return inTurns(ctx, turns, calls(long), calls(usual))
}
