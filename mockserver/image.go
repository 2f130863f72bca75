package mockserver

import (
	"cmp"
	"slices"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"

	"github.com/optest-dev/optest/mockserver/engine"
)

// What an image has that its request does not say.
const (
	defaultFolder = "b1goptestdefault0000" // where the request names no folder
	storageSize   = 15 << 30               // bytes
	minDiskSize   = 20 << 30               // bytes
)

// image is no more than the operations that were started on it: what it looks
// like follows from their states.
type image struct {
	folder  string
	create  *longRunning
	changes []*longRunning // Update and Delete, in the order of their start
}

// finish fills what the request of a new image leaves open.
func finish(m *clouddesktop.DesktopImage) {
	m.FolderId = cmp.Or(m.GetFolderId(), defaultFolder)
	m.StorageSize, m.MinDiskSize = storageSize, minDiskSize
	m.Status = clouddesktop.DesktopImage_ACTIVE
}

// view is the image at the given time. There is none after a copy that failed,
// once the service has returned to the state before it ("deletes the resources
// created during the operation"), nor after a Delete that succeeded.
func (img *image) view(now time.Time) *clouddesktop.DesktopImage {
	m := img.made(now)
	if m.GetStatus() != clouddesktop.DesktopImage_ACTIVE {
		return m
	}
	for _, op := range img.changes {
		if _, ok := op.request().(*clouddesktop.DeleteDesktopImageRequest); !ok {
			continue
		}
		switch op.state(now).Phase {
		case engine.Succeeded:
			return nil
		case engine.Running:
			m.Status = clouddesktop.DesktopImage_DELETING
		}
	}
	return img.update(m, now)
}

// updated is the image with all its updates, deleted since or not.
func (img *image) updated(now time.Time) *clouddesktop.DesktopImage {
	return img.update(img.made(now), now)
}

// made is the image as its copy made it, nil where it failed.
func (img *image) made(now time.Time) *clouddesktop.DesktopImage {
	st := img.create.state(now)
	if st.Phase == engine.Failed && !img.create.leaves(st) {
		return nil
	}
	m := &clouddesktop.DesktopImage{}
	img.create.fill(m.ProtoReflect())
	finish(m)
	switch st.Phase {
	case engine.Running:
		m.Status = clouddesktop.DesktopImage_CREATING
	case engine.Failing:
		m.Status = clouddesktop.DesktopImage_DELETING
	case engine.Succeeded:
		// What does not fit the type makes the operation's response an error;
		// the image goes without.
		_ = override(m.ProtoReflect(), st.Response)
	}
	return m
}

// update applies the updates that have come into effect, in the order in which
// they did. It leaves nil alone: a quirk may have had a copy fail after it had
// succeeded, and been updated.
func (img *image) update(m *clouddesktop.DesktopImage, now time.Time) *clouddesktop.DesktopImage {
	if m == nil {
		return nil
	}
	type effect struct {
		request *clouddesktop.UpdateDesktopImageRequest
		at      int64
	}
	var effects []effect
	for _, op := range img.changes {
		request, ok := op.request().(*clouddesktop.UpdateDesktopImageRequest)
		if st := op.state(now); ok && st.Phase == engine.Succeeded {
			effects = append(effects, effect{request, op.created + int64(st.Modified)})
		}
	}
	slices.SortStableFunc(effects, func(a, b effect) int { return cmp.Compare(a.at, b.at) })
	for _, e := range effects {
		apply(m, e.request)
	}
	return m
}
