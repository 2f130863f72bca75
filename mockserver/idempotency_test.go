package mockserver

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

const (
	key1 = "6f1dfd83-4e06-4b5c-9f0e-000000000001"
	key2 = "6f1dfd83-4e06-4b5c-9f0e-000000000002"
)

func withKey(ctx context.Context, key string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "idempotency-key", key)
}

// "it checks whether an operation with this UUID has already been created. If
// so, the server returns the `Operation` object with this operation's current
// status."
func TestIdempotencyKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(t)
		s.Play(Running(time.Minute).Succeed())
		create := func(key string, req *clouddesktop.CopyFromDesktopRequest) *operation.Operation {
			t.Helper()
			ctx := t.Context()
			if key != "" {
				ctx = withKey(ctx, key)
			}
			op, err := copyFromDesktop(ctx, s, req)
			if err != nil {
				t.Fatal(err)
			}
			return op
		}
		one := &clouddesktop.CopyFromDesktopRequest{DesktopId: "d", Name: "one"}
		first := create(key1, one)
		if again := create(key1, one); again.GetId() != first.GetId() {
			t.Errorf("the same key and body made %s and %s, want one operation", first.GetId(), again.GetId())
		}
		if upper := create("6F1DFD83-4E06-4B5C-9F0E-000000000001", one); upper.GetId() != first.GetId() {
			t.Error("the key in capitals made another operation, want the same")
		}
		if other := create(key1, &clouddesktop.CopyFromDesktopRequest{DesktopId: "d", Name: "two"}); other.GetId() != first.GetId() {
			t.Error("the same key with another body made another image, want the first operation")
		}
		time.Sleep(time.Minute)
		if done := create(key1, one); !done.GetDone() || done.GetId() != first.GetId() {
			t.Errorf("after a minute the key returns %v done %v, want the operation's current status", done.GetId(), done.GetDone())
		}
		seen := map[string]bool{first.GetId(): true}
		for _, op := range []*operation.Operation{create(key2, one), create("", one), create("", one)} {
			if seen[op.GetId()] {
				t.Errorf("operation %s is returned for another key or none", op.GetId())
			}
			seen[op.GetId()] = true
		}
	})
}

func TestIdempotencyKeyIsNotBurnt(t *testing.T) {
	s := New(t)
	ctx := withKey(t.Context(), key1)
	if _, err := copyFromDesktop(ctx, s, &clouddesktop.CopyFromDesktopRequest{}); status.Code(err) != codes.InvalidArgument {
		t.Fatalf("got %v, want INVALID_ARGUMENT", err)
	}
	op, err := copyFromDesktop(ctx, s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "instant"})
	if err != nil {
		t.Fatalf("a rejected call has burnt the key: %v", err)
	}
	// A key used with one method never returns the operation of another.
	var made clouddesktop.CopyFromDesktopMetadata
	if err := op.GetMetadata().UnmarshalTo(&made); err != nil {
		t.Fatal(err)
	}
	removal, err := clouddesktop.NewDesktopImageServiceClient(s.GRPC()).Delete(ctx, &clouddesktop.DeleteDesktopImageRequest{ImageId: made.GetImageId()})
	if err != nil || removal.GetId() == op.GetId() {
		t.Errorf("Delete with the key of the copy got %s, %v, want an operation of its own", removal.GetId(), err)
	}
}

func TestIdempotencyKeyMustBeUUID(t *testing.T) {
	s := New(t)
	_, err := copyFromDesktop(withKey(t.Context(), "once"), s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "instant"})
	if status.Code(err) != codes.InvalidArgument || s.stored() != 0 {
		t.Errorf("got %v and %d operations, want INVALID_ARGUMENT and none", err, s.stored())
	}
}

func TestIdempotencyKeyUnder16ConcurrentCalls(t *testing.T) {
	s := New(t)
	// One scenario only: had a second call started an operation, it would fail.
	s.Script(Running(time.Hour).Succeed())
	ctx := withKey(t.Context(), key1)
	ids := make([]string, 16)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			op, err := copyFromDesktop(ctx, s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "d", FolderId: "f"})
			if err != nil {
				t.Error(err)
			}
			ids[i] = op.GetId()
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Fatalf("16 calls with one key made %q, want one operation", ids)
		}
	}
	list, err := clouddesktop.NewDesktopImageServiceClient(s.GRPC()).List(t.Context(), &clouddesktop.ListDesktopImagesRequest{FolderId: "f"})
	if err != nil || len(list.GetDesktopImages()) != 1 || s.stored() != 1 {
		t.Errorf("%d images and %d operations (%v), want one each", len(list.GetDesktopImages()), s.stored(), err)
	}
}

// The answer of the first create is lost after the operation was started: a
// retry with the same key must find it, one without makes a second image.
func TestAnswerLostAfterCommit(t *testing.T) {
	lost := &optestv1.Fault{
		Name:  "answer-lost",
		On:    optestv1.Fault_CREATE,
		Calls: &optestv1.Range{To: 1},
		Effect: &optestv1.Fault_Status{Status: &optestv1.StatusFault{
			Status:      &optestv1.Status{Code: code.Code_UNAVAILABLE, Message: "connection lost"},
			AfterCommit: true,
		}},
	}
	for name, tt := range map[string]struct {
		key    string
		images int
	}{"with a key": {key1, 1}, "without": {"", 2}} {
		t.Run(name, func(t *testing.T) {
			s := New(t)
			s.Play(Running(time.Hour).WithFault(lost).Succeed())
			ctx := t.Context()
			if tt.key != "" {
				ctx = withKey(ctx, tt.key)
			}
			req := &clouddesktop.CopyFromDesktopRequest{DesktopId: "d"}
			if _, err := copyFromDesktop(ctx, s, req); status.Code(err) != codes.Unavailable {
				t.Fatalf("got %v, want UNAVAILABLE", err)
			}
			if _, err := copyFromDesktop(ctx, s, req); err != nil {
				t.Fatal(err)
			}
			if s.stored() != tt.images {
				t.Errorf("%d operations, want %d", s.stored(), tt.images)
			}
		})
	}
}
