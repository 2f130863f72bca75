package rules

import (
	"strings"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/api"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// Methods by their full names.
const (
	MethodCreate    = "yandex.cloud.clouddesktop.v1.api.DesktopImageService/CopyFromDesktop"
	MethodCopy      = "yandex.cloud.clouddesktop.v1.api.DesktopImageService/Copy"
	MethodUpdate    = "yandex.cloud.clouddesktop.v1.api.DesktopImageService/Update"
	MethodDelete    = "yandex.cloud.clouddesktop.v1.api.DesktopImageService/Delete"
	MethodGetImage  = "yandex.cloud.clouddesktop.v1.api.DesktopImageService/Get"
	MethodListImage = "yandex.cloud.clouddesktop.v1.api.DesktopImageService/List"
	MethodGet       = "yandex.cloud.operation.OperationService/Get"
	MethodCancel    = "yandex.cloud.operation.OperationService/Cancel"
)

// Method is what descriptors say of a method.
type Method struct {
	Name string // `package.Service/Method`
	Desc protoreflect.MethodDescriptor
	// Starts: it answers with an operation that it has started.
	Starts bool
	// Metadata and Response are the types that its annotation names, in full; empty
	// where it names none.
	Metadata, Response protoreflect.FullName
}

// newMethod returns nil for a method that no linked descriptor has.
func newMethod(name string) *Method {
	service, method, ok := strings.Cut(name, "/")
	if !ok {
		return nil
	}
	d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(service))
	if err != nil {
		return nil
	}
	s, ok := d.(protoreflect.ServiceDescriptor)
	if !ok {
		return nil
	}
	desc := s.Methods().ByName(protoreflect.Name(method))
	if desc == nil {
		return nil
	}
	m := &Method{Name: name, Desc: desc}
	if annotation, ok := proto.GetExtension(desc.Options(), api.E_Operation).(*api.Operation); ok && annotation != nil {
		m.Starts = true
		m.Metadata = resolved(desc, annotation.GetMetadata())
		m.Response = resolved(desc, annotation.GetResponse())
	}
	return m
}

// resolved is a type that an annotation names in the scope of its method's
// package, empty if there is none.
func resolved(desc protoreflect.MethodDescriptor, name string) protoreflect.FullName {
	if name == "" {
		return ""
	}
	for scope := desc.ParentFile().Package(); ; scope = scope.Parent() {
		full := protoreflect.FullName(name)
		if scope != "" {
			full = scope + "." + full
		}
		if _, err := protoregistry.GlobalTypes.FindMessageByName(full); err == nil {
			return full
		}
		if scope == "" {
			return ""
		}
	}
}
