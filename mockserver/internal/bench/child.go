package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"time"
)

// The servers under load are in processes of their own, so that CPU time, allocations and heap are theirs alone. Such a process is this
// program again: it reads a scale, prints the addresses that it serves and then, for each line that it reads, what it has used so far.
const serveCommand = "serve-subject"

// usage is what a process has used since its start.
type usage struct {
	CPU     time.Duration // 0 where the system does not tell
	Mallocs uint64
	Heap    uint64 // bytes in use after a collection, if asked for
}

type question string

const (
	whatWasUsed  question = "used"
	whatIsKept   question = "kept"   // collects garbage first
	whatIsNeeded question = "needed" // gives free memory back to the system first
)

func serveSubject(ctx context.Context, name string, questions io.Reader, answers io.Writer) error {
	in, out := bufio.NewScanner(questions), json.NewEncoder(answers)
	in.Scan()
	var s scale
	if err := json.Unmarshal(in.Bytes(), &s); err != nil {
		return fmt.Errorf("bench: scale of %s: %w", name, errors.Join(err, in.Err()))
	}
	addresses, stop, err := listen(name, s)
	if err != nil {
		return err
	}
	if err := out.Encode(addresses); err != nil {
		return errors.Join(err, stop())
	}
	for ctx.Err() == nil && in.Scan() {
		if err := out.Encode(use(question(in.Text()))); err != nil {
			return errors.Join(err, stop())
		}
	}
	return errors.Join(in.Err(), stop())
}

func use(q question) usage {
	switch q {
	case whatIsKept:
		// The first collection moves what pools hold to where the second one finds it.
		runtime.GC()
		runtime.GC()
	case whatIsNeeded:
		runtime.GC()
		debug.FreeOSMemory() // collects as well
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return usage{CPU: cpuTime(), Mallocs: m.Mallocs, Heap: m.HeapAlloc}
}

// child is the parent's end.
type child struct {
	addresses []string

	process *exec.Cmd
	ask     io.WriteCloser
	answers *json.Decoder
}

func startChild(ctx context.Context, name string, s scale) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{process: exec.CommandContext(ctx, self, serveCommand, name)}
	c.process.Stderr = os.Stderr
	if c.ask, err = c.process.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.answers = json.NewDecoder(out)
	if err := c.process.Start(); err != nil {
		return nil, err
	}
	err = json.NewEncoder(c.ask).Encode(s)
	if err == nil {
		err = c.answers.Decode(&c.addresses)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("bench: addresses of %s: %w", name, err), c.close())
	}
	return c, nil
}

func (c *child) answer(q question) (usage, error) {
	var u usage
	if _, err := fmt.Fprintln(c.ask, q); err != nil {
		return u, err
	}
	return u, c.answers.Decode(&u)
}

func (c *child) close() error { return errors.Join(c.ask.Close(), c.process.Wait()) }
