package mockserver

import (
	"fmt"
	"strings"
	"sync"

	"github.com/yandex-cloud/go-genproto/yandex/cloud"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/api"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/optest-dev/optest/mockserver/internal/constraint"
)

// method is an RPC as its descriptor states it.
type method struct {
	desc      protoreflect.MethodDescriptor
	procedure string // "/package.Service/Method"
	request   protoreflect.MessageType
	control   bool // its calls are in no journal

	// starts tells methods that start a long-running operation. Only they have
	// what follows, from the annotation `yandex.cloud.api.operation`.
	starts    bool
	metadata  protoreflect.MessageType
	response  protoreflect.MessageType
	resources func(*session) resources
	// metadataURL is the type URL of the metadata in an Any.
	metadataURL string
	// target is the metadata field with the id of the operation's resource.
	target protoreflect.FieldDescriptor
	// cards are the request fields whose text may name a scenario.
	cards []protoreflect.FieldDescriptor
	// creates tells methods that make a resource from those that change one.
	creates bool
	// title is the operation's description until a step sets another one.
	title string
}

// typeURLPrefix is what anypb puts before the name of a type.
const typeURLPrefix = "type.googleapis.com/"

func (m *method) name() string { return string(m.desc.Name()) }

// described keeps what descriptors say, by descriptor: it is the same for every
// server, and tests start many.
var described sync.Map

// describe returns all of a method but its resources. It is shared: copy it to
// change it.
func describe(desc protoreflect.MethodDescriptor) (*method, error) {
	if known, ok := described.Load(desc); ok {
		return known.(*method), nil
	}
	m, err := newMethod(desc)
	if err != nil {
		return nil, err
	}
	known, _ := described.LoadOrStore(desc, m)
	return known.(*method), nil
}

func newMethod(desc protoreflect.MethodDescriptor) (*method, error) {
	m := &method{desc: desc, procedure: procedure(desc)}
	err := constraint.Compile(desc.Input())
	if err != nil {
		return nil, err
	}
	if m.request, err = protoregistry.GlobalTypes.FindMessageByName(desc.Input().FullName()); err != nil {
		return nil, fmt.Errorf("optest: request of %s: %w", desc.FullName(), err)
	}
	m.starts = desc.Output().FullName() == fullName(&operation.Operation{}) && proto.HasExtension(desc.Options(), api.E_Operation)
	if !m.starts {
		return m, nil
	}
	m.title = title(desc.Name())
	annotation, _ := proto.GetExtension(desc.Options(), api.E_Operation).(*api.Operation)
	if m.metadata, err = annotated(desc, annotation.GetMetadata()); err != nil {
		return nil, err
	}
	if m.response, err = annotated(desc, annotation.GetResponse()); err != nil {
		return nil, err
	}
	m.metadataURL = typeURLPrefix + string(m.metadata.Descriptor().FullName())
	m.target = firstID(m.metadata.Descriptor())
	// A method creates a resource when what it answers with is not something
	// that its request already names.
	m.creates = m.response.Descriptor().FullName() != fullName(&emptypb.Empty{}) &&
		(m.target == nil || !required(desc.Input().Fields().ByName(m.target.Name())) || newID(desc))
	fields := desc.Input().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if isID(f) && f.Name() != "folder_id" && required(f) {
			m.cards = append(m.cards, f)
		}
	}
	return m, nil
}

// newID reports whether the id in the metadata is another one than that in the
// request although both fields have the same name, as in Copy: the request then
// also takes the folder that the new resource goes to.
func newID(desc protoreflect.MethodDescriptor) bool {
	return desc.Input().Fields().ByName("folder_id") != nil
}

// annotated resolves a type named in the annotation, which is relative to the
// method's package.
func annotated(desc protoreflect.MethodDescriptor, name string) (protoreflect.MessageType, error) {
	for scope := desc.ParentFile().Package(); ; scope = scope.Parent() {
		full := protoreflect.FullName(name)
		if scope != "" {
			full = scope + "." + full
		}
		if t, err := protoregistry.GlobalTypes.FindMessageByName(full); err == nil {
			return t, nil
		}
		if scope == "" {
			return nil, fmt.Errorf("optest: type %q in the operation annotation of %s is not linked in", name, desc.FullName())
		}
	}
}

func fullName(m proto.Message) protoreflect.FullName { return m.ProtoReflect().Descriptor().FullName() }

func procedure(desc protoreflect.MethodDescriptor) string {
	return "/" + string(desc.Parent().FullName()) + "/" + string(desc.Name())
}

// title is a method's name as a phrase: CopyFromDesktop is "Copy from desktop".
func title(name protoreflect.Name) string {
	var b strings.Builder
	for i, r := range string(name) {
		if i > 0 && 'A' <= r && r <= 'Z' {
			b.WriteByte(' ')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

func isID(f protoreflect.FieldDescriptor) bool {
	return f.Kind() == protoreflect.StringKind && !f.IsList() && strings.HasSuffix(string(f.Name()), "_id")
}

func firstID(m protoreflect.MessageDescriptor) protoreflect.FieldDescriptor {
	for i := range m.Fields().Len() {
		if f := m.Fields().Get(i); isID(f) {
			return f
		}
	}
	return nil
}

func required(f protoreflect.FieldDescriptor) bool {
	if f == nil {
		return false
	}
	is, _ := proto.GetExtension(f.Options(), cloud.E_Required).(bool)
	return is
}
