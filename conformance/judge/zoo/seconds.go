package zoo

import (
	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/optest-dev/optest/conformance/judge/honest"
)

// seconds keeps no fractions of a second, so that changes within one have the
// same time.
func seconds(c *honest.Core) {
	whole := func(t *timestamppb.Timestamp) { t.Nanos = 0 }
	c.EditOperations(func(op *operation.Operation) {
		whole(op.GetCreatedAt())
		whole(op.GetModifiedAt())
	})
	c.Edit(func(_ *honest.Call, answer proto.Message) {
		honest.EditImages(answer, func(m *clouddesktop.DesktopImage) { whole(m.GetCreatedAt()) })
	})
}
