package drive

import (
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/optest-dev/optest/conformance/internal/rules"
)

// maxImports bounds those of all files, with what comes by public ones.
const maxImports = 20_000

// build makes descriptors of the files. They must hold the services and all that
// is referred to: what is left out would be held against the server.
func (s *fileSet) build() (*protoregistry.Files, error) {
	set, err := s.flat()
	if err != nil {
		return nil, err
	}
	// Files that only options come from may be missing.
	files, err := protodesc.FileOptions{AllowUnresolvable: true}.NewFiles(set)
	if err != nil {
		return nil, fmt.Errorf("the files can't be put together: %w", err)
	}
	services, _ := rules.Described()
	for _, name := range services {
		d, err := files.FindDescriptorByName(name)
		if _, ok := d.(protoreflect.ServiceDescriptor); err != nil || !ok {
			return nil, fmt.Errorf("the files have no service %s", name)
		}
	}
	files.RangeFiles(func(f protoreflect.FileDescriptor) bool {
		if lacks := lacking(f); lacks != "" {
			err = fmt.Errorf("the files lack %s, which %s refers to", lacks, f.Path())
		}
		return err == nil
	})
	if err != nil {
		return nil, err
	}
	return files, nil
}

// flat has every file import by itself what it gets by public imports: protobuf-go
// follows each path of those, and there may be very many.
func (s *fileSet) flat() (*descriptorpb.FileDescriptorSet, error) {
	byName := map[string]*descriptorpb.FileDescriptorProto{}
	for _, f := range s.set.File {
		byName[f.GetName()] = f
	}
	set, imports := &descriptorpb.FileDescriptorSet{}, 0
	for _, f := range s.set.File {
		list := slices.Clone(f.GetDependency())
		known := map[string]bool{}
		for _, path := range list {
			known[path] = true
		}
		for i := 0; i < len(list); i++ { // it grows
			imported := byName[list[i]]
			for _, n := range imported.GetPublicDependency() {
				if n < 0 || int(n) >= len(imported.GetDependency()) {
					return nil, errors.New("a file imports publicly what it does not import")
				}
				if path := imported.GetDependency()[n]; !known[path] {
					known[path] = true
					list = append(list, path)
				}
			}
		}
		if imports += len(list); imports > maxImports {
			return nil, fmt.Errorf("the files have more than %d imports", maxImports)
		}
		own := proto.CloneOf(f)
		own.Dependency, own.PublicDependency, own.WeakDependency = list, nil, nil
		set.File = append(set.File, own)
	}
	return set, nil
}

// lacking is a type that a file refers to and that is not there, empty if it has
// all. Of those that come with protobuf it needs none.
func lacking(f protoreflect.FileDescriptor) protoreflect.FullName {
	for i := range f.Services().Len() {
		methods := f.Services().Get(i).Methods()
		for j := range methods.Len() {
			m := methods.Get(j)
			for _, d := range []protoreflect.Descriptor{m.Input(), m.Output()} {
				if absentType(d) {
					return d.FullName()
				}
			}
		}
	}
	return lackingIn(f.Messages())
}

func lackingIn(messages protoreflect.MessageDescriptors) protoreflect.FullName {
	for i := range messages.Len() {
		m := messages.Get(i)
		for j := range m.Fields().Len() {
			f := m.Fields().Get(j)
			if d := f.Message(); d != nil && absentType(d) {
				return d.FullName()
			}
			if d := f.Enum(); d != nil && absentType(d) {
				return d.FullName()
			}
		}
		if lacks := lackingIn(m.Messages()); lacks != "" {
			return lacks
		}
	}
	return ""
}

func absentType(d protoreflect.Descriptor) bool {
	return d.IsPlaceholder() && d.FullName().Parent() != "google.protobuf"
}
