package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/optest-dev/optest/conformance"
	"github.com/optest-dev/optest/trace"
)

// offline holds a recorded trace against all rules: in memory, and from a file.
func offline(ctx context.Context, s scale) (rows []row, err error) {
	dir, err := os.MkdirTemp("", "optest-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	for _, kind := range []struct {
		name          string
		atOnce, polls int
		want          *want
	}{
		{"60 polls an operation", 100, 60, &want{atLeast, 250_000}},
		// Three of five answers are new, and to look at an answer for the first time is
		// what takes time.
		{"4 polls an operation", 100, 4, nil},
	} {
		var events []*trace.Event
		t := newTraffic(func(e *trace.Event) { events = append(events, e) })
		t.play(s.Events/(kind.polls+1), kind.atOnce, kind.polls)
		how := fmt.Sprintf("%s events of a proxy that sees everything, all rules, on one core: CPU time of this process, the best of %d rounds.", grouped(len(events)), s.Rounds)
		rate, err := best(ctx, s.Rounds, func() (float64, error) {
			v, err := conformance.NewVerifier(header())
			if err != nil {
				return 0, err
			}
			return perSecond(len(events), func() error {
				for _, e := range events {
					v.Observe(e)
				}
				return clean(v.Report())
			})
		})
		if err != nil {
			return rows, err
		}
		rows = append(rows, row{"rules over events in memory, " + kind.name, rate, "events/s", kind.want, how})
		path := filepath.Join(dir, "trace.jsonl")
		if err := (&trace.Trace{Header: header(), Events: events}).WriteFile(path); err != nil {
			return rows, err
		}
		n := len(events)
		events = nil // the file is to be read as by a program that has not written it
		rate, err = best(ctx, s.Rounds, func() (float64, error) {
			return perSecond(n, func() error {
				reports, err := conformance.VerifyFiles([]string{path})
				if err != nil {
					return err
				}
				return clean(reports[0])
			})
		})
		if err != nil {
			return rows, err
		}
		rows = append(rows, row{"  as a file that is read meanwhile", rate, "events/s", nil, how})
	}
	return rows, nil
}

// clean fails for traffic that a rule objects to: findings would cost time, too.
func clean(r *conformance.Report) error {
	if err := r.Err(); err != nil {
		return fmt.Errorf("the traffic is not what it should be: %w", err)
	}
	return nil
}

func perSecond(n int, f func() error) (float64, error) {
	before := cpuTime()
	err := f()
	return float64(n) / (cpuTime() - before).Seconds(), err
}

// best is the highest of several figures: what else the machine does only makes
// them lower.
func best(ctx context.Context, rounds int, figure func() (float64, error)) (float64, error) {
	var highest float64
	for range rounds {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		f, err := figure()
		if err != nil {
			return 0, err
		}
		highest = max(highest, f)
	}
	return highest, nil
}

// longJudging is the memory of a verifier that has seen many operations.
func longJudging(_ context.Context, s scale) ([]row, error) {
	v, err := conformance.NewVerifier(header())
	if err != nil {
		return nil, err
	}
	before := heap()
	began := time.Now()
	t := newTraffic(func(e *trace.Event) { v.Observe(e) })
	t.store = trace.NewStore(0)
	t.play(s.Operations, 50, 2)
	grown := heap() - before
	took := time.Since(began)
	if err := clean(v.Report()); err != nil {
		return nil, err
	}
	how := fmt.Sprintf("%s operations of three calls each, one after the other held against all rules; growth of the heap after a collection, the store of blobs included; it took %.0f s.",
		grouped(s.Operations), took.Seconds())
	return []row{{fmt.Sprintf("memory of a verifier after %s operations", grouped(s.Operations)), grown, "MB", &want{atMost, 200}, how}}, nil
}
