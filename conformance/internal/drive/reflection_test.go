package drive

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/optest-dev/optest/conformance/internal/rules"
	"github.com/optest-dev/optest/trace"
)

// described is what a run finds out of a server in virtual time.
type described struct {
	files    *protoregistry.Files
	skipped  []Skipped
	took     time.Duration
	requests int
}

func describing(t *testing.T, h http.Handler) described {
	t.Helper()
	var d described
	synctest.Test(t, func(t *testing.T) {
		recorder := NewRecorder(func(e *trace.Event) { t.Errorf("event %v, want none", e) })
		endpoint := listen(t, pipes, overHTTP(t, h))
		endpoint.Token = "a token"
		w := Open(Plan{Endpoint: endpoint, Protocols: []Protocol{GRPC}}, recorder)
		defer w.Close()
		d.files, d.skipped = w.Describe(t.Context())
		d.took = w.Elapsed()
		d.requests, _ = w.Used()
	})
	return d
}

// judged are what the rules find that go by descriptors.
func judged(files *protoregistry.Files) []rules.Finding {
	var list []rules.Finding
	for _, r := range rules.Check(&rules.Env{Contract: rules.Guide, Descriptors: files}, []*rules.Rule{rules.Find("CON-01"), rules.Find("CON-02")}, nil) {
		list = append(list, r.Findings...)
	}
	return list
}

func TestReflectionThatShowsTheContract(t *testing.T) {
	whole := contractFiles(func(*shownFiles) {})
	// newer is a server of later times: with more of everything.
	newer := contractFiles(func(s *shownFiles) {
		s.files["further.proto"] = &descriptorpb.FileDescriptorProto{
			Name: proto.String("further.proto"), Syntax: proto.String("editions"), Edition: descriptorpb.Edition_EDITION_2023.Enum(),
			MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("Further")}},
		}
		image := s.files[imageMessageFile]
		image.Dependency = append(image.Dependency, "further.proto")
		image.MessageType[0].Field = append(image.MessageType[0].Field, &descriptorpb.FieldDescriptorProto{
			Name: proto.String("further"), Number: proto.Int32(40), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
			Type: descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum(), TypeName: proto.String(".Further"),
		})
		service := s.files[imageServiceFile].Service[0]
		method := proto.CloneOf(service.Method[len(service.Method)-1])
		method.Name = proto.String("Further")
		method.Options.ProtoReflect().SetUnknown(protowire.AppendBytes(protowire.AppendTag(nil, 99999, protowire.BytesType), []byte("\xff\xff")))
		service.Method = append(service.Method, method)
		s.files[imageServiceFile].Service = append(s.files[imageServiceFile].Service, &descriptorpb.ServiceDescriptorProto{Name: proto.String("FurtherService")})
	})
	editions := contractFiles(func(s *shownFiles) {
		f := s.files[imageMessageFile]
		f.Syntax, f.Edition = proto.String("editions"), descriptorpb.Edition_EDITION_2023.Enum()
	})
	publicly := contractFiles(func(s *shownFiles) {
		s.files["all.proto"] = &descriptorpb.FileDescriptorProto{Name: proto.String("all.proto"), Dependency: []string{imageMessageFile}, PublicDependency: []int32{0}}
		service := s.files[imageServiceFile]
		for i, path := range service.Dependency {
			if path == imageMessageFile {
				service.Dependency[i] = "all.proto"
			}
		}
	})
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		most    int // requests
	}{
		"at once":    {atOnce(whole), 1},
		"one by one": {oneByOne(whole), 8},
		"only v1alpha": {func(w http.ResponseWriter, r *http.Request) {
			if !strings.Contains(r.URL.Path, ".v1alpha.") {
				tell(w, code.Code_UNIMPLEMENTED)
				return
			}
			atOnce(whole)(w, r)
		}, 2},
		"v1 for others": {func(w http.ResponseWriter, r *http.Request) {
			if !strings.Contains(r.URL.Path, ".v1alpha.") {
				tell(w, code.Code_PERMISSION_DENIED)
				return
			}
			atOnce(whole)(w, r)
		}, 2},
		"one answer in each call": {func(w http.ResponseWriter, r *http.Request) {
			tell(w, code.Code_OK, found(whole.withImports(whole.path(asksOf(r)[0]))))
		}, 16},
		"a status in place of an answer": {func(w http.ResponseWriter, r *http.Request) {
			s := contractFiles(leavingOut(annotationsFile, validationFile))
			var answers []*reflectionpb.ServerReflectionResponse
			for _, q := range asksOf(r) {
				files := s.alone(s.path(q))
				if len(files) == 0 {
					tell(w, code.Code_NOT_FOUND, answers...)
					return
				}
				answers = append(answers, filesAnswer(files...))
			}
			tell(w, code.Code_OK, answers...)
		}, 16},
		"for those who show a token": {func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "Bearer a token" {
				tell(w, code.Code_UNAUTHENTICATED)
				return
			}
			atOnce(whole)(w, r)
		}, 1},
		"without what comes with protobuf": {atOnce(contractFiles(leavingOut("google/protobuf/any.proto", "google/protobuf/timestamp.proto", "google/protobuf/descriptor.proto", "google/protobuf/field_mask.proto"))), 1},
		"without the files of options":     {atOnce(contractFiles(leavingOut(annotationsFile, validationFile))), 2},
		"a newer server's":                 {atOnce(newer), 1},
		"of an edition":                    {oneByOne(editions), 8},
		"by a public import":               {oneByOne(publicly), 8},
	} {
		t.Run(name, func(t *testing.T) {
			d := describing(t, test.handler)
			if d.files == nil || len(d.skipped) > 0 {
				t.Fatalf("no files, skipped %v, want the contract's", d.skipped)
			}
			if findings := judged(d.files); len(findings) > 0 {
				t.Errorf("findings %v, want none", findings)
			}
			if d.requests > test.most || d.took > time.Second {
				t.Errorf("%d requests in %v, want at most %d", d.requests, d.took, test.most)
			}
		})
	}
}

