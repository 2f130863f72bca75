package mockserver

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

func imagesOf(s *Server) clouddesktop.DesktopImageServiceClient {
	return clouddesktop.NewDesktopImageServiceClient(s.GRPC())
}

// newImage returns the id of an image that was copied from a desktop.
func newImage(t *testing.T, s *Server, req *clouddesktop.CopyFromDesktopRequest) string {
	t.Helper()
	op, err := imagesOf(s).CopyFromDesktop(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	var m clouddesktop.CopyFromDesktopMetadata
	if err := op.GetMetadata().UnmarshalTo(&m); err != nil {
		t.Fatal(err)
	}
	return m.GetImageId()
}

func imageStatus(t *testing.T, s *Server, id string) string {
	t.Helper()
	image, err := imagesOf(s).Get(t.Context(), &clouddesktop.GetDesktopImageRequest{ImageId: id})
	if status.Code(err) == codes.NotFound {
		return "gone"
	}
	if err != nil {
		t.Fatal(err)
	}
	return image.GetStatus().String()
}

func TestLifeOfAnImage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(t)
		s.Play(Running(time.Minute).Succeed())
		deletion := Running(time.Minute).Succeed()
		deletion.Match = &optestv1.Match{Method: "Delete"}
		s.Play(deletion)

		id := newImage(t, s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "d", FolderId: "f"})
		if got := imageStatus(t, s, id); got != "CREATING" {
			t.Errorf("while its copy runs the image is %s, want CREATING", got)
		}
		_, err := imagesOf(s).Delete(t.Context(), &clouddesktop.DeleteDesktopImageRequest{ImageId: id})
		if status.Code(err) != codes.FailedPrecondition {
			t.Errorf("Delete of an image that is being created got %v, want FAILED_PRECONDITION", err)
		}
		time.Sleep(time.Minute)
		if got := imageStatus(t, s, id); got != "ACTIVE" {
			t.Errorf("after its copy the image is %s, want ACTIVE", got)
		}
		op, err := imagesOf(s).Delete(t.Context(), &clouddesktop.DeleteDesktopImageRequest{ImageId: id})
		if err != nil {
			t.Fatal(err)
		}
		if got := imageStatus(t, s, id); got != "DELETING" {
			t.Errorf("while its Delete runs the image is %s, want DELETING", got)
		}
		time.Sleep(time.Minute)
		if got := imageStatus(t, s, id); got != "gone" {
			t.Errorf("after its Delete the image is %s, want gone", got)
		}
		op, err = getOperation(t.Context(), s, op.GetId())
		if err != nil {
			t.Fatal(err)
		}
		if !op.GetDone() || !op.GetResponse().MessageIs(&emptypb.Empty{}) {
			t.Errorf("Delete ended with %v, want done with Empty", op)
		}
		if list, err := imagesOf(s).List(t.Context(), &clouddesktop.ListDesktopImagesRequest{FolderId: "f"}); err != nil || len(list.GetDesktopImages()) != 0 {
			t.Errorf("List got %v, %v, want no images", list, err)
		}
	})
}

func TestUpdate(t *testing.T) {
	s := New(t)
	s.Play(Running(0).Succeed())
	request := &clouddesktop.CopyFromDesktopRequest{
		DesktopId: "d", FolderId: "f", Name: "old", Description: "old", Labels: map[string]string{"old": ""},
	}
	tests := []struct {
		name   string
		update *clouddesktop.UpdateDesktopImageRequest
		want   *clouddesktop.DesktopImage
	}{
		{
			"the masked field only",
			&clouddesktop.UpdateDesktopImageRequest{Name: "new", Description: "not masked", UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"name"}}},
			&clouddesktop.DesktopImage{Name: "new", Description: "old", Labels: map[string]string{"old": ""}},
		},
		{
			"a masked field that is empty",
			&clouddesktop.UpdateDesktopImageRequest{UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"labels", "description"}}},
			&clouddesktop.DesktopImage{Name: "old"},
		},
		{
			"all fields without a mask",
			&clouddesktop.UpdateDesktopImageRequest{Name: "new", Labels: map[string]string{"new": "x"}},
			&clouddesktop.DesktopImage{Name: "new", Labels: map[string]string{"new": "x"}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.update.ImageId = newImage(t, s, request)
			op, err := imagesOf(s).Update(t.Context(), tt.update)
			if err != nil {
				t.Fatal(err)
			}
			var answered clouddesktop.DesktopImage
			if err := op.GetResponse().UnmarshalTo(&answered); err != nil {
				t.Fatal(err)
			}
			read, err := imagesOf(s).Get(t.Context(), &clouddesktop.GetDesktopImageRequest{ImageId: tt.update.GetImageId()})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(read, &answered, protocmp.Transform()); diff != "" {
				t.Errorf("the response is not the image as it is read (-read +response):\n%s", diff)
			}
			if diff := cmp.Diff(tt.want, read, protocmp.Transform(), protocmp.IgnoreFields(read,
				"id", "folder_id", "created_at", "status", "storage_size", "min_disk_size")); diff != "" {
				t.Errorf("image (-want +got):\n%s", diff)
			}
		})
	}
	_, err := imagesOf(s).Update(t.Context(), &clouddesktop.UpdateDesktopImageRequest{
		ImageId: newImage(t, s, request), UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"status"}},
	})
	if status.Code(err) != codes.InvalidArgument {
		t.Errorf("a mask with status got %v, want INVALID_ARGUMENT", err)
	}
}

