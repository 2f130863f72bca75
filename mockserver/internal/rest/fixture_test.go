package rest

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	_ "google.golang.org/genproto/googleapis/api/annotations"
	_ "google.golang.org/protobuf/types/known/anypb"
	_ "google.golang.org/protobuf/types/known/durationpb"
	_ "google.golang.org/protobuf/types/known/emptypb"
	_ "google.golang.org/protobuf/types/known/fieldmaskpb"
	_ "google.golang.org/protobuf/types/known/structpb"
	_ "google.golang.org/protobuf/types/known/timestamppb"
	_ "google.golang.org/protobuf/types/known/wrapperspb"
)

// subject is a handler whose methods remember what they received and answer
// with the zero message unless reply says otherwise.
type subject struct {
	*Handler
	reply func(ctx context.Context, procedure string, in proto.Message) (any, error)

	called  []string
	last    proto.Message
	lastCtx context.Context
}

func newSubject(t testing.TB, methods []protoreflect.MethodDescriptor, opts ...Option) *subject {
	t.Helper()
	s := &subject{}
	server := connect.NewServer()
	for _, m := range methods {
		server.Register(s.method(m))
	}
	h, err := New(server, methods, opts...)
	if err != nil {
		t.Fatal(err)
	}
	s.Handler = h
	return s
}

func (s *subject) method(m protoreflect.MethodDescriptor) connect.Method {
	spec := connect.Spec{
		Procedure: "/" + string(m.Parent().FullName()) + "/" + string(m.Name()),
		Schema:    m,
	}
	return connect.Method{Spec: spec, Handler: func(ctx context.Context, spec connect.Spec, stream connect.ServerStream) error {
		in := newMessage(m.Input())
		if err := stream.Receive(in); err != nil {
			return err
		}
		s.called = append(s.called, string(m.Name()))
		s.last, s.lastCtx = in, ctx
		var out any = newMessage(m.Output())
		if s.reply != nil {
			answer, err := s.reply(ctx, spec.Procedure, in)
			if err != nil {
				return err
			}
			if answer != nil {
				out = answer
			}
		}
		return stream.Send(out)
	}}
}

// newMessage prefers the generated type, as real handlers use it.
func newMessage(d protoreflect.MessageDescriptor) proto.Message {
	if mt, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName()); err == nil && mt.Descriptor() == d {
		return mt.New().Interface()
	}
	return dynamicpb.NewMessage(d)
}

// answer is what one request got.
type answer struct {
	code   int
	header http.Header
	body   string
}

// fatal is what testing.TB and *rapid.T have in common, as far as it is needed.
type fatal interface {
	Helper()
	Fatalf(format string, args ...any)
}

// do sends one request; header lines are "Key: value".
func (s *subject) do(t fatal, verb, target, body string, header ...string) answer {
	t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r := httptest.NewRequest(verb, target, reader)
	for _, line := range header {
		key, value, _ := strings.Cut(line, ": ")
		r.Header.Add(key, value)
	}
	s.called, s.last, s.lastCtx = nil, nil, nil
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	got := answer{code: w.Code, header: w.Result().Header, body: w.Body.String()}
	if !json.Valid([]byte(got.body)) {
		t.Fatalf("%s %s answered %q, want JSON", verb, target, got.body)
	}
	if ct := got.header.Get("Content-Type"); ct != "application/json" {
		t.Fatalf("%s %s content type %q, want application/json", verb, target, ct)
	}
	return got
}

// message is that of a Status body.
func (a answer) message(t testing.TB) string {
	t.Helper()
	return a.status(t).Message
}

type statusBody struct {
	Code    int32            `json:"code"`
	Message string           `json:"message"`
	Details []map[string]any `json:"details"`
}

