package drive

import (
	"fmt"
	"io"
	"net/http"

	"google.golang.org/genproto/googleapis/rpc/code"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/optest-dev/optest/conformance/internal/rules"
)

// shownFiles are what a server's reflection shows, by name, and who declares what.
type shownFiles struct {
	files map[string]*descriptorpb.FileDescriptorProto
	homes map[string]string
}

const (
	imageServiceFile = "yandex/cloud/clouddesktop/v1/desktop_image_service.proto"
	imageMessageFile = "yandex/cloud/clouddesktop/v1/desktop_image.proto"
	operationFile    = "yandex/cloud/operation/operation.proto"
	validationFile   = "yandex/cloud/validation.proto"
	annotationsFile  = "google/api/annotations.proto"
)

// contractFiles are those of the contract, changed.
func contractFiles(change func(*shownFiles)) *shownFiles {
	s := &shownFiles{map[string]*descriptorpb.FileDescriptorProto{}, map[string]string{}}
	var add func(protoreflect.FileDescriptor)
	add = func(f protoreflect.FileDescriptor) {
		if s.files[f.Path()] != nil {
			return
		}
		s.files[f.Path()] = protodesc.ToFileDescriptorProto(f)
		for i := range f.Imports().Len() {
			add(f.Imports().Get(i).FileDescriptor)
		}
	}
	services, held := rules.Described()
	for _, name := range append(services, held...) {
		d, err := protoregistry.GlobalFiles.FindDescriptorByName(name)
		if err != nil {
			panic(err)
		}
		s.homes[string(name)] = d.ParentFile().Path()
		add(d.ParentFile())
	}
	change(s)
	return s
}

// leavingOut leaves files out.
func leavingOut(paths ...string) func(*shownFiles) {
	return func(s *shownFiles) {
		for _, path := range paths {
			delete(s.files, path)
		}
	}
}

// path is that of the file which a request asks for.
func (s *shownFiles) path(q *reflectionpb.ServerReflectionRequest) string {
	if symbol := q.GetFileContainingSymbol(); symbol != "" {
		return s.homes[symbol]
	}
	return q.GetFileByFilename()
}

// withImports is a file and all that it imports.
func (s *shownFiles) withImports(path string) []*descriptorpb.FileDescriptorProto {
	var list []*descriptorpb.FileDescriptorProto
	seen := map[string]bool{}
	var add func(string)
	add = func(path string) {
		f := s.files[path]
		if f == nil || seen[path] {
			return
		}
		seen[path] = true
		list = append(list, f)
		for _, d := range f.GetDependency() {
			add(d)
		}
	}
	add(path)
	return list
}

func (s *shownFiles) alone(path string) []*descriptorpb.FileDescriptorProto {
	if f := s.files[path]; f != nil {
		return []*descriptorpb.FileDescriptorProto{f}
	}
	return nil
}

func filesAnswer(files ...*descriptorpb.FileDescriptorProto) *reflectionpb.ServerReflectionResponse {
	held := &reflectionpb.FileDescriptorResponse{}
	for _, f := range files {
		raw, err := proto.Marshal(f)
		if err != nil {
			panic(err)
		}
		held.FileDescriptorProto = append(held.FileDescriptorProto, raw)
	}
	return &reflectionpb.ServerReflectionResponse{MessageResponse: &reflectionpb.ServerReflectionResponse_FileDescriptorResponse{FileDescriptorResponse: held}}
}

func errorAnswer(c code.Code) *reflectionpb.ServerReflectionResponse {
	return &reflectionpb.ServerReflectionResponse{MessageResponse: &reflectionpb.ServerReflectionResponse_ErrorResponse{
		ErrorResponse: &reflectionpb.ErrorResponse{ErrorCode: int32(c), ErrorMessage: "so it is"},
	}}
}

// found answers with files, or that there are none.
func found(files []*descriptorpb.FileDescriptorProto) *reflectionpb.ServerReflectionResponse {
	if len(files) == 0 {
		return errorAnswer(code.Code_NOT_FOUND)
	}
	return filesAnswer(files...)
}

// asksOf are the requests in the body of a call.
func asksOf(r *http.Request) []*reflectionpb.ServerReflectionRequest {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil // the client has gone
	}
	messages, err := messagesOf(body)
	if err != nil {
		panic(err)
	}
	var list []*reflectionpb.ServerReflectionRequest
	for _, raw := range messages {
		q := &reflectionpb.ServerReflectionRequest{}
		if err := proto.Unmarshal(raw, q); err != nil {
			panic(err)
		}
		list = append(list, q)
	}
	return list
}

// tell writes answers and a status as gRPC.
func tell(w http.ResponseWriter, status code.Code, answers ...*reflectionpb.ServerReflectionResponse) {
	w.Header().Set("Content-Type", "application/grpc")
	w.Header().Set(http.TrailerPrefix+"Grpc-Status", fmt.Sprint(int(status)))
	for _, a := range answers {
		raw, err := proto.Marshal(a)
		if err != nil {
			panic(err)
		}
		_, _ = w.Write(framed(raw)) // the client may be gone
	}
}

// each answers every request by itself.
func each(answer func(*reflectionpb.ServerReflectionRequest) *reflectionpb.ServerReflectionResponse) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var answers []*reflectionpb.ServerReflectionResponse
		for _, q := range asksOf(r) {
			answers = append(answers, answer(q))
		}
		tell(w, code.Code_OK, answers...)
	}
}

// atOnce shows files with their imports, as most servers do.
func atOnce(s *shownFiles) http.HandlerFunc {
	return each(func(q *reflectionpb.ServerReflectionRequest) *reflectionpb.ServerReflectionResponse {
		return found(s.withImports(s.path(q)))
	})
}

// oneByOne shows only the file that it is asked for.
func oneByOne(s *shownFiles) http.HandlerFunc {
	return each(func(q *reflectionpb.ServerReflectionRequest) *reflectionpb.ServerReflectionResponse {
		return found(s.alone(s.path(q)))
	})
}
