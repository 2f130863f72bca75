package drive

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/optest-dev/optest/conformance/internal/rules"
)

func TestReflectionThatIsOfNoUse(t *testing.T) {
	whole := contractFiles(func(*shownFiles) {})
	services, _ := rules.Described()
	raw := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/grpc")
			w.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
			_, _ = io.WriteString(w, body) // the client may be gone
		}
	}
	changed := func(change func(*shownFiles)) http.HandlerFunc { return atOnce(contractFiles(change)) }
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		says    string
	}{
		"none":         {func(w http.ResponseWriter, _ *http.Request) { tell(w, code.Code_UNIMPLEMENTED) }, "the server has no reflection"},
		"none by HTTP": {http.NotFound, "the server has no reflection"},
		"refused":      {func(w http.ResponseWriter, _ *http.Request) { tell(w, code.Code_UNAUTHENTICATED) }, "UNAUTHENTICATED"},
		"refused in answers": {each(func(*reflectionpb.ServerReflectionRequest) *reflectionpb.ServerReflectionResponse {
			return errorAnswer(code.Code_INTERNAL)
		}), "INTERNAL: so it is"},
		"hangs": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "not told in 5s"},
		"hangs later": {func(w http.ResponseWriter, r *http.Request) {
			tell(w, code.Code_OK, filesAnswer(whole.files[imageServiceFile]))
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, "not told in 5s"},
		"trickles": {func(w http.ResponseWriter, r *http.Request) {
			tell(w, code.Code_OK)
			for r.Context().Err() == nil {
				_, _ = w.Write([]byte{0, 0, 0, 0, 0}) // until the client is gone
				_ = http.NewResponseController(w).Flush()
				select {
				case <-time.After(time.Second):
				case <-r.Context().Done():
				}
			}
		}, "not told in 5s"},
		"a connection that ends": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "there is no answer"},
		"endless": {func(w http.ResponseWriter, r *http.Request) {
			tell(w, code.Code_OK)
			for r.Context().Err() == nil {
				if _, err := w.Write(framed(make([]byte, 1<<16))); err != nil {
					return
				}
			}
		}, "no more than"},
		"a page": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<html>")
		}, `content type "text/html"`},
		"no messages":     {raw("not at all"), "no sequence of messages"},
		"garbage":         {raw(string(framed([]byte("\xff\xff")))), "no ServerReflectionResponse"},
		"an empty answer": {raw(string(framed(nil))), "holds no files"},
		"no answers":      {raw(""), "without an answer"},
		"compressed":      {raw("\x01\x00\x00\x00\x00"), "no sequence of messages"},
		"no status":       {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Type", "application/grpc") }, "without grpc-status"},
		"files that are none": {each(func(*reflectionpb.ServerReflectionRequest) *reflectionpb.ServerReflectionResponse {
			return &reflectionpb.ServerReflectionResponse{MessageResponse: &reflectionpb.ServerReflectionResponse_FileDescriptorResponse{
				FileDescriptorResponse: &reflectionpb.FileDescriptorResponse{FileDescriptorProto: [][]byte{[]byte("\xff")}},
			}}
		}), "no FileDescriptorProto"},
		"of another service": {each(func(*reflectionpb.ServerReflectionRequest) *reflectionpb.ServerReflectionResponse {
			return filesAnswer(&descriptorpb.FileDescriptorProto{Name: proto.String("x.proto")})
		}), "no service"},
		"of one service only": {changed(func(s *shownFiles) { delete(s.homes, string(services[1])) }), "no service " + string(services[1])},
		"a file left out":     {changed(leavingOut(operationFile)), "lack yandex.cloud.operation.Operation"},
		"a cycle": {changed(func(s *shownFiles) {
			s.files[imageMessageFile].Dependency = append(s.files[imageMessageFile].Dependency, imageServiceFile)
		}), "can't be put together"},
		"an unknown edition": {changed(func(s *shownFiles) {
			s.files[imageMessageFile].Syntax, s.files[imageMessageFile].Edition = proto.String("editions"), descriptorpb.Edition(9998).Enum()
		}), "can't be put together"},
		"an unknown edition under a reserved name": {changed(func(s *shownFiles) {
			const name = "cmd/protoc-gen-go/testdata/x.proto"
			s.files[name] = &descriptorpb.FileDescriptorProto{Name: proto.String(name), Syntax: proto.String("editions"), Edition: descriptorpb.Edition(9998).Enum()}
			s.files[imageMessageFile].Dependency = append(s.files[imageMessageFile].Dependency, name)
		}), "reserved"},
		"endless imports": {func(w http.ResponseWriter, r *http.Request) {
			each(func(q *reflectionpb.ServerReflectionRequest) *reflectionpb.ServerReflectionResponse {
				path := whole.path(q)
				return filesAnswer(&descriptorpb.FileDescriptorProto{Name: proto.String(path), Dependency: []string{path + "x"}})
			})(w, r)
		}, "not all there after"},
		"many imports": {each(func(*reflectionpb.ServerReflectionRequest) *reflectionpb.ServerReflectionResponse {
			f := &descriptorpb.FileDescriptorProto{Name: proto.String("x.proto")}
			for i := range 2 * maxFiles {
				f.Dependency = append(f.Dependency, fmt.Sprint(i))
			}
			return filesAnswer(f)
		}), "more than 1000"},
		"many files": {each(func(*reflectionpb.ServerReflectionRequest) *reflectionpb.ServerReflectionResponse {
			var list []*descriptorpb.FileDescriptorProto
			for i := range 2 * maxFiles {
				list = append(list, &descriptorpb.FileDescriptorProto{Name: proto.String(fmt.Sprint(i))})
			}
			return filesAnswer(list...)
		}), "more than 1000"},
		"very many paths of public imports": {changed(func(s *shownFiles) {
			for i := range 60 {
				for _, half := range "ab" {
					name := fmt.Sprintf("%d%c", i, half)
					f := &descriptorpb.FileDescriptorProto{Name: proto.String(name)}
					if i > 0 {
						f.Dependency, f.PublicDependency = []string{fmt.Sprintf("%da", i-1), fmt.Sprintf("%db", i-1)}, []int32{0, 1}
					}
					s.files[name] = f
				}
			}
			s.files[imageMessageFile].Dependency = append(s.files[imageMessageFile].Dependency, "59a")
			delete(s.files, operationFile) // and it can still be told what is wrong
		}), "lack yandex.cloud.operation.Operation"},
		"long names": {changed(func(s *shownFiles) {
			m := &descriptorpb.DescriptorProto{Name: proto.String(strings.Repeat("x", maxFullName))}
			s.files[imageMessageFile].MessageType = append(s.files[imageMessageFile].MessageType, m)
		}), "declare more than"},
		"deep messages": {changed(func(s *shownFiles) {
			m := &descriptorpb.DescriptorProto{Name: proto.String("x")}
			for range 3000 {
				m = &descriptorpb.DescriptorProto{Name: proto.String("x"), NestedType: []*descriptorpb.DescriptorProto{m}}
			}
			s.files[imageMessageFile].MessageType = append(s.files[imageMessageFile].MessageType, m)
		}), "declare more than"},
		"many names": {func(w http.ResponseWriter, _ *http.Request) {
			e := &descriptorpb.EnumDescriptorProto{Name: proto.String("E")}
			for i := range maxDeclarations + 1 {
				e.Value = append(e.Value, &descriptorpb.EnumValueDescriptorProto{Name: proto.String(fmt.Sprintf("V%d", i)), Number: proto.Int32(int32(i))})
			}
			tell(w, code.Code_OK, filesAnswer(&descriptorpb.FileDescriptorProto{Name: proto.String("x.proto"), EnumType: []*descriptorpb.EnumDescriptorProto{e}}))
		}, "declare more than"},
	} {
		t.Run(name, func(t *testing.T) {
			d := describing(t, test.handler)
			if d.files != nil || len(d.skipped) != 1 || !strings.Contains(d.skipped[0].Reason, test.says) {
				t.Errorf("files %t, skipped %v, want none because %q", d.files != nil, d.skipped, test.says)
			}
			if d.took > reflectionTime+time.Second || d.requests > maxRounds+1 {
				t.Errorf("%d requests in %v, want at most %d in %v", d.requests, d.took, maxRounds, reflectionTime)
			}
		})
	}
}
