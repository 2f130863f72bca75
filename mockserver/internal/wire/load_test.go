package wire_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// loadEnv makes the test binary a client in a process of its own, so that a benchmark can tell the server's CPU time from the client's.
// The client reads a loadPlan from its input and answers with a loadResult, again and again until its input ends.
const loadEnv = "OPTEST_WIRE_LOAD"

// A loadPlan is who calls Get at Address and for how long.
type loadPlan struct {
	Address        string
	Protocol       string // grpc, grpc+tls or connect+http1
	Conns, Callers int
	Duration       time.Duration
}

type loadResult struct {
	Calls   int
	Elapsed time.Duration
}

func TestMain(m *testing.M) {
	if os.Getenv(loadEnv) == "" {
		os.Exit(m.Run())
	}
	if err := runLoads(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func runLoads() error {
	plans, results := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for plans.More() {
		var plan loadPlan
		if err := plans.Decode(&plan); err != nil {
			return err
		}
		result, err := plan.run()
		if err != nil {
			return err
		}
		if err := results.Encode(result); err != nil {
			return err
		}
	}
	return nil
}

func (p loadPlan) run() (loadResult, error) {
	calls := make([]func() error, p.Conns)
	for i := range calls {
		call, stop, err := p.connect()
		if err != nil {
			return loadResult{}, err
		}
		defer stop()
		calls[i] = call
	}
	var done atomic.Int64
	failures := make(chan error, p.Callers)
	var work sync.WaitGroup
	began := time.Now()
	for i := range p.Callers {
		call := calls[i%len(calls)]
		work.Go(func() {
			for time.Since(began) < p.Duration {
				if err := call(); err != nil {
					failures <- err
					return
				}
				done.Add(1)
			}
		})
	}
	work.Wait()
	elapsed := time.Since(began)
	close(failures)
	return loadResult{Calls: int(done.Load()), Elapsed: elapsed}, <-failures
}

// connect makes one connection and uses it, so that what is measured has no handshake in it.
func (p loadPlan) connect() (call func() error, stop func(), err error) {
	ctx := context.Background()
	var config *tls.Config
	switch p.Protocol {
	case "connect+http1":
		client, transport := httpClient(nil)
		overConnect := connectClient(client, "http://"+p.Address)
		call = func() error { _, err := getByConnect(ctx, overConnect, "one"); return err }
		stop = transport.CloseIdleConnections
	case "grpc+tls":
		config = &tls.Config{InsecureSkipVerify: true} // the load measures, it doesn't judge certificates
		fallthrough
	case "grpc":
		conn, err := newGRPCClient(p.Address, config)
		if err != nil {
			return nil, nil, err
		}
		call = func() error { _, err := getByGRPC(ctx, conn, "one"); return err }
		stop = func() { _ = conn.Close() }
	default:
		return nil, nil, fmt.Errorf("load got protocol %q, want grpc, grpc+tls or connect+http1", p.Protocol)
	}
	return call, stop, call()
}

// loader is the parent's end of a client process.
type loader struct {
	plans   *json.Encoder
	results *json.Decoder
}

func startLoader(tb testing.TB) *loader {
	tb.Helper()
	executable, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	command := exec.Command(executable)
	command.Env = append(os.Environ(), loadEnv+"=1")
	command.Stderr = os.Stderr
	input, err := command.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	output, err := command.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := command.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = input.Close()
		if err := command.Wait(); err != nil {
			tb.Error(err)
		}
	})
	return &loader{plans: json.NewEncoder(input), results: json.NewDecoder(output)}
}

func (l *loader) run(tb testing.TB, plan loadPlan) loadResult {
	tb.Helper()
	if err := l.plans.Encode(plan); err != nil {
		tb.Fatal(err)
	}
	var result loadResult
	if err := l.results.Decode(&result); err != nil {
		tb.Fatal(err)
	}
	return result
}
