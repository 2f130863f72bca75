package drift

import (
	"slices"
	"testing"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

func descriptor(t *testing.T, path string) protoreflect.FileDescriptor {
	t.Helper()
	file, err := protoregistry.GlobalFiles.FindFileByPath(path)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func edited(t *testing.T, file protoreflect.FileDescriptor, edit func(*descriptorpb.FileDescriptorProto)) protoreflect.FileDescriptor {
	t.Helper()
	text := protodesc.ToFileDescriptorProto(file)
	edit(text)
	out, err := protodesc.NewFile(text, protoregistry.GlobalFiles)
	if err != nil {
		t.Fatalf("the edited descriptor does not link: %v", err)
	}
	return out
}

func message(f *descriptorpb.FileDescriptorProto, name string) *descriptorpb.DescriptorProto {
	return named(f.MessageType, name)
}

func field(f *descriptorpb.FileDescriptorProto, in, name string) *descriptorpb.FieldDescriptorProto {
	return named(message(f, in).Field, name)
}

func method(f *descriptorpb.FileDescriptorProto, name string) *descriptorpb.MethodDescriptorProto {
	return named(f.Service[0].Method, name)
}

func named[D interface{ GetName() string }](declarations []D, name string) D {
	return declarations[slices.IndexFunc(declarations, func(d D) bool { return d.GetName() == name })]
}

func status(f *descriptorpb.FileDescriptorProto) *descriptorpb.EnumDescriptorProto {
	return message(f, "DesktopImage").EnumType[0]
}

func http(f *descriptorpb.FileDescriptorProto, name string) *annotations.HttpRule {
	return proto.GetExtension(method(f, name).Options, annotations.E_Http).(*annotations.HttpRule)
}

func drop(f *descriptorpb.FileDescriptorProto, from, name string) {
	m := message(f, from)
	m.Field = slices.DeleteFunc(m.Field, func(d *descriptorpb.FieldDescriptorProto) bool { return d.GetName() == name })
}

func add(f *descriptorpb.FileDescriptorProto, to, name string, number int32) {
	m := message(f, to)
	m.Field = append(m.Field, &descriptorpb.FieldDescriptorProto{
		Name:   proto.String(name),
		Number: proto.Int32(number),
		Label:  descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
		Type:   descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum(),
	})
}

func reserve(f *descriptorpb.FileDescriptorProto, in string, first, last int32) {
	m := message(f, in)
	m.ReservedRange = append(m.ReservedRange, &descriptorpb.DescriptorProto_ReservedRange{Start: proto.Int32(first), End: proto.Int32(last + 1)})
}

func split(m *descriptorpb.DescriptorProto) {
	var pieces []*descriptorpb.DescriptorProto_ReservedRange
	for _, r := range m.ReservedRange {
		for n := r.GetStart(); n < r.GetEnd(); n++ {
			pieces = append(pieces, &descriptorpb.DescriptorProto_ReservedRange{Start: proto.Int32(n), End: proto.Int32(n + 1)})
		}
	}
	m.ReservedRange = pieces
}
