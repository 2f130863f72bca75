//go:build unix

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// patience bounds every wait of a script for a process that it has started.
const patience = 30 * time.Second

type runningKey struct{}

// running is a process that a script has started and talks to.
type running struct {
	cmd      *exec.Cmd
	ctx      context.Context
	out, err *transcript
	read     sync.WaitGroup // both streams to their ends
}

// transcript is a stream's lines, with a way to wait for one.
type transcript struct {
	mu    sync.Mutex
	text  strings.Builder
	grown chan struct{} // closed and replaced with each line
	ended bool
}

func newTranscript() *transcript { return &transcript{grown: make(chan struct{})} }

func (t *transcript) read(r io.Reader) {
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadString('\n')
		t.mu.Lock()
		t.text.WriteString(line)
		t.ended = err != nil
		close(t.grown)
		t.grown = make(chan struct{})
		t.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (t *transcript) state() (text string, ended bool, grown chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String(), t.ended, t.grown
}

// await waits for a match of the pattern in whole lines.
func (t *transcript) await(ctx context.Context, pattern *regexp.Regexp) (string, error) {
	for {
		text, ended, grown := t.state()
		if match := pattern.FindString(text); match != "" {
			return match, nil
		}
		if ended {
			return "", fmt.Errorf("ended without %q: %q", pattern, text)
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return "", fmt.Errorf("no %q: %q: %w", pattern, text, ctx.Err())
		}
	}
}

func processes(ts *testscript.TestScript) map[string]*running {
	return ts.Value(runningKey{}).(map[string]*running)
}

func process(ts *testscript.TestScript, name string) *running {
	r, ok := processes(ts)[name]
	if !ok {
		ts.Fatalf("no process %q", name)
	}
	return r
}

var firstLine = regexp.MustCompile(`(?m)^.+\n`)

// start NAME PROGRAM ARGS...: starts a program and waits for its first line on
// stdout. Where that ends with a URL, $NAME is the URL and $NAME_addr its host
// and port.
func start(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: start NAME PROGRAM [ARG...]")
	}
	path, err := exec.LookPath(args[1])
	ts.Check(err)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	r := &running{cmd: exec.CommandContext(ctx, path, args[2:]...), ctx: ctx, out: newTranscript(), err: newTranscript()}
	r.cmd.Dir = ts.MkAbs(".")
	r.cmd.Env = environ(ts)
	stdout, err := r.cmd.StdoutPipe()
	ts.Check(err)
	stderr, err := r.cmd.StderrPipe()
	ts.Check(err)
	ts.Check(r.cmd.Start())
	r.read.Go(func() { r.out.read(stdout) })
	r.read.Go(func() { r.err.read(stderr) })
	ts.Defer(func() {
		cancel() // kills it, if a failed script has left it
		r.read.Wait()
		_ = r.cmd.Wait()
	})
	processes(ts)[args[0]] = r
	line, err := r.out.await(ctx, firstLine)
	if err != nil {
		said, _, _ := r.err.state()
		ts.Fatalf("%v\n[stderr]\n%s", err, said)
	}
	if u, err := url.Parse(line[strings.LastIndexByte(line, ' ')+1 : len(line)-1]); err == nil && u.Host != "" {
		ts.Setenv(args[0], u.String())
		ts.Setenv(args[0]+"_addr", u.Host)
	}
}

// environ is the script's environment, as far as programs of the tests look at
// it.
func environ(ts *testscript.TestScript) []string {
	var list []string
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "GORACE", "GOCOVERDIR", "OPTEST_TOKEN"} {
		if value := ts.Getenv(name); value != "" {
			list = append(list, name+"="+value)
		}
	}
	return list
}

// await NAME PATTERN: waits for a line on the process's stderr.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await NAME PATTERN")
	}
	r := process(ts, args[0])
	_, err := r.err.await(r.ctx, regexp.MustCompile(args[1]))
	ts.Check(err)
}

var signals = map[string]syscall.Signal{
	"SIGINT": syscall.SIGINT, "SIGTERM": syscall.SIGTERM, "SIGHUP": syscall.SIGHUP, "SIGKILL": syscall.SIGKILL,
}

// send NAME SIGNAL.
func send(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 || signals[args[1]] == 0 {
		ts.Fatalf("usage: send NAME SIGNAL")
	}
	ts.Check(process(ts, args[0]).cmd.Process.Signal(signals[args[1]]))
}

// finish NAME CODE|SIGNAL: waits for the end of the process and writes what it
// said to NAME.out and NAME.err.
func finish(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: finish NAME CODE|SIGNAL")
	}
	r := process(ts, args[0])
	r.read.Wait()
	err := r.cmd.Wait()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		ts.Fatalf("%v", err)
	}
	out, _, _ := r.out.state()
	said, _, _ := r.err.state()
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".out"), []byte(out), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".err"), []byte(said), 0o600))
	got := strconv.Itoa(r.cmd.ProcessState.ExitCode())
	if status, ok := r.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		for name, number := range signals {
			if number == status.Signal() {
				got = name
			}
		}
	}
	if got != args[1] {
		ts.Fatalf("%s ended with %s, want %s\n[stdout]\n%s[stderr]\n%s", args[0], got, args[1], out, said)
	}
}

// within DURATION PROGRAM ARGS...: is exec with a limit.
func within(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: within DURATION PROGRAM [ARG...]")
	}
	limit, err := time.ParseDuration(args[0])
	ts.Check(err)
	began := time.Now()
	ts.Check(ts.Exec(args[1], args[2:]...))
	if took := time.Since(began); took > limit {
		ts.Fatalf("%s took %v, want at most %v", args[1], took, limit)
	}
}
