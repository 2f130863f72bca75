package zoo

import (
	"sync"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

// version2 are the types of a later version of the contract, made from those of
// this one.
type version2 struct {
	files *protoregistry.Files
	*dynamicpb.Types
}

// laterDetail is a type of error details that no client of this version knows.
const laterDetail = "yandex.cloud.desktops.v9.Advice"

// firstNew is the number from which the fields are new.
const firstNew = 9001

func isNew(f protoreflect.FieldDescriptor) bool { return f.Number() >= firstNew }

// laterVersion makes it once: descriptors are costly.
var laterVersion = sync.OnceValue(func() *version2 {
	v := &version2{files: new(protoregistry.Files)}
	v.Types = dynamicpb.NewTypes(v.files)
	v.add(changedFile(operation.File_yandex_cloud_operation_operation_proto))
	v.add(changedFile(clouddesktop.File_yandex_cloud_clouddesktop_v1_desktop_image_proto))
	v.add(changedFile(clouddesktop.File_yandex_cloud_clouddesktop_v1_desktop_image_service_proto))
	v.add(&descriptorpb.FileDescriptorProto{
		Name: proto.String("yandex/cloud/desktops/v9/advice.proto"), Package: proto.String("yandex.cloud.desktops.v9"), Syntax: proto.String("proto3"),
		MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("Advice"), Field: []*descriptorpb.FieldDescriptorProto{
			newField("advice", 1, descriptorpb.FieldDescriptorProto_TYPE_STRING, false),
		}}},
	})
	return v
})

// add registers a file. Those that it needs are of the later version where that
// has changed them.
func (v *version2) add(file *descriptorpb.FileDescriptorProto) {
	d, err := protodesc.NewFile(file, v)
	if err == nil {
		err = v.files.RegisterFile(d)
	}
	if err != nil {
		panic(err) // of descriptors that are linked in: the test that makes them fails
	}
}

// FindFileByPath implements [protodesc.Resolver].
func (v *version2) FindFileByPath(path string) (protoreflect.FileDescriptor, error) {
	if d, err := v.files.FindFileByPath(path); err == nil {
		return d, nil
	}
	return protoregistry.GlobalFiles.FindFileByPath(path)
}

// FindDescriptorByName implements [protodesc.Resolver].
func (v *version2) FindDescriptorByName(name protoreflect.FullName) (protoreflect.Descriptor, error) {
	if d, err := v.files.FindDescriptorByName(name); err == nil {
		return d, nil
	}
	return protoregistry.GlobalFiles.FindDescriptorByName(name)
}

// FindMessageByName implements [protoregistry.MessageTypeResolver].
func (v *version2) FindMessageByName(name protoreflect.FullName) (protoreflect.MessageType, error) {
	if kind, err := v.Types.FindMessageByName(name); err == nil {
		return kind, nil
	}
	return protoregistry.GlobalTypes.FindMessageByName(name)
}

// FindMessageByURL implements [protoregistry.MessageTypeResolver].
func (v *version2) FindMessageByURL(url string) (protoreflect.MessageType, error) {
	if kind, err := v.Types.FindMessageByURL(url); err == nil {
		return kind, nil
	}
	return protoregistry.GlobalTypes.FindMessageByURL(url)
}

// changedFile is a file whose messages have three fields more, and whose statuses
// are two more.
func changedFile(d protoreflect.FileDescriptor) *descriptorpb.FileDescriptorProto {
	file := protodesc.ToFileDescriptorProto(d)
	for _, m := range file.GetMessageType() {
		m.Field = append(m.GetField(),
			newField("later_text", firstNew, descriptorpb.FieldDescriptorProto_TYPE_STRING, false),
			newField("later_number", firstNew+1, descriptorpb.FieldDescriptorProto_TYPE_INT64, false),
			newField("later_list", firstNew+2, descriptorpb.FieldDescriptorProto_TYPE_STRING, true),
		)
		for _, e := range m.GetEnumType() {
			e.Value = append(e.GetValue(),
				&descriptorpb.EnumValueDescriptorProto{Name: proto.String("VERIFYING"), Number: proto.Int32(verifying)},
				&descriptorpb.EnumValueDescriptorProto{Name: proto.String("ARCHIVED"), Number: proto.Int32(archived)},
			)
		}
	}
	return file
}

func newField(name string, number int32, kind descriptorpb.FieldDescriptorProto_Type, repeated bool) *descriptorpb.FieldDescriptorProto {
	label := descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL
	if repeated {
		label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED
	}
	return &descriptorpb.FieldDescriptorProto{Name: &name, Number: &number, Type: &kind, Label: &label}
}
