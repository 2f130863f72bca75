package hook_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc"

	"github.com/optest-dev/optest/conformance"
	"github.com/optest-dev/optest/conformance/hook"
	"github.com/optest-dev/optest/fixtures"
	"github.com/optest-dev/optest/mockserver"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/proto/gen/yandex/cloud/clouddesktop/v1/clouddesktopconnect"
	"github.com/optest-dev/optest/proto/gen/yandex/cloud/operation/operationconnect"
	"github.com/optest-dev/optest/trace"
)

// TestMain fails the package when goroutines of it outlive all tests.
func TestMain(m *testing.M) {
	code := m.Run()
	deadline := time.Now().Add(5 * time.Second)
	for left := running(); code == 0 && left != ""; left = running() {
		if time.Now().After(deadline) {
			fmt.Fprintln(os.Stderr, "goroutines are left:\n"+left)
			code = 1
		}
		runtime.Gosched()
	}
	os.Exit(code)
}

// running are the stacks of goroutines that this module or its clients have begun.
func running() string {
	buffer := make([]byte, 1<<20)
	for stack := range strings.SplitSeq(string(buffer[:runtime.Stack(buffer, true)]), "\n\n") {
		if !strings.Contains(stack, "TestMain") && (strings.Contains(stack, "optest-dev/optest") || strings.Contains(stack, "grpc/internal/transport")) {
			return stack
		}
	}
	return ""
}

// client starts an operation and polls it, over whatever protocol.
type client struct {
	create func(context.Context, *clouddesktop.CopyFromDesktopRequest) (*operation.Operation, error)
	get    func(context.Context, *operation.GetOperationRequest) (*operation.Operation, error)
}

// overGRPC is a client of grpc-go.
func overGRPC(tb testing.TB, srv *mockserver.Server, opts ...grpc.DialOption) client {
	tb.Helper()
	conn, err := grpc.NewClient("passthrough:///optest", append(srv.DialOptions(), opts...)...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := conn.Close(); err != nil {
			tb.Error(err)
		}
	})
	images, operations := clouddesktop.NewDesktopImageServiceClient(conn), operation.NewOperationServiceClient(conn)
	return client{
		func(ctx context.Context, r *clouddesktop.CopyFromDesktopRequest) (*operation.Operation, error) {
			return images.CopyFromDesktop(ctx, r)
		},
		func(ctx context.Context, r *operation.GetOperationRequest) (*operation.Operation, error) {
			return operations.Get(ctx, r)
		},
	}
}

// overConnect is a client of Connect.
func overConnect(srv *mockserver.Server, h *hook.Hook, opts ...connecthttp.Option) client {
	wired := srv.Client()
	wired.Transport = h.RoundTripper(wired.Transport)
	c := connect.NewClient(connecthttp.NewTransport(wired, srv.URL(), opts...))
	return client{clouddesktopconnect.NewDesktopImageServiceClient(c).CopyFromDesktop, operationconnect.NewOperationServiceClient(c).Get}
}

// follow starts an operation and polls it until it is done, for so many polls more,
// and returns how many answers it could not read.
func (c client) follow(tb testing.TB, desktop string, every time.Duration, further int) (unread int) {
	tb.Helper()
	ctx := context.Background() // tb's ends before its cleanup
	op, err := c.create(ctx, &clouddesktop.CopyFromDesktopRequest{DesktopId: desktop, Name: "n"})
	if err != nil {
		tb.Fatal(err)
	}
	for polls, done := 0, 0; done <= further && polls < 500; polls++ {
		time.Sleep(every)
		got, err := c.get(ctx, &operation.GetOperationRequest{OperationId: op.GetId()})
		if err != nil {
			unread++
			done++
			continue
		}
		if got.GetDone() {
			done++
		}
	}
	return unread
}

// watched plays a fixture to a hooked client in virtual time and returns what the
// hook reports.
func watched(t *testing.T, fixture string, over func(testing.TB, *mockserver.Server, *hook.Hook) client, opts ...hook.Option) (report *conformance.Report, seen *trace.Trace, unread int) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv := mockserver.New(t)
		srv.Play(fixtures.Must(fixture))
		h, err := hook.Start(opts...)
		if err != nil {
			t.Fatal(err)
		}
		unread = over(t, srv, h).follow(t, "d", 15*time.Second, 3)
		seen = h.Trace()
		if report, err = h.Report(); err != nil {
			t.Fatal(err)
		}
	})
	return report, seen, unread
}

