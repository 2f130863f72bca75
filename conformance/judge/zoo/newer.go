package zoo

import (
	"context"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/optest-dev/optest/conformance/judge/honest"
)

// newer is a server of a later version of the contract: messages have fields more,
// images have statuses more, and errors have details of a type that nobody else
// knows, in all encodings.
func newer(c *honest.Core) {
	later := laterVersion()
	c.Types = later
	c.Wrap(func(next honest.Handler) honest.Handler {
		return func(ctx context.Context, call *honest.Call) (proto.Message, error) {
			answer, err := next(ctx, call)
			if err != nil {
				return nil, later.explained(err)
			}
			switch m := answer.(type) {
			case *operation.Operation:
				if m.GetError() != nil {
					m.Result = &operation.Operation_Error{Error: status.Convert(later.explained(status.ErrorProto(m.GetError()))).Proto()}
				}
				m.Metadata = later.repacked(m.GetMetadata())
				if response := m.GetResponse(); response != nil {
					m.Result = &operation.Operation_Response{Response: later.repacked(response)}
				}
			}
			return later.of(answer), nil
		}
	})
}

// of is a message as the later version has it, with what is new filled in.
func (v *version2) of(m proto.Message) proto.Message {
	kind, err := v.FindMessageByName(m.ProtoReflect().Descriptor().FullName())
	if err != nil {
		return m
	}
	later, ok := kind.New().Interface().(*dynamicpb.Message)
	if !ok {
		return m // of a type that has not changed
	}
	raw, err := proto.Marshal(m)
	if err != nil || proto.Unmarshal(raw, later) != nil {
		return m
	}
	fill(later)
	return later
}

// fill sets what is new in a message, and in images within.
func fill(m protoreflect.Message) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		switch {
		case f.Name() == "desktop_images":
			list := m.Get(f).List()
			for n := range list.Len() {
				fill(list.Get(n).Message())
			}
		case f.Name() == "status" && f.Enum() != nil:
			if n := laterStatus(m); n != 0 {
				m.Set(f, protoreflect.ValueOfEnum(n))
			}
		case isNew(f) && f.IsList():
			m.Mutable(f).List().Append(protoreflect.ValueOfString("of a later version"))
		case isNew(f) && f.Kind() == protoreflect.StringKind:
			m.Set(f, protoreflect.ValueOfString("of a later version"))
		case isNew(f) && f.Kind() == protoreflect.Int64Kind:
			m.Set(f, protoreflect.ValueOfInt64(1<<60))
		}
	}
}

// Statuses that only the later version has.
const (
	verifying = 4 // an image that has been made for a while
	archived  = 5 // an image that nobody has used for a while
)

// laterStatus is the status of an image where it is one that only the later
// version has, 0 elsewhere.
func laterStatus(m protoreflect.Message) protoreflect.EnumNumber {
	one := new(clouddesktop.DesktopImage)
	raw, err := proto.Marshal(m.Interface())
	if err != nil || proto.Unmarshal(raw, one) != nil {
		return 0
	}
	age := time.Since(one.GetCreatedAt().AsTime())
	switch {
	case one.GetStatus() == clouddesktop.DesktopImage_CREATING && age > 20*time.Second:
		return verifying
	case one.GetStatus() == clouddesktop.DesktopImage_ACTIVE && age > 30*time.Minute:
		return archived
	}
	return 0
}

// repacked is what an Any holds as the later version has it. What was packed when
// an operation ended stays as it was then.
func (v *version2) repacked(m *anypb.Any) *anypb.Any {
	content, err := m.UnmarshalNew()
	if err != nil {
		return m
	}
	if one, ok := content.(*clouddesktop.DesktopImage); ok && one.GetStatus() == clouddesktop.DesktopImage_ACTIVE {
		later := v.of(one)
		back := later.ProtoReflect()
		back.Set(back.Descriptor().Fields().ByName("status"), protoreflect.ValueOfEnum(protoreflect.EnumNumber(one.GetStatus())))
		return honest.Packed(later)
	}
	return honest.Packed(v.of(content))
}

// explained is an error with a detail more.
func (v *version2) explained(err error) error {
	st := status.Convert(err).Proto()
	kind, found := v.FindMessageByName(laterDetail)
	if found != nil {
		return err
	}
	detail := kind.New()
	detail.Set(detail.Descriptor().Fields().ByName("advice"), protoreflect.ValueOfString("Ask for more"))
	st.Details = append(st.GetDetails(), honest.Packed(detail.Interface()))
	return status.ErrorProto(st)
}
