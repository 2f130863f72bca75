package conformance_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/optest-dev/optest/conformance"
	"github.com/optest-dev/optest/conformance/internal/exampleserver"
)

func TestRunThatIsEndedCleansUp(t *testing.T) {
	for _, after := range []int64{60, 200, 900} {
		t.Run(fmt.Sprintf("after %d calls", after), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				var calls atomic.Int64
				dial := overGRPC(t, serving(&exampleserver.Server{}), unary(func(string) error {
					if calls.Add(1) == after {
						cancel(errors.New("interrupt"))
					}
					return nil
				}))
				folder := "b1gexample0000000000"
				r, err := conformance.Check(ctx, conformance.Target{
					Dial: dial, Folder: folder,
					Desktops: conformance.Desktops{Succeeds: exampleserver.Works, Fails: exampleserver.Breaks, FailsLate: exampleserver.BreaksLater},
				})
				if err != nil {
					t.Fatal(err)
				}
				t.Log(r)
				if r.Verdict != conformance.Inconclusive || !strings.Contains(r.String(), "ended") {
					t.Errorf("report %v, want %v because the run was ended", r, conformance.Inconclusive)
				}
				if len(r.Events) < 50 {
					t.Errorf("events %d, want those until the end", len(r.Events))
				}
				time.Sleep(time.Minute)
				if left := images(t, dial, folder); len(left) > 0 || len(r.Used.LeftBehind) > 0 {
					t.Errorf("images %v, left behind %q, want none", left, r.Used.LeftBehind)
				}
			})
		})
	}
}

func TestWholeRunCleansUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dial := overGRPC(t, serving(&exampleserver.Server{}))
		folder := "b1gexample0000000000"
		var steps []conformance.Progress
		r, err := conformance.Check(t.Context(), conformance.Target{
			Dial: dial, Folder: folder,
			Desktops: conformance.Desktops{Succeeds: exampleserver.Works, Fails: exampleserver.Breaks, FailsLate: exampleserver.BreaksLater, Absent: "none"},
		}, conformance.Observe(func(p conformance.Progress) { steps = append(steps, p) }))
		if err != nil {
			t.Fatal(err)
		}
		t.Log(r)
		healthy(t, r)
		time.Sleep(time.Minute)
		if left := images(t, dial, folder); len(left) > 0 || len(r.Used.LeftBehind) > 0 {
			t.Errorf("images %v, left behind %q, want none", left, r.Used.LeftBehind)
		}
		if first, last := steps[0].Doing, steps[len(steps)-1].Doing; first != "probe" || last != "cleanup" {
			t.Errorf("progress from %q to %q, want from probe to cleanup", first, last)
		}
	})
}

// Images whose answers were lost are found by their names.
func TestLostAnswersAreCleanedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var creates atomic.Int64
		dial := overGRPC(t, serving(&exampleserver.Server{}), grpc.UnaryInterceptor(func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
			resp, err := handler(ctx, req)
			if strings.HasSuffix(info.FullMethod, "/CopyFromDesktop") && err == nil && creates.Add(1)%3 == 0 {
				return nil, status.Error(codes.Unavailable, "the answer is lost")
			}
			return resp, err
		}))
		folder := "b1gexample0000000000"
		r, err := conformance.Check(t.Context(), conformance.Target{
			Dial: dial, Folder: folder,
			Desktops: conformance.Desktops{Succeeds: exampleserver.Works, Fails: exampleserver.Breaks, FailsLate: exampleserver.BreaksLater, Absent: "none"},
		}, conformance.Within(conformance.Budget{Creates: 25, Requests: 1500}))
		if err != nil {
			t.Fatal(err)
		}
		t.Log(r)
		healthy(t, r)
		time.Sleep(time.Minute)
		if left := images(t, dial, folder); len(left) > 0 || len(r.Used.LeftBehind) > 0 {
			t.Errorf("images %v, left behind %q, want none", left, r.Used.LeftBehind)
		}
	})
}
