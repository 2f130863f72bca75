package drift

import (
	"slices"

	"github.com/yandex-cloud/go-genproto/yandex/cloud"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/api"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

const (
	imageFile   = "yandex/cloud/clouddesktop/v1/desktop_image.proto"
	serviceFile = "yandex/cloud/clouddesktop/v1/desktop_image_service.proto"
	tokenFile   = "yandex/cloud/iam/v1/iam_token_service.proto"
	optionsFile = "yandex/cloud/validation.proto"
)

// mixed marks an edit that shows as lines of several kinds.
const mixed Kind = -1

// edits holds one case for each kind of difference: what go-genproto might do to a file, and the lines that must say so.
var edits = []struct {
	name string
	file string
	edit func(*descriptorpb.FileDescriptorProto)
	want []string // without the file
	kind Kind     // of every line, or mixed
}{
	{
		"package", imageFile,
		func(f *descriptorpb.FileDescriptorProto) {
			// Only the name is changed, so that the file still links.
			f.Package = proto.String("yandex.cloud.clouddesktop.v2.api")
			field(f, "DesktopImage", "status").TypeName = proto.String(".yandex.cloud.clouddesktop.v2.api.DesktopImage.Status")
			field(f, "DesktopImage", "labels").TypeName = proto.String(".yandex.cloud.clouddesktop.v2.api.DesktopImage.LabelsEntry")
		},
		[]string{
			"package: ours yandex.cloud.clouddesktop.v1.api, go-genproto's yandex.cloud.clouddesktop.v2.api",
			"DesktopImage.status type: ours yandex.cloud.clouddesktop.v1.api.DesktopImage.Status, go-genproto's yandex.cloud.clouddesktop.v2.api.DesktopImage.Status",
			"DesktopImage.labels type: ours yandex.cloud.clouddesktop.v1.api.DesktopImage.LabelsEntry, go-genproto's yandex.cloud.clouddesktop.v2.api.DesktopImage.LabelsEntry",
		},
		Changed,
	},
	{
		"file option", imageFile,
		func(f *descriptorpb.FileDescriptorProto) { f.Options.GoPackage = proto.String("example.com/elsewhere") },
		[]string{`option go_package: ours "github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1;clouddesktop", go-genproto's "example.com/elsewhere"`},
		Changed,
	},
	{
		"field number", serviceFile,
		func(f *descriptorpb.FileDescriptorProto) {
			field(f, "CopyFromDesktopRequest", "desktop_id").Number = proto.Int32(11)
		},
		[]string{"CopyFromDesktopRequest.desktop_id number: ours 8, go-genproto's 11"},
		Changed,
	},
	{
		"two field numbers swapped", serviceFile,
		func(f *descriptorpb.FileDescriptorProto) {
			field(f, "UpdateDesktopImageRequest", "image_id").Number = proto.Int32(2)
			field(f, "UpdateDesktopImageRequest", "update_mask").Number = proto.Int32(1)
		},
		[]string{
			"UpdateDesktopImageRequest.image_id number: ours 1, go-genproto's 2",
			"UpdateDesktopImageRequest.update_mask number: ours 2, go-genproto's 1",
		},
		Changed,
	},
	{
		"scalar type", imageFile,
		func(f *descriptorpb.FileDescriptorProto) {
			field(f, "DesktopImage", "storage_size").Type = descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum()
		},
		[]string{"DesktopImage.storage_size type: ours int64, go-genproto's string"},
		Changed,
	},
	{
		"message type", serviceFile,
		func(f *descriptorpb.FileDescriptorProto) {
			field(f, "ListDesktopImagesResponse", "desktop_images").TypeName = proto.String(".yandex.cloud.operation.Operation")
		},
		[]string{"ListDesktopImagesResponse.desktop_images type: ours yandex.cloud.clouddesktop.v1.api.DesktopImage, go-genproto's yandex.cloud.operation.Operation"},
		Changed,
	},
	{
		"label", imageFile,
		func(f *descriptorpb.FileDescriptorProto) {
			field(f, "DesktopImage", "name").Label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
		},
		[]string{"DesktopImage.name label: ours optional, go-genproto's repeated"},
		Changed,
	},
	{
		"packing", imageFile,
		func(f *descriptorpb.FileDescriptorProto) {
			sizes := field(f, "DesktopImage", "storage_size")
			sizes.Label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
		},
		[]string{
			"DesktopImage.storage_size label: ours optional, go-genproto's repeated",
			"DesktopImage.storage_size packed: ours false, go-genproto's true",
		},
		Changed,
	},
	{
		"json name", imageFile,
		func(f *descriptorpb.FileDescriptorProto) {
			field(f, "DesktopImage", "folder_id").JsonName = proto.String("folder")
		},
		[]string{`DesktopImage.folder_id json name: ours "folderId", go-genproto's "folder"`},
		Changed,
	},
	{
		"field moved out of its oneof", tokenFile,
		func(f *descriptorpb.FileDescriptorProto) { field(f, "CreateIamTokenRequest", "jwt").OneofIndex = nil },
		[]string{
			"CreateIamTokenRequest.jwt presence: ours explicit, go-genproto's implicit",
			"CreateIamTokenRequest.jwt oneof: ours identity, go-genproto's none",
		},
		Changed,
	},
	{
		"map that is no map", imageFile,
		func(f *descriptorpb.FileDescriptorProto) { message(f, "DesktopImage").NestedType[0].Options = nil },
		[]string{
			"DesktopImage.LabelsEntry map entry: ours true, go-genproto's false",
			"DesktopImage.LabelsEntry option map_entry: ours true, go-genproto's absent",
		},
		mixed,
	},
	{
		"field dropped", imageFile,
		func(f *descriptorpb.FileDescriptorProto) { drop(f, "DesktopImage", "min_disk_size") },
		[]string{"DesktopImage.min_disk_size: ours optional int64 = 15, go-genproto's absent"},
		Removed,
	},
	{
		"field added", imageFile,
		func(f *descriptorpb.FileDescriptorProto) { add(f, "DesktopImage", "owner", 17) },
		[]string{"DesktopImage.owner: ours absent, go-genproto's optional string = 17"},
		Added,
	},
	{
		"field renamed", imageFile,
		func(f *descriptorpb.FileDescriptorProto) {
			field(f, "DesktopImage", "name").Name = proto.String("title")
		},
		[]string{
			"DesktopImage.name: ours optional string = 11, go-genproto's absent",
			"DesktopImage.title: ours absent, go-genproto's optional string = 11",
		},
		mixed,
	},
	{
		"field added on a reserved number", imageFile,
		func(f *descriptorpb.FileDescriptorProto) {
			message(f, "DesktopImage").ReservedRange = nil
			add(f, "DesktopImage", "owner", 7)
		},
		[]string{
			"DesktopImage.owner: ours absent, go-genproto's optional string = 7",
			"DesktopImage reserved numbers: ours 3, 6-10, 12, go-genproto's absent",
			"DesktopImage.owner number: ours reserved, go-genproto's 7",
		},
		mixed,
	},
	{
		"reserved range shortened", serviceFile,
		func(f *descriptorpb.FileDescriptorProto) {
			message(f, "CopyFromDesktopRequest").ReservedRange[0].Start = proto.Int32(6)
		},
		[]string{"CopyFromDesktopRequest reserved numbers: ours 5, go-genproto's absent"},
		Removed,
	},
	{
		"reserved range added", serviceFile,
		func(f *descriptorpb.FileDescriptorProto) { reserve(f, "CopyFromDesktopRequest", 1, 2) },
		[]string{"CopyFromDesktopRequest reserved numbers: ours absent, go-genproto's 1-2"},
		Added,
	},
	{
		"reserved name added", serviceFile,
		func(f *descriptorpb.FileDescriptorProto) {
			message(f, "CopyFromDesktopRequest").ReservedName = []string{"image_id"}
		},
		[]string{`CopyFromDesktopRequest reserved name: ours absent, go-genproto's "image_id"`},
		Added,
	},
	{
		"field option changed", serviceFile,
		func(f *descriptorpb.FileDescriptorProto) {
			proto.SetExtension(field(f, "CopyFromDesktopRequest", "name").Options, cloud.E_Length, "<=64")
		},
		[]string{`CopyFromDesktopRequest.name option (yandex.cloud.length): ours "<=50", go-genproto's "<=64"`},
		Changed,
	},
	{
		"field option dropped", serviceFile,
		func(f *descriptorpb.FileDescriptorProto) {
			proto.ClearExtension(field(f, "CopyFromDesktopRequest", "desktop_id").Options, cloud.E_Required)
		},
		[]string{"CopyFromDesktopRequest.desktop_id option (yandex.cloud.required): ours true, go-genproto's absent"},
		Removed,
	},
	{
		"field option added", serviceFile,
		func(f *descriptorpb.FileDescriptorProto) {
			proto.SetExtension(field(f, "CopyFromDesktopRequest", "name").Options, cloud.E_Required, true)
		},
		[]string{"CopyFromDesktopRequest.name option (yandex.cloud.required): ours absent, go-genproto's true"},
		Added,
	},
	{
		"message inside a field option", serviceFile,
		func(f *descriptorpb.FileDescriptorProto) {
			proto.SetExtension(field(f, "CopyFromDesktopRequest", "labels").Options, cloud.E_MapKey, &cloud.MapKeySpec{Length: "1-99", Pattern: "x"})
		},
		[]string{`CopyFromDesktopRequest.labels option (yandex.cloud.map_key): ours {length: "1-63", pattern: "[a-z][-_0-9a-z]*"}, go-genproto's {length: "1-99", pattern: "x"}`},
		Changed,
	},
	{
		"option that nobody registers", serviceFile,
		func(f *descriptorpb.FileDescriptorProto) {
			field(f, "CopyFromDesktopRequest", "name").Options.ProtoReflect().SetUnknown([]byte{0xf8, 0xff, 0x3f, 0x01})
		},
		[]string{"CopyFromDesktopRequest.name unknown options: ours absent, go-genproto's 0xf8ff3f01"},
		Added,
	},
	{
		"oneof option dropped", tokenFile,
		func(f *descriptorpb.FileDescriptorProto) {
			message(f, "CreateIamTokenRequest").OneofDecl[0].Options = nil
		},
		[]string{"CreateIamTokenRequest.identity option (yandex.cloud.exactly_one): ours true, go-genproto's absent"},
		Removed,
	},
	{
		"message dropped", serviceFile,
		func(f *descriptorpb.FileDescriptorProto) {
			f.MessageType = slices.DeleteFunc(f.MessageType, func(m *descriptorpb.DescriptorProto) bool { return m.GetName() == "CopyFromDesktopMetadata" })
		},
		[]string{"CopyFromDesktopMetadata: ours message of 1 fields, go-genproto's absent"},
		Removed,
	},
	{
		"message added", serviceFile,
		func(f *descriptorpb.FileDescriptorProto) {
			f.MessageType = append(f.MessageType, &descriptorpb.DescriptorProto{Name: proto.String("Extra")})
		},
		[]string{"Extra: ours absent, go-genproto's message of 0 fields"},
		Added,
	},
	{
		"enum value number", imageFile,
		func(f *descriptorpb.FileDescriptorProto) { status(f).Value[3].Number = proto.Int32(4) },
		[]string{"DesktopImage.Status.DELETING number: ours 3, go-genproto's 4"},
		Changed,
	},
	{
		"enum value dropped", imageFile,
		func(f *descriptorpb.FileDescriptorProto) { status(f).Value = status(f).Value[:3] },
		[]string{"DesktopImage.Status.DELETING: ours value 3, go-genproto's absent"},
		Removed,
	},
	{
		"enum value added", imageFile,
		func(f *descriptorpb.FileDescriptorProto) {
			status(f).Value = append(status(f).Value, &descriptorpb.EnumValueDescriptorProto{Name: proto.String("FAILED"), Number: proto.Int32(4)})
		},
		[]string{"DesktopImage.Status.FAILED: ours absent, go-genproto's value 4"},
		Added,
	},
	{
		"enum reservation added", imageFile,
		func(f *descriptorpb.FileDescriptorProto) {
			status(f).ReservedRange = []*descriptorpb.EnumDescriptorProto_EnumReservedRange{{Start: proto.Int32(5), End: proto.Int32(5)}}
		},
		[]string{"DesktopImage.Status reserved numbers: ours absent, go-genproto's 5"},
		Added,
	},
	{
		"method dropped", serviceFile,
		func(f *descriptorpb.FileDescriptorProto) {
			f.Service[0].Method = slices.DeleteFunc(f.Service[0].Method, func(m *descriptorpb.MethodDescriptorProto) bool { return m.GetName() == "Copy" })
		},
		[]string{"DesktopImageService.Copy: ours (yandex.cloud.clouddesktop.v1.api.CopyDesktopImageRequest) returns (yandex.cloud.operation.Operation), go-genproto's absent"},
		Removed,
	},
	{
		"method added", serviceFile,
		func(f *descriptorpb.FileDescriptorProto) {
			extra := proto.CloneOf(method(f, "Get"))
			extra.Name = proto.String("Peek")
			f.Service[0].Method = append(f.Service[0].Method, extra)
		},
		[]string{"DesktopImageService.Peek: ours absent, go-genproto's (yandex.cloud.clouddesktop.v1.api.GetDesktopImageRequest) returns (yandex.cloud.clouddesktop.v1.api.DesktopImage)"},
		Added,
	},
	{
		"method's types and streaming", serviceFile,
		func(f *descriptorpb.FileDescriptorProto) {
			get := method(f, "Get")
			get.OutputType = proto.String(".yandex.cloud.operation.Operation")
			get.ServerStreaming = proto.Bool(true)
		},
		[]string{"DesktopImageService.Get signature: ours (yandex.cloud.clouddesktop.v1.api.GetDesktopImageRequest) returns (yandex.cloud.clouddesktop.v1.api.DesktopImage), go-genproto's (yandex.cloud.clouddesktop.v1.api.GetDesktopImageRequest) returns (stream yandex.cloud.operation.Operation)"},
		Changed,
	},
	{
		"http path", serviceFile,
		func(f *descriptorpb.FileDescriptorProto) {
			http(f, "CopyFromDesktop").Pattern = &annotations.HttpRule_Post{Post: "/cloud-desktop/v1/images"}
		},
		[]string{`DesktopImageService.CopyFromDesktop option (google.api.http): ours {body: "*", post: "/cloud-desktop/v1/images:copyFromDesktop"}, go-genproto's {body: "*", post: "/cloud-desktop/v1/images"}`},
		Changed,
	},
	{
		"http verb", serviceFile,
		func(f *descriptorpb.FileDescriptorProto) {
			http(f, "Get").Pattern = &annotations.HttpRule_Post{Post: "/cloud-desktop/v1/images/{image_id}"}
		},
		[]string{`DesktopImageService.Get option (google.api.http): ours {get: "/cloud-desktop/v1/images/{image_id}"}, go-genproto's {post: "/cloud-desktop/v1/images/{image_id}"}`},
		Changed,
	},
	{
		"second http binding", serviceFile,
		func(f *descriptorpb.FileDescriptorProto) {
			http(f, "Get").AdditionalBindings = []*annotations.HttpRule{{Pattern: &annotations.HttpRule_Get{Get: "/v2/{image_id}"}}}
		},
		[]string{`DesktopImageService.Get option (google.api.http): ours {get: "/cloud-desktop/v1/images/{image_id}"}, go-genproto's {additional_bindings: [{get: "/v2/{image_id}"}], get: "/cloud-desktop/v1/images/{image_id}"}`},
		Changed,
	},
	{
		"operation's response type", serviceFile,
		func(f *descriptorpb.FileDescriptorProto) {
			proto.GetExtension(method(f, "Delete").Options, api.E_Operation).(*api.Operation).Response = "DesktopImage"
		},
		[]string{`DesktopImageService.Delete option (yandex.cloud.api.operation): ours {metadata: "DeleteDesktopImageMetadata", response: "google.protobuf.Empty"}, go-genproto's {metadata: "DeleteDesktopImageMetadata", response: "DesktopImage"}`},
		Changed,
	},
	{
		"service dropped", serviceFile,
		func(f *descriptorpb.FileDescriptorProto) { f.Service = nil },
		[]string{"DesktopImageService: ours service of 6 methods, go-genproto's absent"},
		Removed,
	},
	{
		"extension number", optionsFile,
		func(f *descriptorpb.FileDescriptorProto) { f.Extension[1].Number = proto.Int32(101599) },
		[]string{"required number: ours 101501, go-genproto's 101599"},
		Changed,
	},
	{
		"extendee", optionsFile,
		func(f *descriptorpb.FileDescriptorProto) {
			f.Extension[1].Extendee = proto.String(".google.protobuf.MessageOptions")
		},
		[]string{"required extendee: ours google.protobuf.FieldOptions, go-genproto's google.protobuf.MessageOptions"},
		Changed,
	},
}
