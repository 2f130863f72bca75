package drive

import (
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// reply is how a call has ended. One that was not made is lost, like one that
// nothing has come back from.
type reply struct {
	*trace.Event
	message proto.Message // nil unless the call ended with OK and the bytes make sense
}

var unsent = &reply{Event: &trace.Event{Outcome: optestv1.Event_INDETERMINATE, Failure: &trace.Failure{Cause: optestv1.Event_Failure_LOCAL_ERROR}}}

func newReply(m protoreflect.MethodDescriptor, e *trace.Event) *reply {
	r := &reply{Event: e}
	if e.Outcome != optestv1.Event_OK || e.Response == nil {
		return r
	}
	kind, err := protoregistry.GlobalTypes.FindMessageByName(m.Output().FullName())
	if err != nil {
		return r
	}
	message := kind.New().Interface()
	switch e.ResponseCodec {
	case optestv1.Event_PROTO:
		err = proto.Unmarshal(e.Response.Bytes(), message)
	case optestv1.Event_JSON:
		err = trace.UnmarshalJSON(e.Response.Bytes(), message)
	default:
		return r
	}
	if err == nil {
		r.message = message
	}
	return r
}

func (r *reply) ok() bool     { return r.Outcome == optestv1.Event_OK }
func (r *reply) failed() bool { return r.Outcome == optestv1.Event_FAILED }

// clear reports whether it is known if the call has taken effect.
func (r *reply) clear() bool {
	return r == unsent || r.ok() || r.failed() && r.Code() != code.Code_UNAVAILABLE
}

// operation is the one in the reply, nil if there is none.
func (r *reply) operation() *operation.Operation {
	m, _ := r.message.(*operation.Operation)
	return m
}

// imageOf is the id in an operation's metadata, empty without one.
func imageOf(op *operation.Operation) string {
	if op.GetMetadata() == nil {
		return ""
	}
	m, err := op.GetMetadata().UnmarshalNew()
	if err != nil {
		return ""
	}
	if named, ok := m.(interface{ GetImageId() string }); ok {
		return named.GetImageId()
	}
	return ""
}
