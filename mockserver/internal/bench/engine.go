package main

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/optest-dev/optest/mockserver/engine"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// engineSteps holds the state of an operation with many steps against that of one with few.
func engineSteps(ctx context.Context, s scale) ([]row, error) {
	const few, many = 3, 1000
	pairs, err := inTurns(ctx, s.Rounds, statesOf(many, s.Round), statesOf(few, s.Round))
	if err != nil {
		return nil, err
	}
	how := fmt.Sprintf("engine.Plan.At at ages all over the life, of %s steps, and of %d as the baseline.", grouped(many), few)
	return []row{ratio("state of an operation, 1,000 steps", "ns", pairs, &want{atMost, 2}, how)}, nil
}

// statesOf is the time of one state in nanoseconds.
func statesOf(steps int, budget time.Duration) func() (float64, error) {
	scenario := &optestv1.Scenario{}
	for i := range steps {
		progress := uint32(100 * i / steps)
		scenario.Timeline = append(scenario.Timeline, &optestv1.Step{
			When:     &optestv1.Step_At{At: durationpb.New(time.Duration(i+1) * time.Second)},
			Progress: &progress,
		})
	}
	plan := engine.NewPlan(scenario)
	const batch = 10_000
	life := time.Duration(steps+1) * time.Second
	return func() (float64, error) {
		n := 0
		began := time.Now()
		for time.Since(began) < budget/4 {
			for i := range batch {
				plan.At(life*time.Duration(i)/batch, engine.Life{})
			}
			n += batch
		}
		return float64(time.Since(began).Nanoseconds()) / float64(n), nil
	}
}
