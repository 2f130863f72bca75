package rules

import (
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
)

// walk is one reading of all pages of a folder's list.
type walk struct {
	folder string
	// first and last are the calls for the first and the last page.
	first, last *Seen
	pages       int
	images      []*clouddesktop.DesktopImage
}

// walks puts pages together.
type walks struct {
	open  map[pageKey]*walk // by what asks for their next page
	order []pageKey         // of the keys, with some that are no longer there
}

type pageKey struct{ folder, filter, order, reader, token string }

// Bounds of walks. Longer ones are not judged.
const (
	maxWalks  = 64
	maxWalked = 1 << 14 // images
)

// page takes a call of List, and returns the walk that it ends, if any.
func (w *walks) page(s *Seen) *walk {
	request, ok := s.Request.(*clouddesktop.ListDesktopImagesRequest)
	response, also := s.Response.(*clouddesktop.ListDesktopImagesResponse)
	if !ok || !also {
		return nil
	}
	key := pageKey{request.GetFolderId(), request.GetFilter(), request.GetOrderBy(), s.Reader(), request.GetPageToken()}
	one := &walk{folder: request.GetFolderId(), first: s}
	if key.token != "" {
		if one = w.open[key]; one == nil || one.last.Returned >= s.Called {
			return nil
		}
		delete(w.open, key)
	}
	one.last = s
	one.pages++
	one.images = append(one.images, response.GetDesktopImages()...)
	if len(one.images) > maxWalked || request.GetFilter() != "" {
		return nil
	}
	if key.token = response.GetNextPageToken(); key.token == "" {
		return one
	}
	if w.open == nil {
		w.open = map[pageKey]*walk{}
	}
	w.open[key] = one
	w.order = append(w.order, key)
	for len(w.order) > maxWalks {
		if w.open[w.order[0]] != one {
			delete(w.open, w.order[0])
		}
		w.order = w.order[1:]
	}
	return nil
}

// times are how often the image is listed.
func (w *walk) times(id string) int {
	n := 0
	for _, image := range w.images {
		if image.GetId() == id {
			n++
		}
	}
	return n
}

// writes are calls that may change which images there are, for as long as they may
// do so: a walk of several pages misses an image, or sees one twice, when the
// pages shift under it.
type writes struct {
	calls []*Seen
	blind bool
}

// maxWrites bounds them. Where there are more, no walk is held to be undisturbed.
const maxWrites = 1 << 12

func (w *writes) note(s *Seen) {
	if !s.Starts() || turnedAway(s) {
		return
	}
	if len(w.calls) >= maxWrites {
		kept := w.calls[:0]
		for _, c := range w.calls {
			if over := c.Op != nil && c.Op.Done != nil && s.Called-c.Op.Done.Returned > 2*longestCall; !over {
				kept = append(kept, c)
			}
		}
		clear(w.calls[len(kept):])
		if w.calls = kept; len(kept) >= maxWrites {
			w.blind = true
			return
		}
	}
	w.calls = append(w.calls, s)
}

// during reports whether a write may have been under way in the span.
func (w *writes) during(from, until time.Duration) bool {
	for _, c := range w.calls {
		if c.Called < until && (c.Op == nil || c.Op.Done == nil || c.Op.Done.Returned > from) {
			return true
		}
	}
	return w.blind
}
