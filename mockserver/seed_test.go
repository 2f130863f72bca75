package mockserver

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// The same seed gives the same run: in a bubble the journals of two runs are
// equal, times and ids and drawn faults and all.
func TestSameSeedSameJournal(t *testing.T) {
	run := func(seed uint64) (calls []Call) {
		synctest.Test(t, func(t *testing.T) {
			s := New(t, Seed(seed))
			sometimes := unavailable(optestv1.Fault_GET)
			sometimes.Probability = 0.4
			s.Play(Running(time.Minute).
				WithFault(sometimes).
				WithFault(&optestv1.Fault{On: optestv1.Fault_ANY, Effect: &optestv1.Fault_Delay{Delay: &optestv1.DelayFault{
					By: durationpb.New(time.Millisecond), Jitter: durationpb.New(time.Second),
				}}}).
				Succeed())
			for range 3 {
				op, err := copyFromDesktop(t.Context(), s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "d", FolderId: "f"})
				if err != nil {
					t.Fatal(err)
				}
				for range 20 {
					_, _ = getOperation(t.Context(), s, op.GetId())
					time.Sleep(5 * time.Second)
				}
			}
			calls = s.Calls()
		})
		return calls
	}
	one := run(7)
	if diff := cmp.Diff(one, run(7), protocmp.Transform()); diff != "" {
		t.Errorf("the same seed (-first +second):\n%s", diff)
	}
	if cmp.Equal(one, run(8), protocmp.Transform()) {
		t.Error("another seed gives the same journal")
	}
}
