package mockserver

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/testing/protocmp"
)

// The journal's memory of a forgotten call serves a later one: what observers
// and Calls were given must not change by that, nor mix two calls.
func TestForgottenCallsLeaveNothingBehind(t *testing.T) {
	var mu sync.Mutex
	var observed []Call
	s := New(t, Journal(2), Observe(func(c Call) {
		mu.Lock()
		defer mu.Unlock()
		observed = append(observed, c)
	}))
	s.Play(Running(time.Hour).Succeed())
	const callers, each = 4, 25
	var work sync.WaitGroup
	for range callers {
		work.Go(func() {
			for range each {
				op, err := copyFromDesktop(withKey(t.Context(), key1), s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "d"})
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := getOperation(t.Context(), s, op.GetId()); err != nil {
					t.Error(err)
				}
				_, _ = getOperation(t.Context(), s, strings.Repeat("x", 3))
				s.Calls()
			}
		})
	}
	work.Wait()
	numbers := map[uint64]bool{}
	for _, c := range observed {
		numbers[c.Number] = true
		response, _ := c.Response.(*operation.Operation)
		switch request := c.Request.(type) {
		case *clouddesktop.CopyFromDesktopRequest:
			if c.Operation == "" || response.GetId() != c.Operation || c.Header.Get("Idempotency-Key") != key1 {
				t.Fatalf("a create with response %v, header %v: %v", response, c.Header, c)
			}
		case *operation.GetOperationRequest:
			missing := request.GetOperationId() == "xxx"
			if missing != (c.Response == nil) || missing != (c.Message != "") || missing != (c.Scenario == "") || c.Header.Get("Idempotency-Key") != "" ||
				!missing && (response.GetId() != request.GetOperationId() || c.Operation != request.GetOperationId()) {
				t.Fatalf("a get of %q with response %v, header %v: %v", request.GetOperationId(), response, c.Header, c)
			}
		}
	}
	if total := callers * each * 3; len(observed) != total || len(numbers) != total || !numbers[1] || !numbers[uint64(total)] {
		t.Errorf("observed %d calls with %d numbers, want %d with those from 1", len(observed), len(numbers), total)
	}
}

func TestCallsHoldWhatTheClientGot(t *testing.T) {
	s := New(t)
	for _, w := range ways(s, s.Client()) {
		t.Run(w.name, func(t *testing.T) {
			got, err := w.create(t.Context(), &clouddesktop.CopyFromDesktopRequest{DesktopId: "slow-success", Name: "n"})
			if err != nil {
				t.Fatal(err)
			}
			calls := s.Calls()
			if diff := cmp.Diff(got, calls[len(calls)-1].Response, protocmp.Transform()); diff != "" {
				t.Errorf("response in the journal (-client +journal):\n%s", diff)
			}
		})
	}
}
