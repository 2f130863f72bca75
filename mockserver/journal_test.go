package mockserver

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"
	"pgregory.net/rapid"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

func TestJournalKeepsTheLatest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 8).Draw(t, "limit")
		total := rapid.IntRange(0, 40).Draw(t, "calls")
		j := journal{limit: limit}
		var want []uint64
		for i := range total {
			j.add(&record{})
			if i >= total-limit {
				want = append(want, uint64(i+1))
			}
		}
		calls, forgotten := j.list()
		var got []uint64
		for _, c := range calls {
			got = append(got, c.Number)
		}
		if diff := cmp.Diff(want, got); diff != "" || forgotten != uint64(max(0, total-limit)) {
			t.Fatalf("%d forgotten, calls (-want +got):\n%s", forgotten, diff)
		}
	})
}

func TestCallsTellWhatTheClientDid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(t)
		s.Play(Running(time.Minute).Succeed())
		began := time.Now()
		op, err := copyFromDesktop(withKey(t.Context(), key1), s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "d", Name: "n"})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if _, err := getOperation(t.Context(), s, op.GetId()); err != nil {
			t.Fatal(err)
		}
		_, _ = getOperation(t.Context(), s, "nobody")
		calls := s.Calls()
		if len(calls) != 3 {
			t.Fatalf("%d calls, want 3: %v", len(calls), calls)
		}
		create := calls[0]
		if name := create.Request.(*clouddesktop.CopyFromDesktopRequest).GetName(); name != "n" || create.Header.Get("Idempotency-Key") != key1 {
			t.Errorf("the create has name %q and key %q", name, create.Header.Get("Idempotency-Key"))
		}
		if !create.Begin.Equal(began) || !calls[1].Begin.Equal(began.Add(time.Minute)) {
			t.Errorf("calls began at %v and %v, want %v and a minute later", create.Begin, calls[1].Begin, began)
		}
		lines := fmt.Sprintf("%v\n%v\n%v", calls[0], calls[1], calls[2])
		for _, want := range []string{
			"00:00:00.000 grpc    CopyFromDesktop " + op.GetId() + " -> OK  [succeeds created]",
			"00:01:00.000 grpc    Get " + op.GetId() + " -> OK  [succeeds succeed@1m0s]",
			`00:01:00.000 grpc    Get -> NotFound "Operation \"nobody\" not found"`,
		} {
			if !strings.Contains(lines, want) {
				t.Errorf("lines lack %q:\n%s", want, lines)
			}
		}
		if calls[2].Code != codes.NotFound {
			t.Errorf("code %v, want NOT_FOUND", calls[2].Code)
		}
	})
}

// A failed test logs the calls once, in order.
func TestFailedTestLogsTheCalls(t *testing.T) {
	tb := &failing{TB: t}
	s := New(tb)
	alive(t, s)
	tb.finish()
	if len(tb.logged) != 1 || !strings.Contains(tb.logged[0], "CopyFromDesktop") {
		t.Errorf("a failed test logged %q, want the calls once", tb.logged)
	}
	if _, err := getOperation(t.Context(), s, "x"); err == nil {
		t.Error("the test's end has not closed the server")
	}
}

// Where a fault has struck, the log has what is needed to have it strike again.
func TestFailedTestLogsTheSeed(t *testing.T) {
	tb := &failing{TB: t}
	s := New(tb, Seed(77))
	s.Inject(&optestv1.Fault{On: optestv1.Fault_CREATE, Effect: &optestv1.Fault_Delay{Delay: &optestv1.DelayFault{By: durationpb.New(time.Nanosecond)}}})
	alive(t, s)
	tb.finish()
	if len(tb.logged) != 1 || !strings.Contains(tb.logged[0], "seed 77") {
		t.Errorf("a failed test logged %q, want the seed", tb.logged)
	}
}

// failing is a test that has failed.
type failing struct {
	testing.TB
	logged  []string
	cleanup []func()
}

func (f *failing) Failed() bool    { return true }
func (f *failing) Log(args ...any) { f.logged = append(f.logged, fmt.Sprint(args...)) }
func (f *failing) Fatal(args ...any) {
	f.Log(args...)
	panic("fatal") // in place of runtime.Goexit, which would end the real test
}
func (f *failing) Cleanup(c func()) { f.cleanup = append(f.cleanup, c) }
func (f *failing) finish() {
	for _, c := range f.cleanup {
		c()
	}
}

func TestObserve(t *testing.T) {
	seen := make(chan Call, 8)
	s := New(t, Observe(func(c Call) { seen <- c }))
	alive(t, s)
	if c := <-seen; c.Scenario != "instant" || c.Code != codes.OK {
		t.Errorf("observed %v, want a create that plays instant", c)
	}
}

// A client with a wrong path is seen, too.
func TestRequestsAstrayAreRecorded(t *testing.T) {
	s := New(t)
	for _, path := range []string{"/operation/x", "/no.such.Service/Method"} {
		resp, err := s.Client().Post(s.URL()+path, "application/json", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	var got []string
	for _, c := range s.Calls() {
		got = append(got, fmt.Sprintf("%s %v", c.Method, c.Code))
	}
	for _, r := range []struct{ method, path, contentType string }{
		{http.MethodDelete, "/cloud-desktop/v1/images:copyFromDesktop", ""},
		{http.MethodPost, "/cloud-desktop/v1/images:copyFromDesktop", "text/plain"},
		{http.MethodPut, copyProcedure, "application/json"},
		{http.MethodPost, copyProcedure, "text/plain"},
	} {
		before := len(s.Calls())
		resp, _ := post(t, s, r.method, r.path, r.contentType, []byte("{}"))
		calls := s.Calls()
		if len(calls) != before+1 || !strings.Contains(calls[before].Message, fmt.Sprint(resp.StatusCode)) {
			t.Errorf("%s %s as %q, refused with %d, leaves %v", r.method, r.path, r.contentType, resp.StatusCode, calls[before:])
		}
	}
	if diff := cmp.Diff([]string{"POST /operation/x NotFound", "POST /no.such.Service/Method Unimplemented"}, got); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}
