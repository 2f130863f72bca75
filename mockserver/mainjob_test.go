package mockserver_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/optest-dev/optest/mockserver"
)

// bake is the client code that a user would want to test: it copies an image
// from a desktop and polls until the operation is done.
func bake(ctx context.Context, conn grpc.ClientConnInterface, every time.Duration) (*clouddesktop.DesktopImage, error) {
	op, err := clouddesktop.NewDesktopImageServiceClient(conn).CopyFromDesktop(ctx, &clouddesktop.CopyFromDesktopRequest{
		FolderId:  "folder-1",
		Name:      "golden",
		DesktopId: "desktop-1",
		Labels:    map[string]string{"team": "build"},
	})
	operations := operation.NewOperationServiceClient(conn)
	for err == nil && !op.GetDone() {
		time.Sleep(every)
		op, err = operations.Get(ctx, &operation.GetOperationRequest{OperationId: op.GetId()})
	}
	if err != nil {
		return nil, err
	}
	if op.GetError() != nil {
		return nil, status.FromProto(op.GetError()).Err()
	}
	image := &clouddesktop.DesktopImage{}
	return image, op.GetResponse().UnmarshalTo(image)
}

func TestADayOfPollingInABubble(t *testing.T) {
	began := time.Now()
	synctest.Test(t, func(t *testing.T) {
		srv := mockserver.New(t)
		srv.Play(mockserver.Running(24 * time.Hour).Succeed())
		born := time.Now()
		image, err := bake(t.Context(), srv.GRPC(), 10*time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		want := &clouddesktop.DesktopImage{
			Id:          image.GetId(),
			FolderId:    "folder-1",
			CreatedAt:   timestamppb.New(born),
			Status:      clouddesktop.DesktopImage_ACTIVE,
			Name:        "golden",
			Labels:      map[string]string{"team": "build"},
			StorageSize: 15 << 30,
			MinDiskSize: 20 << 30,
		}
		if diff := cmp.Diff(want, image, protocmp.Transform()); diff != "" {
			t.Errorf("image (-want +got):\n%s", diff)
		}
		if image.GetId() == "" {
			t.Error("the image has no id")
		}
		if took := time.Since(born); took != 24*time.Hour {
			t.Errorf("it took %v, want 24h of virtual time", took)
		}
		if polls := len(srv.Calls()) - 1; polls != 24*6 {
			t.Errorf("the server saw %d polls, want %d", polls, 24*6)
		}
	})
	t.Logf("24 h of polling took %v", time.Since(began))
}

func TestEarlyErrorIsRolledBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := mockserver.New(t)
		srv.Play(mockserver.Running(20*time.Second).Failing(codes.ResourceExhausted, "Image quota is exceeded").RolledBackAfter(40 * time.Second))
		images := clouddesktop.NewDesktopImageServiceClient(srv.GRPC())
		operations := operation.NewOperationServiceClient(srv.GRPC())
		op, err := images.CopyFromDesktop(t.Context(), &clouddesktop.CopyFromDesktopRequest{DesktopId: "desktop-1"})
		if err != nil {
			t.Fatal(err)
		}
		var metadata clouddesktop.CopyFromDesktopMetadata
		if err := op.GetMetadata().UnmarshalTo(&metadata); err != nil {
			t.Fatal(err)
		}
		type seen struct {
			done  bool
			code  codes.Code
			image string
		}
		look := func() seen {
			op, err := operations.Get(t.Context(), &operation.GetOperationRequest{OperationId: op.GetId()})
			if err != nil {
				t.Fatal(err)
			}
			s := seen{op.GetDone(), codes.Code(op.GetError().GetCode()), "gone"}
			image, err := images.Get(t.Context(), &clouddesktop.GetDesktopImageRequest{ImageId: metadata.GetImageId()})
			if err == nil {
				s.image = image.GetStatus().String()
			} else if status.Code(err) != codes.NotFound {
				t.Fatal(err)
			}
			return s
		}
		for _, tt := range []struct {
			at   time.Duration
			want seen
		}{
			{0, seen{false, codes.OK, "CREATING"}},
			{20*time.Second - 1, seen{false, codes.OK, "CREATING"}},
			{20 * time.Second, seen{false, codes.ResourceExhausted, "DELETING"}},
			{60*time.Second - 1, seen{false, codes.ResourceExhausted, "DELETING"}},
			{60 * time.Second, seen{true, codes.ResourceExhausted, "gone"}},
			{72 * time.Hour, seen{true, codes.ResourceExhausted, "gone"}},
		} {
			time.Sleep(time.Until(op.GetCreatedAt().AsTime().Add(tt.at)))
			if got := look(); got != tt.want {
				t.Errorf("after %v got %+v, want %+v", tt.at, got, tt.want)
			}
		}
	})
}

func TestAdvanceOutsideABubble(t *testing.T) {
	srv := mockserver.New(t)
	srv.Play(mockserver.Running(2 * time.Hour).Succeed())
	op, err := clouddesktop.NewDesktopImageServiceClient(srv.GRPC()).CopyFromDesktop(t.Context(), &clouddesktop.CopyFromDesktopRequest{DesktopId: "d"})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []bool{false, true} {
		op, err = operation.NewOperationServiceClient(srv.GRPC()).Get(t.Context(), &operation.GetOperationRequest{OperationId: op.GetId()})
		if err != nil {
			t.Fatal(err)
		}
		if op.GetDone() != want {
			t.Errorf("done is %v, want %v", op.GetDone(), want)
		}
		srv.Advance(2 * time.Hour)
	}
	if got := op.GetModifiedAt().AsTime().Sub(op.GetCreatedAt().AsTime()); got != 2*time.Hour {
		t.Errorf("modified %v after creation, want 2h", got)
	}
}

func TestSpeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := mockserver.New(t, mockserver.Speed(60))
		srv.Play(mockserver.Running(10 * time.Minute).Succeed())
		began := time.Now()
		if _, err := bake(t.Context(), srv.GRPC(), time.Second); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("10 minutes at 60x took %v, want 10s", took)
		}
	})
}
