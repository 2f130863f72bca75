package mockserver

import (
	"cmp"
	"fmt"
	"sync"
	"time"

	"connectrpc.com/connect/v2"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/optest-dev/optest/mockserver/engine"
)

// images keeps desktop images: the resources of DesktopImageService.
type images struct {
	newID func(prefix string) string

	mu       sync.RWMutex
	byID     map[string]*image
	byFolder map[string][]*image // in the order of creation
	slab     slab[image]
	last     string // id of the latest
}

func newImages(s *store) *images {
	return &images{newID: s.newID, byID: map[string]*image{}, byFolder: map[string][]*image{}}
}

func (im *images) begin(op *longRunning, request proto.Message, now time.Time, named bool) (string, error) {
	im.mu.Lock()
	defer im.mu.Unlock()
	switch req := request.(type) {
	case *clouddesktop.CopyFromDesktopRequest:
		return im.add(op, req.GetFolderId(), req.GetDesktopId()), nil
	case *clouddesktop.CopyDesktopImageRequest:
		// The name of a scenario stands for an image that nobody had to make.
		if !named {
			if _, err := im.active(req.GetImageId(), now); err != nil {
				return "", err
			}
		}
		return im.add(op, req.GetFolderId(), req.GetImageId()), nil
	case *clouddesktop.UpdateDesktopImageRequest:
		if err := checkMask(req); err != nil {
			return "", err
		}
		return im.change(op, req.GetImageId(), now)
	case *clouddesktop.DeleteDesktopImageRequest:
		return im.change(op, req.GetImageId(), now)
	}
	return "", connect.Errorf(connect.CodeUnimplemented, "optest: desktop images have no %s", op.method.name())
}

func (im *images) add(op *longRunning, folder, source string) string {
	id := im.newImageID(op, source)
	im.keep(op, id, folder)
	return id
}

func (im *images) keep(op *longRunning, id, folder string) {
	img := im.slab.take()
	*img = image{folder: cmp.Or(folder, defaultFolder), create: op}
	im.byID[id] = img
	im.byFolder[img.folder] = append(im.byFolder[img.folder], img)
}

func (im *images) change(op *longRunning, id string, now time.Time) (string, error) {
	img, err := im.active(id, now)
	if err != nil {
		return "", err
	}
	img.changes = append(img.changes, op)
	return id, nil
}

// active returns the image if there is one and nothing is under way on it.
func (im *images) active(id string, now time.Time) (*image, error) {
	img, ok := im.byID[id]
	if !ok {
		return nil, notFound("DesktopImage", id)
	}
	view := img.view(now)
	if view == nil {
		return nil, notFound("DesktopImage", id)
	}
	if view.GetStatus() != clouddesktop.DesktopImage_ACTIVE {
		return nil, failed(connect.CodeFailedPrecondition,
			fmt.Sprintf("DesktopImage %q is %s, want ACTIVE", id, view.GetStatus()))
	}
	return img, nil
}

// complete makes the response of an operation on an image: the image as it was
// when the operation was done.
func (im *images) complete(op *longRunning, st engine.State, response protoreflect.Message) {
	m, ok := response.Interface().(*clouddesktop.DesktopImage)
	if !ok {
		return // Delete answers with Empty
	}
	if op.method.creates {
		finish(m)
		return
	}
	im.mu.RLock()
	defer im.mu.RUnlock()
	proto.Reset(m)
	if img, ok := im.byID[op.target]; ok {
		proto.Merge(m, img.updated(time.Unix(0, op.created+int64(st.Modified))))
	}
}

// restore puts the images of operations that have begun, the oldest first, in the
// place of those that there are.
func (im *images) restore(operations []*longRunning) {
	im.mu.Lock()
	defer im.mu.Unlock()
	clear(im.byID)
	clear(im.byFolder)
	for _, op := range operations {
		if op.resources != resources(im) {
			continue
		}
		switch req := op.request().(type) {
		case *clouddesktop.CopyFromDesktopRequest:
			im.keep(op, op.target, req.GetFolderId())
		case *clouddesktop.CopyDesktopImageRequest:
			im.keep(op, op.target, req.GetFolderId())
		default:
			// The copy that has made the image may have been forgotten.
			if img, ok := im.byID[op.target]; ok {
				img.changes = append(img.changes, op)
			}
		}
	}
}

// get returns the image as it is now, or nil.
func (im *images) get(id string, now time.Time) *clouddesktop.DesktopImage {
	im.mu.RLock()
	defer im.mu.RUnlock()
	if img, ok := im.byID[id]; ok && !img.hidden(now) {
		return img.view(now)
	}
	return nil
}