func TestCopyOfAnImage(t *testing.T) {
	s := New(t)
	s.Play(Running(0).Succeed())
	source := newImage(t, s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "d", FolderId: "f"})
	op, err := imagesOf(s).Copy(t.Context(), &clouddesktop.CopyDesktopImageRequest{FolderId: "g", Name: "copy", ImageId: source})
	if err != nil {
		t.Fatal(err)
	}
	var m clouddesktop.CopyDesktopImageMetadata
	var image clouddesktop.DesktopImage
	if err := op.GetMetadata().UnmarshalTo(&m); err != nil {
		t.Fatal(err)
	}
	if err := op.GetResponse().UnmarshalTo(&image); err != nil {
		t.Fatal(err)
	}
	if m.GetImageId() == source || image.GetId() != m.GetImageId() || image.GetName() != "copy" || image.GetFolderId() != "g" {
		t.Errorf("Copy made %v with metadata %v, want a new image named copy in folder g", &image, &m)
	}
	_, err = imagesOf(s).Copy(t.Context(), &clouddesktop.CopyDesktopImageRequest{FolderId: "g", Name: "copy", ImageId: "nobody"})
	if status.Code(err) != codes.NotFound {
		t.Errorf("Copy of an unknown image got %v, want NOT_FOUND", err)
	}
	if _, err = imagesOf(s).Copy(t.Context(), &clouddesktop.CopyDesktopImageRequest{FolderId: "g", Name: "copy", ImageId: "instant"}); err != nil {
		t.Errorf("Copy of an image that is named like a scenario got %v, want it to play", err)
	}
}

// Every image of the folder is listed exactly once over all pages, also where
// images come and go between two of them.
func TestPages(t *testing.T) {
	s := New(t)
	s.Play(Running(0).Succeed())
	var want []string
	for i := range 7 {
		want = append(want, newImage(t, s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "d", FolderId: "f", Name: fmt.Sprint(i)}))
		newImage(t, s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "d", FolderId: "other"})
	}
	var got []string
	req := &clouddesktop.ListDesktopImagesRequest{FolderId: "f", PageSize: 3}
	for pages := 0; ; pages++ {
		page, err := imagesOf(s).List(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		for _, image := range page.GetDesktopImages() {
			got = append(got, image.GetId())
		}
		if pages == 0 {
			// The image that the token names is gone when the token is used.
			if _, err := imagesOf(s).Delete(t.Context(), &clouddesktop.DeleteDesktopImageRequest{ImageId: want[2]}); err != nil {
				t.Fatal(err)
			}
		}
		if req.PageToken = page.GetNextPageToken(); req.PageToken == "" {
			break
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("images over all pages (-want +got):\n%s", diff)
	}
}

// What the operation answers and what Get reads are one image, with the fields
// that a scenario sets.
func TestResponseIsTheImage(t *testing.T) {
	s := New(t)
	s.Play(Running(0).SucceedWith(&clouddesktop.DesktopImage{StorageSize: 1 << 60, CreatedAt: timestamppb.New(time.Unix(1, 0))}))
	op, err := copyFromDesktop(t.Context(), s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "d"})
	if err != nil {
		t.Fatal(err)
	}
	var answered clouddesktop.DesktopImage
	if err := op.GetResponse().UnmarshalTo(&answered); err != nil {
		t.Fatal(err)
	}
	if answered.GetStorageSize() != 1<<60 || answered.GetCreatedAt().GetSeconds() != 1 {
		t.Errorf("the response is %v, want the scenario's fields in it", &answered)
	}
	read, err := imagesOf(s).Get(t.Context(), &clouddesktop.GetDesktopImageRequest{ImageId: answered.GetId()})
	if err != nil || !proto.Equal(read, &answered) {
		t.Errorf("Get reads %v (%v), want %v", read, err, &answered)
	}
}

// An image can have been updated although the operation that has made it turns
// out to have failed.
func TestUpdateOfAnImageThatWasTakenBack(t *testing.T) {
	s := New(t)
	s.Play(Running(0).WithFault(quirkFault(optestv1.QuirkFault_CANCEL_OVERWRITES, 0)).Succeed())
	op, err := imagesOf(s).CopyFromDesktop(t.Context(), desktop("d"))
	if err != nil {
		t.Fatal(err)
	}
	var m clouddesktop.CopyFromDesktopMetadata
	if err := op.GetMetadata().UnmarshalTo(&m); err != nil {
		t.Fatal(err)
	}
	update, err := imagesOf(s).Update(t.Context(), &clouddesktop.UpdateDesktopImageRequest{ImageId: m.GetImageId(), Name: "new"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := operation.NewOperationServiceClient(s.GRPC()).Cancel(t.Context(), &operation.CancelOperationRequest{OperationId: op.GetId()}); err != nil {
		t.Fatal(err)
	}
	if got, err := getOperation(t.Context(), s, update.GetId()); err != nil || !got.GetDone() {
		t.Errorf("the update is %v, %v, want it done", got, err)
	}
	if got := imageStatus(t, s, m.GetImageId()); got != "gone" {
		t.Errorf("the image is %s, want it gone", got)
	}
}
