package constraint

import (
	"strings"
	"testing"

	"github.com/yandex-cloud/go-genproto/yandex/cloud"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/runtime/protoimpl"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	_ "google.golang.org/protobuf/types/known/durationpb"
	_ "google.golang.org/protobuf/types/known/fieldmaskpb"
	_ "google.golang.org/protobuf/types/known/structpb"
	_ "google.golang.org/protobuf/types/known/timestamppb"
	_ "google.golang.org/protobuf/types/known/wrapperspb"
)

// A schema is a proto3 file made in a test, written in the words of a descriptor.
type (
	fieldPB   = descriptorpb.FieldDescriptorProto
	messagePB = descriptorpb.DescriptorProto
	keySpec   = cloud.MapKeySpec
	option    func(*fieldPB)
)

func with[T any](x *protoimpl.ExtensionInfo, value T) option {
	return func(f *fieldPB) {
		if f.Options == nil {
			f.Options = &descriptorpb.FieldOptions{}
		}
		proto.SetExtension(f.Options, x, value)
	}
}

func required() option               { return with(cloud.E_Required, true) }
func unique() option                 { return with(cloud.E_Unique, true) }
func length(s string) option         { return with(cloud.E_Length, s) }
func size(s string) option           { return with(cloud.E_Size, s) }
func value(s string) option          { return with(cloud.E_Value, s) }
func matching(s string) option       { return with(cloud.E_Pattern, s) }
func inBytes(s string) option        { return with(cloud.E_Bytes, s) }
func key(k *cloud.MapKeySpec) option { return with(cloud.E_MapKey, k) }
func repeated() option {
	return func(f *fieldPB) { f.Label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum() }
}
func inOneof(i int32) option  { return func(f *fieldPB) { f.OneofIndex = &i } }
func numbered(n int32) option { return func(f *fieldPB) { f.Number = &n } }

func mapKey(set func(*keySpec)) option {
	k := &keySpec{}
	set(k)
	return key(k)
}

// one makes a field of a scalar type ("string", "int64") or, from a name with a
// dot, of a message; an enum has a leading "enum ".
func one(typ, name string, options ...option) *fieldPB {
	f := &fieldPB{Name: proto.String(name), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum()}
	enum, isEnum := strings.CutPrefix(typ, "enum ")
	switch {
	case isEnum:
		f.Type, f.TypeName = descriptorpb.FieldDescriptorProto_TYPE_ENUM.Enum(), &enum
	case strings.Contains(typ, "."):
		f.Type, f.TypeName = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum(), &typ
	default:
		f.Type = descriptorpb.FieldDescriptorProto_Type(descriptorpb.FieldDescriptorProto_Type_value["TYPE_"+strings.ToUpper(typ)]).Enum()
	}
	for _, o := range options {
		o(f)
	}
	return f
}

func many(typ, name string, options ...option) *fieldPB {
	return one(typ, name, append(options, repeated())...)
}

// message numbers its fields from 1 unless they have a number.
func message(name string, fields ...*fieldPB) *messagePB {
	m := &messagePB{Name: &name}
	for i, f := range fields {
		if f.Number == nil {
			f.Number = proto.Int32(int32(i + 1))
		}
	}
	m.Field = fields
	return m
}

// withMap appends a map field to m.
func withMap(m *messagePB, keyType, valueType, name string, options ...option) *messagePB {
	entry := message(entryName(name), one(keyType, "key"), one(valueType, "value"))
	entry.Options = &descriptorpb.MessageOptions{MapEntry: proto.Bool(true)}
	m.NestedType = append(m.NestedType, entry)
	f := many(".t."+m.GetName()+"."+entry.GetName(), name, options...)
	f.Number = proto.Int32(int32(len(m.Field) + 1))
	m.Field = append(m.Field, f)
	return m
}

// entryName is what protodesc wants the type of a map's entry to be called.
func entryName(field string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(field, "_") {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String() + "Entry"
}

func withOneof(m *messagePB, name string, exactlyOne ...string) *messagePB {
	o := &descriptorpb.OneofDescriptorProto{Name: &name}
	if len(exactlyOne) > 0 {
		o.Options = &descriptorpb.OneofOptions{}
		proto.SetExtension(o.Options, cloud.E_ExactlyOne, true)
	}
	m.OneofDecl = append(m.OneofDecl, o)
	return m
}

// schema links the messages into package t and returns the first.
func schema(t testing.TB, messages ...*messagePB) protoreflect.MessageDescriptor {
	t.Helper()
	file, err := protodesc.NewFile(schemaFile(messages...), protoregistry.GlobalFiles)
	if err != nil {
		t.Fatal(err)
	}
	return file.Messages().Get(0)
}

func schemaFile(messages ...*messagePB) *descriptorpb.FileDescriptorProto {
	return &descriptorpb.FileDescriptorProto{
		Name:    proto.String("t.proto"),
		Package: proto.String("t"),
		Syntax:  proto.String("proto3"),
		Dependency: []string{
			"google/protobuf/duration.proto", "google/protobuf/field_mask.proto", "google/protobuf/struct.proto",
			"google/protobuf/timestamp.proto", "google/protobuf/wrappers.proto",
		},
		MessageType: messages,
		EnumType: []*descriptorpb.EnumDescriptorProto{{
			Name: proto.String("Action"),
			Value: []*descriptorpb.EnumValueDescriptorProto{
				{Name: proto.String("ACTION_UNSPECIFIED"), Number: proto.Int32(0)},
				{Name: proto.String("ADD"), Number: proto.Int32(1)},
			},
		}},
	}
}

// parse makes a message of md from its text form.
func parse(t testing.TB, md protoreflect.MessageDescriptor, text string) proto.Message {
	t.Helper()
	m := dynamicpb.NewMessage(md)
	if err := prototext.Unmarshal([]byte(text), m); err != nil {
		t.Fatalf("text %q: %v", text, err)
	}
	return m
}

// found gives violations as "field: description".
func found(m proto.Message) []string {
	var lines []string
	for _, v := range Check(m) {
		lines = append(lines, v.GetField()+": "+v.GetDescription())
	}
	return lines
}