func TestReflectionThatShowsSomethingElse(t *testing.T) {
	swapped := contractFiles(func(s *shownFiles) {
		for _, f := range s.files[imageMessageFile].MessageType[0].Field {
			switch f.GetName() {
			case "name":
				f.Number = proto.Int32(16)
			case "description":
				f.Number = proto.Int32(11)
			}
		}
	})
	findings := judged(describing(t, atOnce(swapped)).files)
	if len(findings) != 2 || findings[0].Kind != rules.Warning || !strings.Contains(findings[0].Text, "DesktopImage.name has the number 11 by the contract and 16") {
		t.Errorf("findings %v, want warnings of two numbers", findings)
	}
}

// What a server shows must not harm the run.
func FuzzReflection(f *testing.F) {
	whole := contractFiles(func(*shownFiles) {})
	body := func(answers ...*reflectionpb.ServerReflectionResponse) (list []byte) {
		for _, a := range answers {
			raw, err := proto.Marshal(a)
			if err != nil {
				f.Fatal(err)
			}
			list = append(list, framed(raw)...)
		}
		return list
	}
	services, _ := rules.Described()
	f.Add(body(filesAnswer(whole.withImports(whole.homes[string(services[0])])...), filesAnswer(whole.withImports(whole.homes[string(services[1])])...)))
	f.Add(body(errorAnswer(code.Code_NOT_FOUND)))
	f.Add([]byte("\x00\x00\x00\x00\x01\xff"))
	f.Fuzz(func(t *testing.T, body []byte) {
		answers, err := messagesOf(body)
		if err != nil {
			return
		}
		set := newFileSet()
		for _, a := range answers {
			if set.take(a) != nil {
				return
			}
		}
		if _, err := set.next(); err != nil {
			return
		}
		if files, err := set.build(); err == nil {
			rules.Unresolved(files)
			judged(files)
		}
	})
}
