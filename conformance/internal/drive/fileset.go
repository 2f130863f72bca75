package drive

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/code"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// Bounds of what a server may show. Its files are unpacked into much more than
// their bytes, and full names can grow with the square of them.
const (
	maxFiles        = 1000
	maxDeclarations = 100_000
	maxFullName     = 512
)

// question is what reflection is asked for: the file that declares a symbol, or
// the file of a name.
type question struct {
	symbol protoreflect.FullName
	file   string
}

func (q question) encoded() ([]byte, error) {
	m := &reflectionpb.ServerReflectionRequest{}
	if q.symbol != "" {
		m.MessageRequest = &reflectionpb.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: string(q.symbol)}
	} else {
		m.MessageRequest = &reflectionpb.ServerReflectionRequest_FileByFilename{FileByFilename: q.file}
	}
	return proto.Marshal(m)
}

// fileSet is what reflection has shown, and what there is still to ask for.
type fileSet struct {
	set          descriptorpb.FileDescriptorSet
	names        map[string]bool // of files that are there
	asked        map[string]bool // names of files
	symbols      []protoreflect.FullName
	declarations int
	longest      int // full name, in bytes
}

func newFileSet() *fileSet { return &fileSet{names: map[string]bool{}, asked: map[string]bool{}} }

// next are the questions to ask: first for symbols, then for what the files import
// and that has not come with them. What comes with protobuf is not asked for.
func (s *fileSet) next() ([]question, error) {
	var list []question
	for _, name := range s.symbols {
		list = append(list, question{symbol: name})
	}
	if len(list) > 0 {
		return list, nil
	}
	for i := 0; i < len(s.set.File); i++ { // it grows
		for _, path := range s.set.File[i].GetDependency() {
			if s.names[path] || s.asked[path] {
				continue
			}
			if linked, err := protoregistry.GlobalFiles.FindFileByPath(path); err == nil && linked.Package() == "google.protobuf" {
				if err := s.add(protodesc.ToFileDescriptorProto(linked)); err != nil {
					return nil, err
				}
				continue
			}
			q := question{file: path}
			if slices.Contains(list, q) {
				continue
			}
			if len(s.names)+len(s.asked)+len(list) >= maxFiles {
				return nil, errTooMany
			}
			list = append(list, q)
		}
	}
	return list, nil
}

var errTooMany = fmt.Errorf("the files import more than %d", maxFiles)

// answered has the question not be asked again.
func (s *fileSet) answered(q question) {
	if q.symbol != "" {
		s.symbols = slices.DeleteFunc(s.symbols, func(name protoreflect.FullName) bool { return name == q.symbol })
		return
	}
	s.asked[q.file] = true
}

// take adds what an answer holds. An answer that there is no such thing adds
// nothing.
func (s *fileSet) take(answer []byte) error {
	m := &reflectionpb.ServerReflectionResponse{}
	if err := proto.Unmarshal(answer, m); err != nil {
		return errors.New("an answer is no ServerReflectionResponse")
	}
	if e := m.GetErrorResponse(); e != nil {
		if c := code.Code(e.GetErrorCode()); c != code.Code_NOT_FOUND {
			return &denial{c, e.GetErrorMessage()}
		}
		return nil
	}
	if m.GetFileDescriptorResponse() == nil {
		return errors.New("an answer holds no files")
	}
	for _, raw := range m.GetFileDescriptorResponse().GetFileDescriptorProto() {
		f := &descriptorpb.FileDescriptorProto{}
		// Options stay as they are: what this program takes them for, the server may use
		// for something else.
		if err := (proto.UnmarshalOptions{Resolver: new(protoregistry.Types)}).Unmarshal(raw, f); err != nil {
			return errors.New("a file is no FileDescriptorProto")
		}
		if err := s.add(f); err != nil {
			return err
		}
	}
	return nil
}

func (s *fileSet) add(f *descriptorpb.FileDescriptorProto) error {
	if s.names[f.GetName()] {
		return nil
	}
	if len(s.names) >= maxFiles {
		return errTooMany
	}
	// Under this name, protobuf-go takes a file of any edition, and ends the program
	// for one that it does not know.
	if strings.HasPrefix(f.GetName(), "cmd/protoc-gen-go/testdata/") {
		return errors.New("a file has a name that is reserved")
	}
	if err := s.weigh(f); err != nil {
		return err
	}
	f.SourceCodeInfo = nil
	s.names[f.GetName()] = true
	s.set.File = append(s.set.File, f)
	return nil
}

// weigh counts what a file declares, and refuses what is beyond the bounds.
func (s *fileSet) weigh(f *descriptorpb.FileDescriptorProto) error {
	scope := len(f.GetPackage())
	for _, m := range f.GetMessageType() {
		s.weighMessage(scope, m)
	}
	s.weighEnums(scope, f.GetEnumType())
	for _, x := range f.GetExtension() {
		s.declare(scope, x.GetName())
	}
	for _, service := range f.GetService() {
		inner := s.declare(scope, service.GetName())
		for _, m := range service.GetMethod() {
			s.declare(inner, m.GetName())
		}
	}
	if s.bloated() {
		return fmt.Errorf("the files declare more than %d names, or one of more than %d bytes", maxDeclarations, maxFullName)
	}
	return nil
}

func (s *fileSet) weighMessage(scope int, m *descriptorpb.DescriptorProto) {
	if s.bloated() {
		return
	}
	scope = s.declare(scope, m.GetName())
	for _, f := range m.GetField() {
		s.declare(scope, f.GetName())
	}
	for _, o := range m.GetOneofDecl() {
		s.declare(scope, o.GetName())
	}
	for _, x := range m.GetExtension() {
		s.declare(scope, x.GetName())
	}
	s.weighEnums(scope, m.GetEnumType())
	for _, nested := range m.GetNestedType() {
		s.weighMessage(scope, nested)
	}
}

func (s *fileSet) weighEnums(scope int, enums []*descriptorpb.EnumDescriptorProto) {
	for _, e := range enums {
		inner := s.declare(scope, e.GetName())
		for _, v := range e.GetValue() {
			s.declare(inner, v.GetName())
		}
	}
}

// declare counts a name in a scope, of which it takes and returns the length.
func (s *fileSet) declare(scope int, name string) int {
	scope += len(".") + len(name)
	s.declarations, s.longest = s.declarations+1, max(s.longest, scope)
	return scope
}

func (s *fileSet) bloated() bool { return s.declarations > maxDeclarations || s.longest > maxFullName }
