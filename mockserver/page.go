package mockserver

import (
	"cmp"
	"encoding/base64"
	"strings"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
)

const defaultPageSize = 100

// list returns a page of the folder's images in the order of creation. A token
// names the last image of the page before, so that images that come or go
// between two pages are neither skipped nor listed twice.
func (im *images) list(req *clouddesktop.ListDesktopImagesRequest, now time.Time) (*clouddesktop.ListDesktopImagesResponse, error) {
	if req.GetFilter() != "" {
		return nil, invalid("filter", "is not supported by the mock, want none")
	}
	if req.GetOrderBy() != "" {
		return nil, invalid("order_by", "is not supported by the mock, want none")
	}
	size := int(cmp.Or(req.GetPageSize(), defaultPageSize))
	im.mu.RLock()
	defer im.mu.RUnlock()
	rest := im.byFolder[req.GetFolderId()]
	if token := req.GetPageToken(); token != "" {
		after, err := base64.RawURLEncoding.DecodeString(token)
		last, ok := im.byID[strings.TrimPrefix(string(after), "after:")]
		if err != nil || !ok || last.folder != req.GetFolderId() {
			return nil, invalid("page_token", "got %s, want the next_page_token of a page of the same folder", quoted(token))
		}
		for i, img := range rest {
			if img == last {
				rest = rest[i+1:]
				break
			}
		}
	}
	page := &clouddesktop.ListDesktopImagesResponse{}
	for _, img := range rest {
		view := img.view(now)
		if view == nil || img.hidden(now) {
			continue
		}
		if len(page.DesktopImages) == size {
			last := page.DesktopImages[size-1].GetId()
			page.NextPageToken = base64.RawURLEncoding.EncodeToString([]byte("after:" + last))
			break
		}
		page.DesktopImages = append(page.DesktopImages, view)
	}
	return page, nil
}
