package honest

import (
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/anypb"
)

// Types finds the types of what is in an Any.
type Types interface {
	protoregistry.MessageTypeResolver
	protoregistry.ExtensionTypeResolver
}

var linked Types = protoregistry.GlobalTypes

func (c *Core) encodeJSON(m proto.Message) ([]byte, error) {
	return protojson.MarshalOptions{Resolver: c.Types}.Marshal(m)
}

// Packed is an Any that holds a message, nil for one that can't be encoded.
func Packed(m proto.Message) *anypb.Any {
	value, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return nil
	}
	return &anypb.Any{TypeUrl: "type.googleapis.com/" + string(m.ProtoReflect().Descriptor().FullName()), Value: value}
}