func (a answer) status(t testing.TB) statusBody {
	t.Helper()
	var s statusBody
	decoder := json.NewDecoder(strings.NewReader(a.body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&s); err != nil {
		t.Fatalf("answer %s is no Status: %v", a.body, err)
	}
	return s
}

func methodsOf(services ...protoreflect.ServiceDescriptor) []protoreflect.MethodDescriptor {
	var out []protoreflect.MethodDescriptor
	for _, s := range services {
		for i := range s.Methods().Len() {
			out = append(out, s.Methods().Get(i))
		}
	}
	return out
}

func publishedMethods() []protoreflect.MethodDescriptor {
	return methodsOf(
		clouddesktop.File_yandex_cloud_clouddesktop_v1_desktop_image_service_proto.Services().ByName("DesktopImageService"),
		operation.File_yandex_cloud_operation_operation_service_proto.Services().ByName("OperationService"),
	)
}

// oddFile holds every type that a path or query can meet and templates that
// the published API does not use. Methods come from the callers.
const oddFile = `
name: "optest/rest/odd.proto"
package: "odd"
syntax: "proto3"
dependency: ["google/api/annotations.proto", "google/protobuf/any.proto", "google/protobuf/duration.proto",
  "google/protobuf/empty.proto", "google/protobuf/field_mask.proto", "google/protobuf/struct.proto",
  "google/protobuf/timestamp.proto", "google/protobuf/wrappers.proto"]
enum_type { name: "Color" value { name: "COLOR_UNSPECIFIED" number: 0 } value { name: "RED" number: 1 } value { name: "BLUE" number: 2 } }
message_type {
  name: "Sink"
  field { name: "id" json_name: "id" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
  field { name: "flag" json_name: "flag" number: 2 type: TYPE_BOOL label: LABEL_OPTIONAL }
  field { name: "small_int" json_name: "smallInt" number: 3 type: TYPE_INT32 label: LABEL_OPTIONAL }
  field { name: "big_int" json_name: "bigInt" number: 4 type: TYPE_INT64 label: LABEL_OPTIONAL }
  field { name: "small_uint" json_name: "smallUint" number: 5 type: TYPE_UINT32 label: LABEL_OPTIONAL }
  field { name: "big_uint" json_name: "bigUint" number: 6 type: TYPE_UINT64 label: LABEL_OPTIONAL }
  field { name: "single" json_name: "single" number: 7 type: TYPE_FLOAT label: LABEL_OPTIONAL }
  field { name: "double" json_name: "double" number: 8 type: TYPE_DOUBLE label: LABEL_OPTIONAL }
  field { name: "raw" json_name: "raw" number: 9 type: TYPE_BYTES label: LABEL_OPTIONAL }
  field { name: "color" json_name: "color" number: 10 type: TYPE_ENUM type_name: ".odd.Color" label: LABEL_OPTIONAL }
  field { name: "tags" json_name: "tags" number: 11 type: TYPE_STRING label: LABEL_REPEATED }
  field { name: "numbers" json_name: "numbers" number: 12 type: TYPE_SINT64 label: LABEL_REPEATED }
  field { name: "colors" json_name: "colors" number: 13 type: TYPE_ENUM type_name: ".odd.Color" label: LABEL_REPEATED }
  field { name: "child" json_name: "child" number: 14 type: TYPE_MESSAGE type_name: ".odd.Sink" label: LABEL_OPTIONAL }
  field { name: "children" json_name: "children" number: 15 type: TYPE_MESSAGE type_name: ".odd.Sink" label: LABEL_REPEATED }
  field { name: "labels" json_name: "labels" number: 16 type: TYPE_MESSAGE type_name: ".odd.Sink.LabelsEntry" label: LABEL_REPEATED }
  field { name: "at" json_name: "at" number: 17 type: TYPE_MESSAGE type_name: ".google.protobuf.Timestamp" label: LABEL_OPTIONAL }
  field { name: "lasts" json_name: "lasts" number: 18 type: TYPE_MESSAGE type_name: ".google.protobuf.Duration" label: LABEL_OPTIONAL }
  field { name: "mask" json_name: "mask" number: 19 type: TYPE_MESSAGE type_name: ".google.protobuf.FieldMask" label: LABEL_OPTIONAL }
  field { name: "maybe_int" json_name: "maybeInt" number: 20 type: TYPE_MESSAGE type_name: ".google.protobuf.Int64Value" label: LABEL_OPTIONAL }
  field { name: "maybe_text" json_name: "maybeText" number: 21 type: TYPE_MESSAGE type_name: ".google.protobuf.StringValue" label: LABEL_OPTIONAL }
  field { name: "maybe_flag" json_name: "maybeFlag" number: 22 type: TYPE_MESSAGE type_name: ".google.protobuf.BoolValue" label: LABEL_OPTIONAL }
  field { name: "times" json_name: "times" number: 23 type: TYPE_MESSAGE type_name: ".google.protobuf.Timestamp" label: LABEL_REPEATED }
  field { name: "tree" json_name: "tree" number: 24 type: TYPE_MESSAGE type_name: ".google.protobuf.Struct" label: LABEL_OPTIONAL }
  field { name: "packed" json_name: "packed" number: 25 type: TYPE_MESSAGE type_name: ".google.protobuf.Any" label: LABEL_OPTIONAL }
  field { name: "nothing" json_name: "nothing" number: 26 type: TYPE_MESSAGE type_name: ".google.protobuf.Empty" label: LABEL_OPTIONAL }
  field { name: "left" json_name: "left" number: 27 type: TYPE_STRING label: LABEL_OPTIONAL oneof_index: 0 }
  field { name: "right" json_name: "right" number: 28 type: TYPE_INT32 label: LABEL_OPTIONAL oneof_index: 0 }
  field { name: "given" json_name: "given" number: 29 type: TYPE_STRING label: LABEL_OPTIONAL proto3_optional: true oneof_index: 1 }
  field { name: "odd_name" json_name: "veryOdd" number: 30 type: TYPE_STRING label: LABEL_OPTIONAL }
  nested_type { name: "LabelsEntry" options { map_entry: true }
    field { name: "key" json_name: "key" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
    field { name: "value" json_name: "value" number: 2 type: TYPE_STRING label: LABEL_OPTIONAL } }
  oneof_decl { name: "side" }
  oneof_decl { name: "_given" }
}
service { name: "Odd" METHODS }
`

// oddMethods compiles methods given as one http rule each, in the text format.
// They take and return odd.Sink and are named M0, M1 and so on.
func oddMethods(t testing.TB, rules ...string) []protoreflect.MethodDescriptor {
	t.Helper()
	return oddMethodsAs(t, strings.NewReplacer(), rules...)
}

// oddMethodsAs renames what the file declares before it is compiled.
func oddMethodsAs(t testing.TB, rename *strings.Replacer, rules ...string) []protoreflect.MethodDescriptor {
	t.Helper()
	var methods strings.Builder
	for i, rule := range rules {
		methods.WriteString(`method { name: "M` + string(rune('0'+i)) + `" input_type: ".odd.Sink" output_type: ".odd.Sink"`)
		switch rule {
		case "": // no annotation
		case "stream":
			methods.WriteString(` server_streaming: true options { [google.api.http] { get: "/stream" } }`)
		default:
			methods.WriteString(` options { [google.api.http] { ` + rule + ` } }`)
		}
		methods.WriteString(" }\n")
	}
	return compileFile(t, rename.Replace(strings.Replace(oddFile, "METHODS", methods.String(), 1)))
}

// compileFile returns the methods of the first service of a file descriptor.
func compileFile(t testing.TB, text string) []protoreflect.MethodDescriptor {
	t.Helper()
	var fd descriptorpb.FileDescriptorProto
	if err := prototext.Unmarshal([]byte(text), &fd); err != nil {
		t.Fatal(err)
	}
	compiled, err := protodesc.NewFile(&fd, protoregistry.GlobalFiles)
	if err != nil {
		t.Fatal(err)
	}
	return methodsOf(compiled.Services().Get(0))
}

// sink reads text as odd.Sink, of the type that the method takes.
func sink(t testing.TB, m protoreflect.MethodDescriptor, text string) proto.Message {
	t.Helper()
	out := dynamicpb.NewMessage(m.Input())
	if err := prototext.Unmarshal([]byte(text), out); err != nil {
		t.Fatal(err)
	}
	return out
}
