package zoo

import (
	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/proto"

	"github.com/optest-dev/optest/conformance/judge/honest"
)

// rendersNow has the response of an operation show its image as it is now, and not
// as it was when the operation ended: what has changed since shows, too.
func rendersNow(c *honest.Core) {
	c.EditOperations(func(op *operation.Operation) {
		honest.EditImages(op, func(m *clouddesktop.DesktopImage) {
			if now := c.Image(m.GetId()); now != nil {
				proto.Reset(m)
				proto.Merge(m, now)
			}
		})
	})
}
