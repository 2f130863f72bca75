package mockserver

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

func TestCancel(t *testing.T) {
	hour := Running(time.Hour)
	tests := []struct {
		name     string
		scenario *optestv1.Scenario
		at       time.Duration // of the Cancel
		answer   codes.Code    // of the Cancel
		done     bool          // in its answer
		end      codes.Code    // of the operation, an hour later
		image    string
	}{
		{"honoured at once", hour.Succeed(), time.Minute, codes.OK, true, codes.Canceled, "gone"},
		{"before anything else happens", hour.Succeed(), 0, codes.OK, true, codes.Canceled, "gone"},
		{"honoured later", hour.CancelledAfter(time.Minute).Succeed(), time.Minute, codes.OK, false, codes.Canceled, "gone"},
		{"loses the race", hour.CancelledAfter(time.Minute).Succeed(), time.Hour - time.Second, codes.OK, false, codes.OK, "ACTIVE"},
		{"ignored", hour.CancelIgnored().Succeed(), time.Minute, codes.OK, false, codes.OK, "ACTIVE"},
		{"refused", hour.CancelRefused().Succeed(), time.Minute, codes.FailedPrecondition, false, codes.OK, "ACTIVE"},
		{"after success", hour.Succeed(), 2 * time.Hour, codes.OK, true, codes.OK, "ACTIVE"},
		{"refused after success", hour.CancelRefused().Succeed(), 2 * time.Hour, codes.OK, true, codes.OK, "ACTIVE"},
		{"after failure", hour.Fail(codes.Aborted, "m"), 2 * time.Hour, codes.OK, true, codes.Aborted, "gone"},
		{"during the roll-back", Running(0).Failing(codes.DataLoss, "m").RolledBackAfter(time.Hour), time.Minute, codes.OK, false, codes.DataLoss, "gone"},
		{"of one that never ends", NeverDone().Forever(), time.Minute, codes.OK, true, codes.Canceled, "gone"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := New(t)
				s.Play(tt.scenario)
				operations := operation.NewOperationServiceClient(s.GRPC())
				op, err := copyFromDesktop(t.Context(), s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "d"})
				if err != nil {
					t.Fatal(err)
				}
				var m clouddesktop.CopyFromDesktopMetadata
				if err := op.GetMetadata().UnmarshalTo(&m); err != nil {
					t.Fatal(err)
				}
				before := op
				time.Sleep(tt.at)
				for range 2 { // a second Cancel is no different
					answer, err := operations.Cancel(t.Context(), &operation.CancelOperationRequest{OperationId: op.GetId()})
					if status.Code(err) != tt.answer {
						t.Fatalf("Cancel got %v, want %v", err, tt.answer)
					}
					if err != nil {
						continue
					}
					if answer.GetId() != op.GetId() || answer.GetDone() != tt.done {
						t.Errorf("Cancel answered %v done %v, want %v done %v", answer.GetId(), answer.GetDone(), op.GetId(), tt.done)
					}
					if answer.GetDone() != before.GetDone() && !answer.GetModifiedAt().AsTime().After(before.GetModifiedAt().AsTime()) {
						t.Errorf("the operation has changed, but was modified at %v as before", answer.GetModifiedAt().AsTime())
					}
					before = answer
				}
				time.Sleep(time.Hour)
				end, err := getOperation(t.Context(), s, op.GetId())
				if err != nil {
					t.Fatal(err)
				}
				if !end.GetDone() || codes.Code(end.GetError().GetCode()) != tt.end {
					t.Errorf("ended done %v with %v, want done with %v", end.GetDone(), end.GetError(), tt.end)
				}
				if got := imageStatus(t, s, m.GetImageId()); got != tt.image {
					t.Errorf("the image is %s, want %s", got, tt.image)
				}
			})
		})
	}
}

// Cancel of one operation leaves its neighbour alone.
func TestCancelHitsOneOperation(t *testing.T) {
	s := New(t)
	s.Play(NeverDone().Forever())
	var ids [2]string
	for i := range ids {
		op, err := copyFromDesktop(t.Context(), s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "d"})
		if err != nil {
			t.Fatal(err)
		}
		ids[i] = op.GetId()
	}
	if _, err := operation.NewOperationServiceClient(s.GRPC()).Cancel(t.Context(), &operation.CancelOperationRequest{OperationId: ids[0]}); err != nil {
		t.Fatal(err)
	}
	if op, err := getOperation(t.Context(), s, ids[1]); err != nil || op.GetDone() {
		t.Errorf("the neighbour is done %v (%v), want it to go on", op.GetDone(), err)
	}
}
