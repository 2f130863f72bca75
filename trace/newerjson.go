package trace

import (
	"bytes"
	"encoding/json"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

// newerEnum is what a value becomes of which only the name is known. No documented
// enum has a negative one.
const newerEnum = -1

// UnmarshalJSON reads ProtoJSON as leniently as binary decoders read what a newer
// server writes: fields that the type does not have are left out, a name that its
// enum does not have becomes -1, and of an Any whose type is not linked in the type
// is kept and the content is not. Package protojson alone reads such a name as
// the enum's zero, and refuses such an Any together with all that is around it.
func UnmarshalJSON(data []byte, m proto.Message) error {
	return unmarshalJSON(data, m, protoregistry.GlobalTypes)
}

func unmarshalJSON(data []byte, m proto.Message, types *protoregistry.Types) error {
	if (protojson.UnmarshalOptions{Resolver: types}).Unmarshal(data, m) == nil {
		return nil
	}
	lenient := protojson.UnmarshalOptions{Resolver: knowsAll{types}, DiscardUnknown: true}
	if err := lenient.Unmarshal(data, m); err != nil {
		return err
	}
	renamed, ok := numbered(data, m.ProtoReflect().Descriptor(), types)
	if !ok {
		return nil
	}
	return lenient.Unmarshal(renamed, m)
}

// knowsAll takes types that are not known for such that have no fields.
type knowsAll struct{ *protoregistry.Types }

// FindMessageByURL implements [protoregistry.MessageTypeResolver].
func (k knowsAll) FindMessageByURL(url string) (protoreflect.MessageType, error) {
	known, err := k.Types.FindMessageByURL(url)
	if err == nil {
		return known, nil
	}
	name := protoreflect.FullName(url[strings.LastIndexByte(url, '/')+1:])
	if !name.IsValid() {
		return nil, err
	}
	d, fault := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: proto.String("newer.proto"), Package: proto.String(string(name.Parent())), Syntax: proto.String("proto3"),
		MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String(string(name.Name()))}},
	}, nil)
	if fault != nil {
		return nil, err
	}
	return dynamicpb.NewMessageType(d.Messages().Get(0)), nil
}

// numbered has names of enum values that are not known as numbers. It reports
// false where there are none. The JSON is of a message with that descriptor.
func numbered(data []byte, d protoreflect.MessageDescriptor, types *protoregistry.Types) (renamed []byte, any bool) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	members := map[string]json.RawMessage{}
	if decoder.Decode(&members) != nil {
		return nil, false
	}
	w := enumWalk{types: types}
	w.members(members, d)
	if !w.found {
		return nil, false
	}
	renamed, err := json.Marshal(members)
	return renamed, err == nil
}

// enumWalk looks for names of enum values.
type enumWalk struct {
	types *protoregistry.Types
	depth int
	found bool
}

// members changes those of a message.
func (w *enumWalk) members(members map[string]json.RawMessage, d protoreflect.MessageDescriptor) {
	const deepest = 100 // of protojson it is 10,000
	if w.depth++; w.depth > deepest {
		return
	}
	defer func() { w.depth-- }()
	if d.FullName() == "google.protobuf.Any" {
		var url string
		if json.Unmarshal(members["@type"], &url) != nil {
			return
		}
		known, err := w.types.FindMessageByURL(url)
		if err != nil {
			return
		}
		d = known.Descriptor()
	}
	for name, value := range members {
		f := d.Fields().ByJSONName(name)
		if f == nil {
			f = d.Fields().ByTextName(name)
		}
		if f == nil {
			continue
		}
		members[name] = w.field(value, f)
	}
}

func (w *enumWalk) field(value json.RawMessage, f protoreflect.FieldDescriptor) json.RawMessage {
	switch {
	case f.IsMap():
		return each(value, func(m map[string]json.RawMessage) {
			for key, one := range m {
				m[key] = w.one(one, f.MapValue())
			}
		})
	case f.IsList():
		return each(value, func(list []json.RawMessage) {
			for i, one := range list {
				list[i] = w.one(one, f)
			}
		})
	}
	return w.one(value, f)
}

// each changes the parts of a value, and leaves one that has none as it is.
func each[P any](value json.RawMessage, change func(P)) json.RawMessage {
	var parts P
	if string(value) == "null" || json.Unmarshal(value, &parts) != nil {
		return value
	}
	change(parts)
	if changed, err := json.Marshal(parts); err == nil {
		return changed
	}
	return value
}

// one changes a single value.
func (w *enumWalk) one(value json.RawMessage, f protoreflect.FieldDescriptor) json.RawMessage {
	switch {
	case f.Message() != nil:
		return each(value, func(members map[string]json.RawMessage) { w.members(members, f.Message()) })
	case f.Enum() != nil:
		var name string
		if json.Unmarshal(value, &name) == nil && string(value) != "null" && f.Enum().Values().ByName(protoreflect.Name(name)) == nil {
			w.found = true
			number, _ := json.Marshal(newerEnum)
			return number
		}
	}
	return value
}
