package honest

import (
	"context"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/proto"
)

// Wrap puts a handler around all there is so far.
func (c *Core) Wrap(around func(next Handler) Handler) { c.Answer = around(c.Answer) }

// Edit has answers changed.
func (c *Core) Edit(edit func(call *Call, answer proto.Message)) {
	c.Wrap(func(next Handler) Handler {
		return func(ctx context.Context, call *Call) (proto.Message, error) {
			answer, err := next(ctx, call)
			if err == nil {
				edit(call, answer)
			}
			return answer, err
		}
	})
}

// EditOperations has operations changed in whatever answer.
func (c *Core) EditOperations(edit func(*operation.Operation)) {
	c.Edit(func(_ *Call, answer proto.Message) {
		if op, ok := answer.(*operation.Operation); ok {
			edit(op)
		}
	})
}

// EditImages changes all images that an answer holds.
func EditImages(answer proto.Message, edit func(*clouddesktop.DesktopImage)) {
	switch m := answer.(type) {
	case *clouddesktop.DesktopImage:
		edit(m)
	case *clouddesktop.ListDesktopImagesResponse:
		for _, one := range m.GetDesktopImages() {
			edit(one)
		}
	case *operation.Operation:
		one := new(clouddesktop.DesktopImage)
		if response := m.GetResponse(); response != nil && response.MessageIs(one) && response.UnmarshalTo(one) == nil {
			edit(one)
			m.Result = &operation.Operation_Response{Response: Packed(one)}
		}
	}
}
