package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"time"

	"github.com/optest-dev/optest/mockserver"
	"github.com/optest-dev/optest/mockserver/internal/bench/bare"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// The servers under load are processes of their own, so that CPU time, allocations and heap are the server's alone. They are this
// program again: it prints its address and then, for each line that it reads, what it has used so far.
const (
	serveCommand = "serve-subject"
	ofOptest     = "optest"
	ofBare       = "bare"
)

// usage is what a subject has used since its start.
type usage struct {
	CPU     time.Duration // 0 where the system does not tell
	Mallocs uint64
	Heap    uint64 // bytes in use after a collection, if asked for
}

type question string

const (
	whatWasUsed question = "used"
	whatIsKept  question = "kept" // collects garbage first
)

// scripted is the life of the operations under load: it outlasts every run.
func scripted() *optestv1.Scenario { return mockserver.Running(1000 * time.Hour).Succeed() }

func serveSubject(ctx context.Context, name string, questions io.Reader, answers io.Writer) error {
	out := json.NewEncoder(answers)
	address, stop, err := listen(name)
	if err != nil {
		return err
	}
	if err := out.Encode(address); err != nil {
		return errors.Join(err, stop())
	}
	in := bufio.NewScanner(questions)
	for ctx.Err() == nil && in.Scan() {
		if err := out.Encode(use(question(in.Text()))); err != nil {
			return errors.Join(err, stop())
		}
	}
	return errors.Join(in.Err(), stop())
}

func listen(name string) (address string, stop func() error, err error) {
	const anyPort = "127.0.0.1:0"
	switch name {
	case ofOptest:
		server, err := mockserver.Start(mockserver.Listen(anyPort), mockserver.Default(scripted()))
		if err != nil {
			return "", nil, err
		}
		return server.Addr(), server.Close, nil
	case ofBare:
		server, err := bare.NewServer()
		if err != nil {
			return "", nil, err
		}
		listener, err := net.Listen("tcp", anyPort)
		if err != nil {
			return "", nil, err
		}
		go func() { _ = server.Serve(listener) }() // until Close
		return listener.Addr().String(), server.Close, nil
	}
	return "", nil, fmt.Errorf("bench: subject %q, want %s or %s", name, ofOptest, ofBare)
}

func use(q question) usage {
	if q == whatIsKept {
		// The first collection moves what pools hold to where the second one finds it.
		runtime.GC()
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return usage{CPU: cpuTime(), Mallocs: m.Mallocs, Heap: m.HeapAlloc}
}

// subject is the parent's end.
type subject struct {
	client
	operation string // an id to Get

	process *exec.Cmd
	ask     io.WriteCloser
	answers *json.Decoder
}

// startSubject starts a server and makes all its connections.
func startSubject(ctx context.Context, name string) (*subject, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &subject{process: exec.CommandContext(ctx, self, serveCommand, name)}
	s.process.Stderr = os.Stderr
	if s.ask, err = s.process.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.answers = json.NewDecoder(out)
	if err := s.process.Start(); err != nil {
		return nil, err
	}
	var address string
	if err := s.answers.Decode(&address); err != nil {
		return nil, errors.Join(fmt.Errorf("bench: address of %s: %w", name, err), s.close())
	}
	if s.client, err = dial(address, together.conns); err != nil {
		return nil, errors.Join(err, s.close())
	}
	for _, conn := range s.client {
		if s.operation, err = started(ctx, conn); err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	return s, nil
}

func (s *subject) answer(q question) (usage, error) {
	var u usage
	if _, err := fmt.Fprintln(s.ask, q); err != nil {
		return u, err
	}
	return u, s.answers.Decode(&u)
}

func (s *subject) close() error {
	s.client.close()
	return errors.Join(s.ask.Close(), s.process.Wait())
}

// both starts the two subjects and stops them after f.
func both(ctx context.Context, f func(optest, bare *subject) error) error {
	optest, err := startSubject(ctx, ofOptest)
	if err != nil {
		return err
	}
	bare, err := startSubject(ctx, ofBare)
	if err != nil {
		return errors.Join(err, optest.close())
	}
	return errors.Join(f(optest, bare), optest.close(), bare.close())
}
