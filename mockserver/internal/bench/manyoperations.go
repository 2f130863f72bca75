package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc"
)

// million are the operations that the memory of many is held to.
const million = 1_000_000

// manyOperations are polls of any of very many live operations against those of a server's only one, and what the many take.
func manyOperations(ctx context.Context, s scale) (rows []row, err error) {
	err = twins(ctx, s, ofOperations, func(many, one *subject) error {
		began := time.Now()
		ids, err := fill(ctx, many.addresses[0], s.Live)
		if err != nil {
			return err
		}
		how := fmt.Sprintf("Get over gRPC by %[1]s of any of %[2]s operations that run, and, as the baseline, of the only one of a second mock in the "+
			"same process, so that both have the same heap; %[3]d rounds of %[4]v each in turns of %[5]v. The operations were created in %.1[6]f s. "+
			"Memory is that of the process: of the heap after collections; resident after a collection when free memory has gone back to the system; "+
			"and resident under load, when the collector has let the heap grow to twice what is in use, which is Go's default.",
			together, grouped(s.Live), min(s.Rounds, twinRounds), s.Round, turn, time.Since(began).Seconds())
		poll := func(sub *subject) rpc {
			if sub == one {
				return get(one.operation)
			}
			return anyOf(ids)
		}
		polls, err := compared(ctx, s, fmt.Sprintf("Get with %s live operations vs 1", grouped(s.Live)), want{atMost, 1.2}, many, one, poll, how)
		if err != nil {
			return err
		}
		memory, err := memoryOf(many.child, s, how)
		rows = append(polls, memory...)
		return err
	})
	return rows, err
}

// anyOf is a Get of any of the operations.
func anyOf(ids []string) rpc {
	return func(ctx context.Context, conn *grpc.ClientConn) error {
		return get(ids[rand.IntN(len(ids))])(ctx, conn)
	}
}

// memoryOf are the rows about a process that is full and under load.
func memoryOf(c *child, s scale, how string) ([]row, error) {
	bar := &want{atMost, 600}
	if s.Live < million {
		bar = nil
	}
	megabytes := func(name string, value float64, w *want) row {
		return row{Bar: name, Unit: "MB", Optest: &value, Figure: value, FigureUnit: "MB", Want: w, Verdict: judge(value, w), How: how}
	}
	pid := c.process.Process.Pid
	loaded, err := resident(pid)
	proc := !errors.Is(err, fs.ErrNotExist)
	if err != nil && proc {
		return nil, err
	}
	kept, err := c.answer(whatIsKept)
	if err != nil {
		return nil, err
	}
	rows := []row{megabytes(fmt.Sprintf("memory of %s live operations, heap", grouped(s.Live)), float64(kept.Heap)/1e6, bar)}
	if !proc {
		return append(rows, row{Bar: "  resident", Verdict: absent, How: how}), nil
	}
	if _, err := c.answer(whatIsNeeded); err != nil {
		return nil, err
	}
	needed, err := resident(pid)
	return append(rows, megabytes("  resident, collected", needed, bar), megabytes("  resident, under load", loaded, nil)), err
}
