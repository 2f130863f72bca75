package honest

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

const (
	home  = "b1ghonest0home000000" // of images whose request names no folder
	sizes = 9_007_199_254_740_993  // bytes, more than a double counts one by one
)

// image is a resource.
type image struct {
	id                                 string
	course[*clouddesktop.DesktopImage]           // states are not to be changed
	busy                               time.Time // until then no operation on it may start
}

// Image is an image as it is now, or as it was before it was gone; nil if there
// never was one. It is not to be changed.
func (c *Core) Image(id string) *clouddesktop.DesktopImage {
	c.mu.Lock()
	defer c.mu.Unlock()
	i, ok := c.images[id]
	if !ok {
		return nil
	}
	return i.last(time.Now(), func(m *clouddesktop.DesktopImage) bool { return m == nil })
}

// grow makes an image that is ready when its operation has succeeded, and gone
// when that has failed. It returns the image as it will be then.
func (c *Core) grow(m *clouddesktop.DesktopImage, f Fate) (*image, *clouddesktop.DesktopImage, error) {
	if err := c.Admit(m); err != nil {
		return nil, nil, err
	}
	now := time.Now()
	m.Id, m.Status = c.id("him"), clouddesktop.DesktopImage_CREATING
	m.CreatedAt = timestamppb.New(now.Add(c.Skew(len(c.images))))
	i := &image{id: m.GetId(), busy: now.Add(f.Takes)}
	i.plan(now, m)
	ready := proto.CloneOf(m)
	ready.Status, ready.StorageSize, ready.MinDiskSize = clouddesktop.DesktopImage_ACTIVE, sizes, 80<<30
	switch {
	case f.Failure == nil:
		i.plan(i.busy, ready)
	case f.Shows > 0:
		i.remove(now.Add(f.Shows), i.busy)
	default:
		i.remove(i.busy, i.busy)
	}
	c.images[i.id] = i
	return i, ready, nil
}

// Taken reports whether there is an image of that name. It is for Admit.
func (c *Core) Taken(folder, name string) bool {
	for _, i := range c.images {
		if m := i.at(time.Now()); m != nil && m.GetFolderId() == folder && m.GetName() == name {
			return true
		}
	}
	return false
}

// remove has an image go away between two times.
func (i *image) remove(from, until time.Time) {
	if m := i.at(from); m != nil && until.After(from) {
		m = proto.CloneOf(m)
		m.Status = clouddesktop.DesktopImage_DELETING
		i.turn(from, m)
		i.plan(until, nil)
		return
	}
	i.turn(from, nil)
}

func (c *Core) copyFromDesktop(r *clouddesktop.CopyFromDesktopRequest) (*operation.Operation, error) {
	f, ok := c.Fates[r.GetDesktopId()]
	if !ok {
		return nil, notFound("desktop", r.GetDesktopId())
	}
	folder := r.GetFolderId()
	if folder == "" {
		folder = home
	}
	i, ready, err := c.grow(&clouddesktop.DesktopImage{
		FolderId: folder, Name: r.GetName(), Description: r.GetDescription(), Labels: maps.Clone(r.GetLabels()),
	}, f)
	if err != nil {
		return nil, err
	}
	j := c.begin("Copy image from desktop", f, &clouddesktop.CopyFromDesktopMetadata{ImageId: i.id}, ready)
	j.undo = i.remove
	return j.began(), nil
}

// idle is an image that an operation may start on.
func (c *Core) idle(id string) (*image, *clouddesktop.DesktopImage, error) {
	now := time.Now()
	i, ok := c.images[id]
	if !ok || i.at(now) == nil {
		return nil, nil, notFound("image", id)
	}
	m := i.at(now)
	if now.Before(i.busy) {
		return nil, nil, status.Errorf(codes.FailedPrecondition, "Image %q is %v", id, m.GetStatus())
	}
	return i, m, nil
}

func (c *Core) copyImage(r *clouddesktop.CopyDesktopImageRequest) (*operation.Operation, error) {
	if _, _, err := c.idle(r.GetImageId()); err != nil {
		return nil, err
	}
	f := Fate{Takes: c.Copying}
	i, ready, err := c.grow(&clouddesktop.DesktopImage{
		FolderId: r.GetFolderId(), Name: r.GetName(), Description: r.GetDescription(), Labels: maps.Clone(r.GetLabels()),
	}, f)
	if err != nil {
		return nil, err
	}
	j := c.begin("Copy image", f, &clouddesktop.CopyDesktopImageMetadata{ImageId: i.id}, ready)
	j.undo = i.remove
	return j.began(), nil
}

func (c *Core) updateImage(r *clouddesktop.UpdateDesktopImageRequest) (*operation.Operation, error) {
	i, m, err := c.idle(r.GetImageId())
	if err != nil {
		return nil, err
	}
	m = proto.CloneOf(m)
	paths := r.GetUpdateMask().GetPaths()
	if len(paths) == 0 {
		paths = []string{"name", "labels", "description"}
	}
	for _, path := range paths {
		switch path {
		case "name":
			m.Name = r.GetName()
		case "labels":
			m.Labels = maps.Clone(r.GetLabels())
		case "description":
			m.Description = r.GetDescription()
		}
	}
	now := time.Now()
	i.turn(now, m)
	j := c.begin("Update image", Fate{}, &clouddesktop.UpdateDesktopImageMetadata{ImageId: i.id}, m)
	return j.began(), nil
}

func (c *Core) deleteImage(r *clouddesktop.DeleteDesktopImageRequest) (*operation.Operation, error) {
	i, m, err := c.idle(r.GetImageId())
	if err != nil {
		return nil, err
	}
	now := time.Now()
	i.busy = now.Add(c.Deleting)
	i.remove(now, i.busy)
	j := c.begin("Delete image", Fate{Takes: c.Deleting}, &clouddesktop.DeleteDesktopImageMetadata{ImageId: i.id}, &emptypb.Empty{})
	j.undo = func(_, until time.Time) {
		i.busy = until
		i.turn(until, m)
	}
	return j.began(), nil
}

func (c *Core) getImage(r *clouddesktop.GetDesktopImageRequest, at time.Time) (*clouddesktop.DesktopImage, error) {
	if i, ok := c.images[r.GetImageId()]; ok {
		if m := i.at(at); m != nil {
			return proto.CloneOf(m), nil
		}
	}
	return nil, notFound("image", r.GetImageId())
}

func (c *Core) listImages(r *clouddesktop.ListDesktopImagesRequest, at time.Time) *clouddesktop.ListDesktopImagesResponse {
	var list []*clouddesktop.DesktopImage
	for _, i := range c.images {
		if m := i.at(at); m != nil && m.GetFolderId() == r.GetFolderId() && i.id > r.GetPageToken() {
			list = append(list, proto.CloneOf(m))
		}
	}
	slices.SortFunc(list, func(a, b *clouddesktop.DesktopImage) int { return strings.Compare(a.GetId(), b.GetId()) })
	resp := &clouddesktop.ListDesktopImagesResponse{DesktopImages: list}
	size := int(r.GetPageSize())
	if size == 0 {
		size = 100
	}
	if len(list) > size {
		resp.DesktopImages, resp.NextPageToken = list[:size], list[size-1].GetId()
	}
	return resp
}
