package holdout

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/optest-dev/optest/conformance/judge/honest"
)

func imagesComeLate(c *honest.Core) {
	const late = 30 * time.Second
	takes := c.Fates[honest.Works].Takes
	c.Wrap(func(next honest.Handler) honest.Handler {
		return func(ctx context.Context, call *honest.Call) (proto.Message, error) {
			answer, err := next(ctx, call)
			m, ok := answer.(*clouddesktop.DesktopImage)
			if !ok || err != nil {
				return answer, err
			}
			if age := time.Since(m.GetCreatedAt().AsTime()); age >= takes && age < takes+late {
				return nil, status.Errorf(codes.NotFound, "There is no image %q", m.GetId())
			}
			return answer, err
		}
	})
}

func keysByConnection(c *honest.Core) {
	keyOf := c.KeyOf
	c.KeyOf = func(call *honest.Call) (string, error) {
		key, err := keyOf(call)
		if key != "" {
			key += fmt.Sprint(" of ", call.Conn)
		}
		return key, err
	}
}

func idsStartAgain(c *honest.Core) {
	newID := c.NewID
	c.NewID = func(kind string, n int) string {
		const restart = 40
		if kind == "him" {
			n %= restart
		}
		return newID(kind, n)
	}
}

func omitsEmptyLabels(c *honest.Core) {
	c.Admit = func(m *clouddesktop.DesktopImage) error {
		maps.DeleteFunc(m.GetLabels(), func(_, value string) bool { return value == "" })
		return nil
	}
}

// listsFailures keeps images in the list whose operations have failed.
func listsFailures(c *honest.Core) {
	var mu sync.Mutex
	var failed []string
	c.Edit(func(call *honest.Call, answer proto.Message) {
		mu.Lock()
		defer mu.Unlock()
		switch m := answer.(type) {
		case *operation.Operation:
			if r, ok := call.Request.(*clouddesktop.CopyFromDesktopRequest); ok && r.GetDesktopId() == honest.Breaks {
				meta := new(clouddesktop.CopyFromDesktopMetadata)
				if m.GetMetadata().UnmarshalTo(meta) == nil {
					failed = append(failed, meta.GetImageId())
				}
			}
		case *clouddesktop.ListDesktopImagesResponse:
			there := map[string]bool{}
			for _, one := range m.GetDesktopImages() {
				there[one.GetId()] = true
			}
			folder := call.Request.(*clouddesktop.ListDesktopImagesRequest).GetFolderId()
			for _, id := range failed {
				if one := c.Image(id); !there[id] && one.GetFolderId() == folder && m.GetNextPageToken() == "" {
					m.DesktopImages = append(m.DesktopImages, proto.CloneOf(one))
				}
			}
		}
	})
}

func pagesOverlap(c *honest.Core) {
	c.Edit(func(call *honest.Call, answer proto.Message) {
		r, ok := call.Request.(*clouddesktop.ListDesktopImagesRequest)
		if !ok || r.GetPageToken() == "" {
			return
		}
		if last := c.Image(r.GetPageToken()); last != nil {
			m := answer.(*clouddesktop.ListDesktopImagesResponse)
			m.DesktopImages = append([]*clouddesktop.DesktopImage{proto.CloneOf(last)}, m.GetDesktopImages()...)
		}
	})
}
