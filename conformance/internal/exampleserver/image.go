package exampleserver

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
)

// grow adds an image that becomes active when the job ends.
func (s *Server) grow(j *job, m *clouddesktop.DesktopImage) string {
	m.Id, m.CreatedAt, m.Status = s.id("img"), j.CreatedAt, clouddesktop.DesktopImage_CREATING
	s.images[m.Id] = m
	j.end = func(j *job) {
		m.Status, m.StorageSize, m.MinDiskSize = clouddesktop.DesktopImage_ACTIVE, 9_007_199_254_740_993, 64<<30
		j.respond(m)
	}
	j.undo = func() { delete(s.images, m.Id) }
	return m.Id
}

func (j *job) respond(m proto.Message) {
	if response, err := packed(m); err == nil {
		j.Result = &operation.Operation_Response{Response: response}
	}
}

// CopyFromDesktop starts an image.
func (s imageService) CopyFromDesktop(ctx context.Context, r *clouddesktop.CopyFromDesktopRequest) (*operation.Operation, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	var c check
	c.required("desktop_id", r.DesktopId)
	c.text("desktop_id", r.DesktopId, 50)
	c.resource(r.FolderId, r.Name, r.Description, r.Labels)
	if err := c.err(); err != nil {
		return nil, err
	}
	f, ok := fates[r.DesktopId]
	if !ok {
		return nil, status.Errorf(codes.NotFound, "desktop %q does not exist", r.DesktopId)
	}
	return s.start(ctx, "Copy an image from a desktop", r, f, func(j *job) proto.Message {
		folder := r.FolderId
		if folder == "" {
			folder = "b1g0000example000000"
		}
		return &clouddesktop.CopyFromDesktopMetadata{ImageId: s.grow(j, &clouddesktop.DesktopImage{
			FolderId: folder, Name: r.Name, Description: r.Description, Labels: maps.Clone(r.Labels),
		})}
	})
}

// Copy copies an image.
func (s imageService) Copy(ctx context.Context, r *clouddesktop.CopyDesktopImageRequest) (*operation.Operation, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	var c check
	c.required("folder_id", r.FolderId)
	c.required("name", r.Name)
	c.required("image_id", r.ImageId)
	c.resource(r.FolderId, r.Name, r.Description, r.Labels)
	if err := c.err(); err != nil {
		return nil, err
	}
	if _, err := s.image(r.ImageId); err != nil {
		return nil, err
	}
	return s.start(ctx, "Copy an image", r, fate{takes: 20 * time.Second}, func(j *job) proto.Message {
		return &clouddesktop.CopyDesktopImageMetadata{ImageId: s.grow(j, &clouddesktop.DesktopImage{
			FolderId: r.FolderId, Name: r.Name, Description: r.Description, Labels: maps.Clone(r.Labels),
		})}
	})
}

// Update changes an image at once.
func (s imageService) Update(ctx context.Context, r *clouddesktop.UpdateDesktopImageRequest) (*operation.Operation, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	var c check
	c.required("image_id", r.ImageId)
	c.resource("", r.Name, r.Description, r.Labels)
	if err := c.err(); err != nil {
		return nil, err
	}
	m, err := s.image(r.ImageId)
	if err != nil {
		return nil, err
	}
	return s.start(ctx, "Update an image", r, fate{}, func(j *job) proto.Message {
		j.end = func(j *job) {
			touched := func(path string) bool {
				return len(r.GetUpdateMask().GetPaths()) == 0 || slices.Contains(r.GetUpdateMask().GetPaths(), path)
			}
			if touched("name") {
				m.Name = r.Name
			}
			if touched("description") {
				m.Description = r.Description
			}
			if touched("labels") {
				m.Labels = maps.Clone(r.Labels)
			}
			j.respond(m)
		}
		return &clouddesktop.UpdateDesktopImageMetadata{ImageId: m.Id}
	})
}

// Delete removes an image that is ready.
func (s imageService) Delete(ctx context.Context, r *clouddesktop.DeleteDesktopImageRequest) (*operation.Operation, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	var c check
	c.required("image_id", r.ImageId)
	if err := c.err(); err != nil {
		return nil, err
	}
	m, err := s.image(r.ImageId)
	if err != nil {
		return nil, err
	}
	if m.Status != clouddesktop.DesktopImage_ACTIVE {
		return nil, status.Errorf(codes.FailedPrecondition, "image %q is %v", m.Id, m.Status)
	}
	return s.start(ctx, "Delete an image", r, fate{takes: 3 * time.Second}, func(j *job) proto.Message {
		m.Status = clouddesktop.DesktopImage_DELETING
		j.undo = func() { m.Status = clouddesktop.DesktopImage_ACTIVE }
		j.end = func(j *job) {
			delete(s.images, m.Id)
			j.respond(&emptypb.Empty{})
		}
		return &clouddesktop.DeleteDesktopImageMetadata{ImageId: m.Id}
	})
}