var clients = map[string]func(testing.TB, *mockserver.Server, *hook.Hook) client{
	"gRPC": func(tb testing.TB, srv *mockserver.Server, h *hook.Hook) client {
		return overGRPC(tb, srv, h.DialOptions()...)
	},
	"Connect": func(_ testing.TB, srv *mockserver.Server, h *hook.Hook) client { return overConnect(srv, h) },
	"gRPC by Connect": func(_ testing.TB, srv *mockserver.Server, h *hook.Hook) client {
		return overConnect(srv, h, connecthttp.WithGRPC())
	},
	"gRPC-Web": func(_ testing.TB, srv *mockserver.Server, h *hook.Hook) client {
		return overConnect(srv, h, connecthttp.WithGRPCWeb())
	},
}

func TestBrokenRulesAreFound(t *testing.T) {
	for _, tt := range []struct {
		fixture, rule string
		unreadable    bool // for the client
	}{
		{"error-and-response", "OP-18", false},
		{"done-flips-back", "LRO-01", false},
		{"done-without-result", "OP-08", false},
		{"bad-utf8", "OP-20", true},
	} {
		for name, over := range clients {
			t.Run(tt.fixture+"/"+name, func(t *testing.T) {
				report, _, unread := watched(t, tt.fixture, over)
				if (unread > 0) != tt.unreadable {
					t.Errorf("the client could not read %d answers", unread)
				}
				if report.Verdict != conformance.NotConformant || report.Rule(tt.rule).Verdict != conformance.Failed {
					t.Errorf("%v; %s is %v, want it broken", report, tt.rule, report.Rule(tt.rule).Verdict)
				}
			})
		}
	}
}

func TestHealthyServerIsNotAccused(t *testing.T) {
	for _, fixture := range []string{"slow-success", "early-error", "quota-exceeded"} {
		for name, over := range clients {
			t.Run(fixture+"/"+name, func(t *testing.T) {
				report, seen, _ := watched(t, fixture, over, hook.With(conformance.Strong()))
				if err := report.Err(); err != nil || report.Verdict == conformance.NotConformant {
					t.Errorf("%v: %v", report, err)
				}
				if r := report.Rule("OP-18"); r.Verdict != conformance.Passed {
					t.Errorf("OP-18 is %v (%s), want it to have passed", r.Verdict, r.Reason)
				}
				if len(seen.Events) < 4 || len(seen.Gaps) > 0 || report.Used.Requests != len(seen.Events) {
					t.Errorf("got %d events and gaps %v of %d calls", len(seen.Events), seen.Gaps, report.Used.Requests)
				}
			})
		}
	}
}

// What a hook can't see, it says.
func TestSight(t *testing.T) {
	for _, tt := range []struct {
		wire hook.Wire
		want conformance.RuleVerdict
	}{{hook.AnyWire, conformance.NotApplicable}, {hook.HTTP, conformance.Passed}} {
		report, _, _ := watched(t, "slow-success", clients["gRPC by Connect"], hook.Over(tt.wire))
		if got := report.Rule("ERR-02"); got.Verdict != tt.want {
			t.Errorf("ERR-02 is %v (%s), want %v", got.Verdict, got.Reason, tt.want)
		}
		if got := report.Rule("REQ-02"); got.Verdict != conformance.NotApplicable {
			t.Errorf("REQ-02 is %v, want NOT APPLICABLE to who does not see everybody", got.Verdict)
		}
	}
}

// A trace that was written says the same when it is read.
func TestTrace(t *testing.T) {
	var out bytes.Buffer
	var told []string
	report, seen, _ := watched(t, "done-flips-back", clients["gRPC"],
		hook.TraceTo(&out), hook.Target("passthrough:///optest"), hook.With(conformance.Strong()),
		hook.Found(func(f conformance.Found) { told = append(told, f.ID) }))
	if !strings.Contains(strings.Join(told, " "), "LRO-01") {
		t.Errorf("was told of %v, want LRO-01 among them", told)
	}
	read, err := trace.Read(&out, "x")
	if err != nil {
		t.Fatal(err)
	}
	for name, tr := range map[string]*trace.Trace{"written": read, "kept": seen} {
		again, err := conformance.Verify(tr)
		if err != nil {
			t.Fatal(err)
		}
		for i, one := range again.Rules {
			if was := report.Rules[i]; one.Verdict != was.Verdict || one.Errors != was.Errors || one.Exercised != was.Exercised {
				t.Errorf("%s: %s is %v with %d errors of %d, was %v with %d of %d", name, one.ID, one.Verdict, one.Errors, one.Exercised, was.Verdict, was.Errors, was.Exercised)
			}
		}
		if again.Target != "passthrough:///optest" || again.Profile != "strong" {
			t.Errorf("%s: target %q, profile %q", name, again.Target, again.Profile)
		}
	}
}

