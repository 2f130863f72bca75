package exampleserver

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

func (s *Server) image(id string) (*clouddesktop.DesktopImage, error) {
	m, ok := s.images[id]
	if !ok {
		return nil, status.Errorf(codes.NotFound, "image %q does not exist", id)
	}
	return m, nil
}

// Get reads an image.
func (s imageService) Get(ctx context.Context, r *clouddesktop.GetDesktopImageRequest) (*clouddesktop.DesktopImage, error) {
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
	return proto.CloneOf(m), nil
}

// List reads the images of a folder by their ids.
func (s imageService) List(ctx context.Context, r *clouddesktop.ListDesktopImagesRequest) (*clouddesktop.ListDesktopImagesResponse, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	var c check
	c.required("folder_id", r.FolderId)
	c.text("folder_id", r.FolderId, 50)
	if err := c.err(); err != nil {
		return nil, err
	}
	var list []*clouddesktop.DesktopImage
	for _, m := range s.images {
		if m.FolderId == r.FolderId && m.Id > r.PageToken {
			list = append(list, proto.CloneOf(m))
		}
	}
	slices.SortFunc(list, func(a, b *clouddesktop.DesktopImage) int { return cmp.Compare(a.Id, b.Id) })
	resp := &clouddesktop.ListDesktopImagesResponse{DesktopImages: list}
	if size := int(min(max(r.PageSize, 0), 1000)); size > 0 && len(list) > size {
		resp.DesktopImages, resp.NextPageToken = list[:size], list[size-1].Id
	}
	return resp, nil
}

func (s *Server) job(id string) (*job, error) {
	var c check
	c.required("operation_id", id)
	if err := c.err(); err != nil {
		return nil, err
	}
	j, ok := s.jobs[id]
	if !ok {
		return nil, status.Errorf(codes.NotFound, "operation %s does not exist", strconv.QuoteToASCII(id))
	}
	return j, nil
}

// Get reads an operation.
func (s operationService) Get(ctx context.Context, r *operation.GetOperationRequest) (*operation.Operation, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	j, err := s.job(r.OperationId)
	if err != nil {
		return nil, err
	}
	return proto.CloneOf(j.Operation), nil
}

// Cancel ends an operation. What is failing already, and what is
// done, goes on as it is.
func (s operationService) Cancel(ctx context.Context, r *operation.CancelOperationRequest) (*operation.Operation, error) {
	leave, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	j, err := s.job(r.OperationId)
	if err != nil {
		return nil, err
	}
	if !j.Done && j.GetError() == nil {
		s.fail(j, status.New(codes.Canceled, "the operation was cancelled"), s.stamp())
	}
	return proto.CloneOf(j.Operation), nil
}
