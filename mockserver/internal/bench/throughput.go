package main

import (
	"context"
	"fmt"
	"time"
)

// throughput is that of both RPCs over loopback, with what a call costs the server.
func throughput(ctx context.Context, s scale) (rows []row, err error) {
	how := fmt.Sprintf("grpc-go in this process calls servers in processes of their own over loopback, HTTP/2 in plaintext: "+
		"mockserver.Start(Listen, Default) and net/http with Connect handlers that return a constant; "+
		"%d rounds of %v each in turns. CPU and allocations are those of the whole server process.", s.Rounds, s.Round)
	err = both(ctx, s, func(optest, bare *subject) error {
		for _, m := range []struct {
			name string
			call func(*subject) rpc
		}{
			{"Get", func(s *subject) rpc { return get(s.operation) }},
			{"CopyFromDesktop", func(*subject) rpc { return create }},
		} {
			for _, p := range []struct {
				name string
				load load
				want want
			}{
				{"1 caller", alone, want{atLeast, 0.90}},
				{together.String(), together, want{atLeast, 1}},
			} {
				c, err := contest(ctx, s, p.load, optest, bare, m.call)
				if err != nil {
					return fmt.Errorf("%s by %s: %w", m.name, p.name, err)
				}
				rows = append(rows, ratio(m.name+", "+p.name, "calls/s", c.perSecond, &p.want, how))
				if c.cpu[0].Baseline > 0 {
					rows = append(rows, ratio("  server's CPU", "µs/call", c.cpu, nil, how))
				}
				if p.load == alone {
					rows = append(rows, added("  allocations", c.allocations, want{atMost, 10}, how))
				}
			}
		}
		return nil
	})
	return rows, err
}

// added is a row about what optest has more of than bare.
func added(bar string, pairs []pair, w want, how string) row {
	r := ratio(bar, "/call", pairs, nil, how)
	low, middle, high := quartiles(pairs, pair.difference)
	r.Figure, r.FigureUnit, r.Low, r.High = middle, "more", &low, &high
	r.Want, r.Verdict = &w, judge(middle, &w)
	return r
}

// costs are those of the same rounds.
type costs struct{ perSecond, cpu, allocations []pair }

func contest(ctx context.Context, s scale, l load, optest, bare *subject, call func(*subject) rpc) (costs, error) {
	var cpu, allocations [2][]float64
	measured := func(i int, sub *subject) func() (float64, error) {
		do := call(sub)
		return func() (float64, error) {
			before, err := sub.answer(whatWasUsed)
			if err != nil {
				return 0, err
			}
			calls, perSecond, err := l.during(ctx, sub.client, s.Round, do)
			if err != nil {
				return 0, err
			}
			after, err := sub.answer(whatWasUsed)
			if err != nil {
				return 0, err
			}
			cpu[i] = append(cpu[i], float64(after.CPU-before.CPU)/float64(time.Microsecond)/float64(calls))
			allocations[i] = append(allocations[i], float64(after.Mallocs-before.Mallocs)/float64(calls))
			return perSecond, nil
		}
	}
	var c costs
	for _, sub := range []*subject{optest, bare} {
		if err := together.times(ctx, sub.client, moreThanTheJournal, call(sub)); err != nil {
			return c, err
		}
	}
	var err error
	c.perSecond, err = inTurns(ctx, s.Rounds, measured(0, optest), measured(1, bare))
	for i := range c.perSecond {
		c.cpu = append(c.cpu, pair{cpu[0][i], cpu[1][i]})
		c.allocations = append(c.allocations, pair{allocations[0][i], allocations[1][i]})
	}
	return c, err
}
