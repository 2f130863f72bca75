package rules

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/api"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// descriptorRules are about descriptors, without any call.
func descriptorRules() []*Rule {
	return []*Rule{
		{
			ID: "CON-01", Title: "Annotations name types that exist", Level: Proto,
			Quote:    "Required. rpc returns operation, in case of success response will contains message of specified field.",
			Source:   "yandex/cloud/api/operation.proto",
			Exercise: "serve gRPC reflection to a run that makes calls of its own; without the server's descriptors, those are judged that answers are decoded by",
			Guard:    "methods without the annotation are none of the rule's business, and a metadata type may be left out; types of the contract and those that come with protobuf exist, shown or not; what a newer server's further methods name may be in a file that its reflection does not show",
			Static:   judgeAnnotations,
		},
		{
			ID: "CON-02", Title: "The server's messages are the contract's on the wire", Level: Practice,
			Quote:    "This number **cannot be changed once your message type is in use**",
			Source:   "Protocol Buffers language guide, assigning field numbers",
			Exercise: "serve gRPC reflection to a run that makes calls of its own, or change one image with requests of one kind, several in binary and some in JSON",
			Guard:    "what a newer server adds passes, and reflection that does not show both services whole counts as none; of calls, only a method that refuses every request of a kind in binary and takes every one in JSON is told",
			Reduce:   Prefix,
			Static:   judgeCompatibility,
			New:      judgeNumbering,
		},
		{
			ID: "CON-03", Title: "Where the documentation and the protos differ", Level: Practice,
			Quote:    "The .proto specification is available in the repository on GitHub.",
			Source:   "API guide; the reference page against the protos",
			Exercise: "none: the differences are listed, and no server is accused of one",
			Guard:    "it never objects",
			Static: func(_ *Env, sink *Sink) {
				for _, d := range Drifts() {
					if d.holds() {
						sink.Exercise(d.ID)
					}
				}
			},
		},
	}
}

// contractServices are those that the contract is about.
var contractServices = []protoreflect.FullName{
	protoreflect.FullName(MethodCreate[:strings.IndexByte(MethodCreate, '/')]),
	protoreflect.FullName(MethodGet[:strings.IndexByte(MethodGet, '/')]),
}

// Described are the names that a server's descriptors are judged by: of services,
// which have to be there, and of the messages that operations hold.
func Described() (services, held []protoreflect.FullName) {
	for _, s := range servicesOf(protoregistry.GlobalFiles) {
		services = append(services, s.FullName())
		for i := range s.Methods().Len() {
			m := s.Methods().Get(i)
			annotation := annotationOf(m)
			for _, name := range []string{annotation.GetMetadata(), annotation.GetResponse()} {
				d := resolvedIn(protoregistry.GlobalFiles, m, name)
				if d != nil && d.ParentFile().Package() != wellKnown && !slices.Contains(held, d.FullName()) {
					held = append(held, d.FullName())
				}
			}
		}
	}
	return services, held
}

// Unresolved are the names that annotations in a server's files may mean, where
// the files have none of them and the rules would hold it against the server: a
// type need not be in a file which the services import.
func Unresolved(files *protoregistry.Files) []protoreflect.FullName {
	var list []protoreflect.FullName
	for _, s := range servicesOf(files) {
		for i := range s.Methods().Len() {
			m := s.Methods().Get(i)
			annotation := annotationOf(m)
			for _, name := range []string{annotation.GetMetadata(), annotation.GetResponse()} {
				if resolvedIn(files, m, name) != nil || hidden(m, name) {
					continue
				}
				for full := range meanings(m, name) {
					if !slices.Contains(list, full) {
						list = append(list, full)
					}
				}
			}
		}
	}
	return list
}

// servicesOf are the contract's services as a set of files has them.
func servicesOf(files *protoregistry.Files) []protoreflect.ServiceDescriptor {
	var list []protoreflect.ServiceDescriptor
	for _, name := range contractServices {
		if d, err := files.FindDescriptorByName(name); err == nil {
			if s, ok := d.(protoreflect.ServiceDescriptor); ok {
				list = append(list, s)
			}
		}
	}
	return list
}

// judgeAnnotations resolves what the annotations of methods name.
func judgeAnnotations(env *Env, sink *Sink) {
	files := env.Descriptors
	if files == nil {
		files = protoregistry.GlobalFiles
	}
	for _, s := range servicesOf(files) {
		for i := range s.Methods().Len() {
			m := s.Methods().Get(i)
			annotation := annotationOf(m)
			if annotation == nil {
				continue
			}
			sink.Exercise(string(m.FullName()))
			if m.Output().FullName() != operationDesc.FullName() {
				sink.Breach(nil, "%s is annotated as one that starts operations and returns %s; its client gets nothing to poll", m.FullName(), m.Output().FullName())
			}
			for _, part := range []struct{ what, name string }{{"metadata", annotation.GetMetadata()}, {"response", annotation.GetResponse()}} {
				if part.what == "metadata" && part.name == "" {
					continue
				}
				if resolvedIn(files, m, part.name) == nil && (env.Descriptors == nil || !hidden(m, part.name)) {
					sink.Breach(nil, "the annotation of %s names %q for %s, and there is no such message in the scope of %s; nobody can decode what the operation holds", m.FullName(), shortened(part.name), part.what, m.ParentFile().Package())
				}
			}
		}
	}
}

// annotationOf is a method's, nil without one. Options that were read without the
// types of their extensions are read again.
func annotationOf(m protoreflect.MethodDescriptor) *api.Operation {
	raw, err := proto.Marshal(m.Options())
	if err != nil {
		return nil
	}
	options := &descriptorpb.MethodOptions{}
	if proto.Unmarshal(raw, options) != nil || !proto.HasExtension(options, api.E_Operation) {
		return nil
	}
	annotation, _ := proto.GetExtension(options, api.E_Operation).(*api.Operation)
	return annotation
}

// hidden reports whether a type that the server's descriptors lack may exist all
// the same: reflection may show no more than what services import.
func hidden(m protoreflect.MethodDescriptor, name string) bool {
	if name == "" {
		return false
	}
	if _, err := protoregistry.GlobalFiles.FindDescriptorByName(m.FullName()); err != nil {
		return true // a newer server's
	}
	return resolvedIn(protoregistry.GlobalFiles, m, name) != nil
}

// wellKnown is the package of the types that come with protobuf.
const wellKnown = "google.protobuf"

// resolvedIn is a message that a method's annotation names, nil if the set has none.
// The types that come with protobuf need not be in it.
func resolvedIn(files *protoregistry.Files, m protoreflect.MethodDescriptor, name string) protoreflect.MessageDescriptor {
	for full := range meanings(m, name) {
		d, err := files.FindDescriptorByName(full)
		if err != nil && full.Parent() == wellKnown {
			d, err = protoregistry.GlobalFiles.FindDescriptorByName(full)
		}
		if found, ok := d.(protoreflect.MessageDescriptor); ok && err == nil {
			return found
		}
	}
	return nil
}

// meanings are what a name may mean in the scope of a method, the nearest first.
func meanings(m protoreflect.MethodDescriptor, name string) iter.Seq[protoreflect.FullName] {
	return func(yield func(protoreflect.FullName) bool) {
		for scope := m.ParentFile().Package(); ; scope = scope.Parent() {
			full := protoreflect.FullName(name)
			if scope != "" {
				full = protoreflect.FullName(fmt.Sprintf("%s.%s", scope, name))
			}
			if !full.IsValid() || !yield(full) || scope == "" {
				return
			}
		}
	}
}
