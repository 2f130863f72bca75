package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
)

// residentMemory is that of the built binaries after many calls.
func residentMemory(ctx context.Context, s scale) (rows []row, err error) {
	if _, err := resident(os.Getpid()); errors.Is(err, fs.ErrNotExist) {
		return []row{{Bar: "resident memory", Verdict: absent, How: "It is read from /proc, which this system does not have."}}, nil
	}
	how := fmt.Sprintf("VmRSS of the built binaries after %s calls over gRPC by %s, the journal at its default bound.", grouped(s.Calls), together)
	err = built(ctx, func(optest, bare binary) error {
		for _, m := range []struct {
			name string
			call func(id string) rpc
		}{
			{"all Get", get},
			{"1 CopyFromDesktop per 9 Get", mixed},
		} {
			megabytes := func(b binary) func() (float64, error) {
				return func() (float64, error) { return residentAfter(ctx, b, s.Calls, m.call) }
			}
			// It differs by a megabyte from run to run, so one will do.
			pairs, err := inTurns(ctx, 1, megabytes(optest), megabytes(bare))
			if err != nil {
				return err
			}
			rows = append(rows, figure(fmt.Sprintf("resident memory after %s calls, %s", grouped(s.Calls), m.name), "MB", pairs, &want{atMost, 40}, how))
		}
		return nil
	})
	return rows, err
}

func residentAfter(ctx context.Context, b binary, calls int, call func(id string) rpc) (float64, error) {
	r, err := b.start(ctx)
	if err != nil {
		return 0, err
	}
	defer r.kill()
	c, err := dial(r.url.Host, together.conns)
	if err != nil {
		return 0, err
	}
	defer c.close()
	id, err := started(ctx, c[0])
	if err != nil {
		return 0, err
	}
	if err := together.times(ctx, c, calls, call(id)); err != nil {
		return 0, err
	}
	return resident(r.process.Process.Pid)
}

// resident is the resident memory of a process in 1e6 bytes, by proc(5).
func resident(pid int) (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(status) {
		if value, ok := bytes.CutPrefix(line, []byte("VmRSS:")); ok {
			kibibytes, err := strconv.ParseFloat(string(bytes.TrimSpace(bytes.TrimSuffix(bytes.TrimSpace(value), []byte("kB")))), 64)
			return kibibytes * 1024 / 1e6, err
		}
	}
	return 0, fmt.Errorf("status of process %d has no VmRSS", pid)
}
