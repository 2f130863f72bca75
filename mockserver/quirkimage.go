package mockserver

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"

	"github.com/optest-dev/optest/mockserver/engine"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// newImageID is the id of the image that op makes from something else.
func (im *images) newImageID(op *longRunning, source string) string {
	id := im.newID("img")
	switch {
	case op.marks&idReused != 0 && im.last != "":
		id = im.last
	case op.marks&idIsSource != 0 && source != "":
		id = source
	}
	im.last = id
	return id
}

// leaves reports whether a quirk keeps the resource of a failed operation.
func (op *longRunning) leaves(st engine.State) bool {
	if strings.HasSuffix(st.Step, "@cancel") {
		return op.marks&leftByCancel != 0
	}
	return op.marks&leftByFailure != 0
}

// hidden reports whether a quirk keeps the image from readers.
func (img *image) hidden(now time.Time) bool {
	return img.create.marks&hiddenUntilDone != 0 && !img.create.state(now).Phase.Done()
}

// misfile lists images as quirks ask for.
func (c *call) misfile(req *clouddesktop.ListDesktopImagesRequest, page *clouddesktop.ListDesktopImagesResponse) {
	if !c.quirky(nil) {
		return
	}
	if page.GetNextPageToken() == "" && c.quirk(optestv1.QuirkFault_IMAGE_LISTED_ELSEWHERE, nil) {
		page.DesktopImages = append(page.DesktopImages, c.session.images.elsewhere(req.GetFolderId(), c.now)...)
	}
	if c.quirk(optestv1.QuirkFault_IMAGE_LISTED_TWICE, nil) {
		page.DesktopImages = append(page.DesktopImages, page.DesktopImages...)
	}
}

// elsewhere are the images of all other folders.
func (im *images) elsewhere(folder string, now time.Time) []*clouddesktop.DesktopImage {
	im.mu.RLock()
	defer im.mu.RUnlock()
	var list []*clouddesktop.DesktopImage
	for _, other := range slices.Sorted(maps.Keys(im.byFolder)) {
		if other == folder {
			continue
		}
		for _, img := range im.byFolder[other] {
			if view := img.view(now); view != nil {
				list = append(list, view)
			}
		}
	}
	return list
}