// fakeTB takes what a hook does to a test.
type fakeTB struct {
	testing.TB
	cleanups     []func()
	logs, errors []string
}

func (f *fakeTB) Helper()           {}
func (f *fakeTB) Cleanup(c func())  { f.cleanups = append(f.cleanups, c) }
func (f *fakeTB) Log(args ...any)   { f.logs = append(f.logs, fmt.Sprint(args...)) }
func (f *fakeTB) Error(args ...any) { f.errors = append(f.errors, fmt.Sprint(args...)) }
func (f *fakeTB) Fatal(args ...any) { panic(fmt.Sprint(args...)) }
func (f *fakeTB) run(over func(*fakeTB)) {
	over(f)
	for _, c := range f.cleanups {
		c()
	}
}

func TestNewFailsTheTest(t *testing.T) {
	for fixture, fails := range map[string]bool{"done-without-result": true, "slow-success": false} {
		synctest.Test(t, func(t *testing.T) {
			srv := mockserver.New(t)
			srv.Play(fixtures.Must(fixture))
			tb := &fakeTB{TB: t}
			tb.run(func(tb *fakeTB) {
				h := hook.New(tb)
				overGRPC(t, srv, h.DialOptions()...).follow(t, "d", 15*time.Second, 1)
			})
			switch {
			case !fails && len(tb.errors) > 0:
				t.Errorf("%s: got %q, want the test to pass", fixture, tb.errors)
			case fails && (len(tb.errors) != 1 || !strings.Contains(tb.errors[0], "OP-08") || !strings.Contains(tb.errors[0], "exactly one of")):
				t.Errorf("%s: got %q, want one error with the rule and its sentence", fixture, tb.errors)
			}
		})
	}
}

func TestWrongOptions(t *testing.T) {
	if _, err := hook.Start(hook.With(conformance.Contract("x"))); err == nil || !strings.HasPrefix(err.Error(), "optest: contract") {
		t.Errorf("got %v", err)
	}
}

// Many clients share a hook, in real time.
func TestManyClients(t *testing.T) {
	srv := mockserver.New(t)
	h := hook.New(t, hook.With(conformance.Strong()))
	var all sync.WaitGroup
	const each, polls = 4, 20
	for range each {
		for _, c := range []client{overGRPC(t, srv, h.DialOptions()...), overConnect(srv, h), overConnect(srv, h, connecthttp.WithGRPC())} {
			all.Go(func() {
				op, err := c.create(t.Context(), &clouddesktop.CopyFromDesktopRequest{DesktopId: "slow-success"})
				if err != nil {
					t.Error(err)
					return
				}
				for range polls {
					if _, err := c.get(t.Context(), &operation.GetOperationRequest{OperationId: op.GetId()}); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	all.Wait()
	seen := h.Trace()
	if want := 3 * each * (polls + 1); len(seen.Events) != want {
		t.Errorf("got %d events, want %d", len(seen.Events), want)
	}
	for i, e := range seen.Events {
		if e.Number != uint64(i+1) || e.Outcome != optestv1.Event_OK || e.Response == nil || e.Request == nil {
			t.Fatalf("event %d is %+v", i, e)
		}
	}
}

// After the report, calls pass and are not looked at.
func TestAfterTheReport(t *testing.T) {
	srv := mockserver.New(t)
	h, err := hook.Start()
	if err != nil {
		t.Fatal(err)
	}
	c := overConnect(srv, h)
	first, err := h.Report()
	if err != nil || first.Verdict != conformance.NoVerdict {
		t.Errorf("%v: %v, want no verdict on nothing", first, err)
	}
	if _, err := c.create(t.Context(), &clouddesktop.CopyFromDesktopRequest{DesktopId: "slow-success"}); err != nil {
		t.Error(err)
	}
	if again, err := h.Report(); again != first || err != nil || len(h.Trace().Events) != 0 {
		t.Errorf("got %v: %v and %d events", again, err, len(h.Trace().Events))
	}
}

func TestDefaultTransport(t *testing.T) {
	h, err := hook.Start()
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: h.RoundTripper(nil)}
	if _, err := client.Get("http://127.0.0.1:1/operations/a"); err == nil {
		t.Skip("something listens on port 1")
	}
	if seen := h.Trace(); len(seen.Events) != 1 || seen.Events[0].Failure.Cause != optestv1.Event_Failure_LOCAL_ERROR {
		t.Errorf("got %+v", seen.Events)
	}
}
