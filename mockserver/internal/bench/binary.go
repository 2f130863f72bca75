package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
)

// binary is a built server and how it is started. The first line that it prints ends with its URL.
type binary struct {
	path string
	args []string
}

const module = "github.com/optest-dev/optest/"

// built builds both binaries, which f may use.
func built(ctx context.Context, f func(optest, bare binary) error) error {
	dir, err := os.MkdirTemp("", "optest-bench-")
	if err != nil {
		return err
	}
	optest := binary{filepath.Join(dir, "optest"), []string{"serve", "--listen", "127.0.0.1:0", "--default", "never-done"}}
	bare := binary{filepath.Join(dir, "bareserver"), []string{"127.0.0.1:0"}}
	err = errors.Join(
		build(ctx, optest.path, module+"cmd/optest"),
		build(ctx, bare.path, module+"mockserver/internal/bench/bareserver"),
	)
	if err == nil {
		err = f(optest, bare)
	}
	return errors.Join(err, os.RemoveAll(dir))
}

func build(ctx context.Context, to, pkg string) error {
	build := exec.CommandContext(ctx, "go", "build", "-o", to, pkg)
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as make demo builds it
	out, err := build.CombinedOutput()
	if err != nil {
		return fmt.Errorf("go build %s: %w\n%s", pkg, err, out)
	}
	return nil
}

// running is a started binary.
type running struct {
	process *exec.Cmd
	url     *url.URL
}

func (b binary) start(ctx context.Context) (*running, error) {
	r := &running{process: exec.CommandContext(ctx, b.path, b.args...)}
	out, err := r.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := r.process.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewReader(out)
	first, err := lines.ReadString('\n')
	if err == nil {
		go func() { _, _ = io.Copy(io.Discard, lines) }() // until the process ends
		r.url, err = url.Parse(first[strings.LastIndexByte(first, ' ')+1 : len(first)-1])
	}
	if err == nil && r.url.Host == "" {
		err = errors.New("no URL in it")
	}
	if err != nil {
		r.kill()
		return nil, fmt.Errorf("%s printed %q first, want a line that ends with its URL: %w", b.path, first, err)
	}
	return r, nil
}

// kill ends the process, whose exit says nothing then.
func (r *running) kill() {
	_ = r.process.Process.Kill()
	_ = r.process.Wait()
}

// answer waits for the answer to a first call, by Connect and JSON so that next to nothing of it is the client's.
func (r *running) answer(ctx context.Context) error {
	const body = `{"desktopId": "instant"}`
	target := r.url.JoinPath(clouddesktop.DesktopImageService_CopyFromDesktop_FullMethodName).String()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
		return fmt.Errorf("%s answered %s, want 200: %s", target, resp.Status, text)
	}
	return nil
}

// binaryStart is how long a user waits between the command and the first answer.
func binaryStart(ctx context.Context, s scale) (rows []row, err error) {
	err = built(ctx, func(optest, bare binary) error {
		until := func(b binary) func() (float64, error) {
			return func() (float64, error) {
				began := time.Now()
				r, err := b.start(ctx)
				if err != nil {
					return 0, err
				}
				err = r.answer(ctx)
				took := time.Since(began)
				r.kill()
				return float64(took) / float64(time.Millisecond), err
			}
		}
		// The first start reads the files from disk.
		if _, err := inTurns(ctx, 1, until(optest), until(bare)); err != nil {
			return err
		}
		pairs, err := inTurns(ctx, s.Starts, until(optest), until(bare))
		if err != nil {
			return err
		}
		how := fmt.Sprintf("From the start of the process to the answer to CopyFromDesktop (Connect, JSON) at the port that it printed: optest serve, "+
			"and package bare as a program; %d starts of each in turns.", s.Starts)
		rows = []row{figure("binary start to first answer", "ms", pairs, &want{atMost, 20}, how)}
		return nil
	})
	return rows, err
}
