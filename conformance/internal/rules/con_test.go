package rules

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/api"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

// descriptors are those that are linked in, the given file's changed.
func descriptors(t *testing.T, path string, change func(*descriptorpb.FileDescriptorProto)) *protoregistry.Files {
	t.Helper()
	set := &descriptorpb.FileDescriptorSet{}
	protoregistry.GlobalFiles.RangeFiles(func(f protoreflect.FileDescriptor) bool {
		if strings.HasPrefix(f.Path(), "optest/") {
			return true
		}
		p := protodesc.ToFileDescriptorProto(f)
		if f.Path() == path {
			change(p)
		}
		set.File = append(set.File, p)
		return true
	})
	files, err := protodesc.NewFiles(set)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

const (
	serviceFile = "yandex/cloud/clouddesktop/v1/desktop_image_service.proto"
	imageFile   = "yandex/cloud/clouddesktop/v1/desktop_image.proto"
)

func messageIn(f *descriptorpb.FileDescriptorProto, name string) *descriptorpb.DescriptorProto {
	for _, m := range f.MessageType {
		if m.GetName() == name {
			return m
		}
	}
	panic("no message " + name)
}

func fieldIn(f *descriptorpb.FileDescriptorProto, message, name string) *descriptorpb.FieldDescriptorProto {
	for _, field := range messageIn(f, message).Field {
		if field.GetName() == name {
			return field
		}
	}
	panic("no field " + name)
}

func methodIn(f *descriptorpb.FileDescriptorProto, name string) *descriptorpb.MethodDescriptorProto {
	for _, m := range f.Service[0].Method {
		if m.GetName() == name {
			return m
		}
	}
	panic("no method " + name)
}

func annotated(f *descriptorpb.FileDescriptorProto, method string, change func(*api.Operation)) {
	m := methodIn(f, method)
	m.Options = proto.CloneOf(m.GetOptions())
	a := proto.CloneOf(proto.GetExtension(m.GetOptions(), api.E_Operation).(*api.Operation))
	change(a)
	proto.SetExtension(m.GetOptions(), api.E_Operation, a)
}

func TestDescriptors(t *testing.T) {
	type file = descriptorpb.FileDescriptorProto
	for _, row := range []struct {
		name, path string
		change     func(*file)
		con01      Verdict
		con02      string // a part of each finding; empty: Pass
	}{
		{"the contract's", serviceFile, func(*file) {}, Pass, ""},
		{"a newer server's", serviceFile, func(f *file) {
			m := messageIn(f, "CopyFromDesktopRequest")
			m.Field = append(m.Field, &descriptorpb.FieldDescriptorProto{
				Name: proto.String("further"), Number: proto.Int32(40),
				Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(), Type: descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum(),
			})
		}, Pass, ""},
		{"swapped numbers", serviceFile, func(f *file) {
			fieldIn(f, "UpdateDesktopImageRequest", "image_id").Number = proto.Int32(2)
			fieldIn(f, "UpdateDesktopImageRequest", "update_mask").Number = proto.Int32(1)
		}, Pass, "UpdateDesktopImageRequest.image_id has the number 1 by the contract and 2|UpdateDesktopImageRequest.update_mask has the number 2 by the contract and 1"},
		{"another type", imageFile, func(f *file) {
			fieldIn(f, "DesktopImage", "storage_size").Type = descriptorpb.FieldDescriptorProto_TYPE_SINT64.Enum()
		}, Pass, "storage_size is int64 by the contract and sint64"},
		{"a list", imageFile, func(f *file) {
			fieldIn(f, "DesktopImage", "name").Label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
		}, Pass, "name is string by the contract and repeated string"},
		{"another name", imageFile, func(f *file) {
			fieldIn(f, "DesktopImage", "name").Name, fieldIn(f, "DesktopImage", "name").JsonName = proto.String("title"), nil
		}, Pass, "name, number 11, is called title"},
		{"another JSON name", imageFile, func(f *file) { fieldIn(f, "DesktopImage", "name").JsonName = proto.String("title") }, Pass, `name is "name" in JSON by the contract and "title"`},
		{"a field less", imageFile, func(f *file) {
			m := messageIn(f, "DesktopImage")
			m.Field = m.Field[:len(m.Field)-1]
		}, Pass, "have no yandex.cloud.clouddesktop.v1.api.DesktopImage.description, number 16"},
		{"a reserved number", imageFile, func(f *file) {
			m := messageIn(f, "DesktopImage")
			m.ReservedRange = nil
			m.Field = append(m.Field, &descriptorpb.FieldDescriptorProto{
				Name: proto.String("old"), Number: proto.Int32(3),
				Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(), Type: descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum(),
			})
		}, Pass, "old the number 3, which the contract has reserved"},
		{"a value of another name", imageFile, func(f *file) { messageIn(f, "DesktopImage").EnumType[0].Value[2].Name = proto.String("READY") }, Pass, "ACTIVE, number 2, is called READY"},
		{"a method less", serviceFile, func(f *file) { f.Service[0].Method = f.Service[0].Method[1:] }, Pass, "have no method yandex.cloud.clouddesktop.v1.api.DesktopImageService.List"},
		{"another response", serviceFile, func(f *file) {
			methodIn(f, "List").OutputType = proto.String(".yandex.cloud.clouddesktop.v1.api.ListDesktopImagesRequest")
		}, Pass, "List returns yandex.cloud.clouddesktop.v1.api.ListDesktopImagesRequest"},
		{"a stream", serviceFile, func(f *file) { methodIn(f, "List").ServerStreaming = proto.Bool(true) }, Pass, "List is a stream"},
		{"a response that does not exist", serviceFile, func(f *file) {
			annotated(f, "CopyFromDesktop", func(a *api.Operation) { a.Response = "DiskImage" })
		}, Fail, ""},
		{"metadata that does not exist", serviceFile, func(f *file) {
			annotated(f, "CopyFromDesktop", func(a *api.Operation) { a.Metadata = "..no name" })
		}, Fail, ""},
		{"no response", serviceFile, func(f *file) { annotated(f, "Delete", func(a *api.Operation) { a.Response = "" }) }, Fail, ""},
		{"no metadata", serviceFile, func(f *file) { annotated(f, "Delete", func(a *api.Operation) { a.Metadata = "" }) }, Pass, ""},
		{"a newer server's method, with metadata that is not shown", serviceFile, func(f *file) {
			m := proto.CloneOf(methodIn(f, "CopyFromDesktop"))
			m.Name = proto.String("Move")
			f.Service[0].Method = append(f.Service[0].Method, m)
			annotated(f, "Move", func(a *api.Operation) { a.Metadata = "MoveMetadata" })
		}, Pass, ""},
		{"the contract's metadata, which is not shown", serviceFile, func(f *file) {
			messageIn(f, "CopyFromDesktopMetadata").Name = proto.String("Moved")
		}, Pass, "have no message yandex.cloud.clouddesktop.v1.api.CopyFromDesktopMetadata"},
		{"a message in place of an enum", imageFile, func(f *file) {
			m := messageIn(f, "DesktopImage")
			m.EnumType[0].Name = proto.String("Was")
			m.NestedType = append(m.NestedType, &descriptorpb.DescriptorProto{Name: proto.String("Status")})
			fieldIn(f, "DesktopImage", "status").Type = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum()
		}, Pass, "status is enum yandex.cloud.clouddesktop.v1.api.DesktopImage.Status by the contract and message"},
		{"a group in place of a message", imageFile, func(f *file) {
			f.Syntax, f.Edition = proto.String("editions"), descriptorpb.Edition_EDITION_2023.Enum()
			fieldIn(f, "DesktopImage", "created_at").Options = &descriptorpb.FieldOptions{Features: &descriptorpb.FeatureSet{MessageEncoding: descriptorpb.FeatureSet_DELIMITED.Enum()}}
		}, Pass, "created_at is message google.protobuf.Timestamp by the contract and group"},
		{"no operation", serviceFile, func(f *file) {
			methodIn(f, "Delete").OutputType = proto.String(".yandex.cloud.clouddesktop.v1.api.DesktopImage")
		}, Fail, "Delete returns yandex.cloud.clouddesktop.v1.api.DesktopImage"},
	} {
		t.Run(row.name, func(t *testing.T) {
			env := newScene(t).env
			env.Descriptors = descriptors(t, row.path, row.change)
			results := Check(env, descriptorRules(), nil)
			if r := results[0]; r.Verdict != row.con01 {
				t.Errorf("got %s\nwant %s", describe(r), row.con01)
			}
			var want []string
			if row.con02 != "" {
				want = strings.Split(row.con02, "|")
			}
			r := results[1]
			ok := len(r.Findings) == len(want) && (r.Verdict == Pass) == (len(want) == 0) && r.Verdict != Fail
			for i := range min(len(want), len(r.Findings)) {
				ok = ok && strings.Contains(r.Findings[i].Text, want[i])
			}
			if !ok {
				t.Errorf("got %s\nwant warnings with %q", describe(r), want)
			}
			if r := results[2]; r.Verdict != Pass || r.Exercised != 11 {
				t.Errorf("got %s\nwant PASS of 11", describe(r))
			}
		})
	}
}

func TestDescriptorsThatAreNotKnown(t *testing.T) {
	results := Check(newScene(t).env, descriptorRules(), nil)
	for i, want := range []Verdict{Pass, NotExercised, Pass} {
		if results[i].Verdict != want {
			t.Errorf("got %s\nwant %s", describe(results[i]), want)
		}
	}
	env := newScene(t).env
	env.Descriptors = new(protoregistry.Files)
	results = Check(env, descriptorRules(), nil)
	for i, want := range []Verdict{NotExercised, Warned, Pass} {
		if results[i].Verdict != want {
			t.Errorf("of no files: got %s\nwant %s", describe(results[i]), want)
		}
	}
}

func TestDriftIsTold(t *testing.T) {
	drifts := Drifts()
	if len(drifts) != 11 {
		t.Fatalf("%d drifts, want 11", len(drifts))
	}
	for _, d := range drifts {
		if !d.holds() {
			t.Errorf("%s: %s That is no longer so: change or remove the entry", d.ID, d.Stands)
		}
		if d.Written == "" || d.Stands == "" || d.Effect == "" {
			t.Errorf("%s says nothing: %+v", d.ID, d)
		}
	}
	raw, err := json.Marshal(drifts[3])
	if err != nil || !strings.HasPrefix(string(raw), `{"id":"D4","written":"The guide cancels`) {
		t.Errorf("as JSON: %s, %v", raw, err)
	}
}

func TestNumbersOfFields(t *testing.T) {
	update := func(s *scene, w wire, image, description string, ok bool) {
		c := s.client("first", w)
		request := &clouddesktop.UpdateDesktopImageRequest{ImageId: image, Description: description, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"description"}}}
		if ok {
			c.begins(MethodUpdate, request, time.Nanosecond)
		} else {
			c.fails(MethodUpdate, request, statusWith(code.Code_INVALID_ARGUMENT, "no message"))
		}
	}
	// A word for each call: in which encoding, and whether it is taken.
	story := func(calls string) func(*scene) {
		return func(s *scene) {
			l := s.client("first", overGRPC).begins(MethodCreate, copyOf(s, "x", "desk-succeeds"), time.Nanosecond)
			l.succeeds()
			over := map[byte]wire{'g': overGRPC, 'w': overWeb, 'c': overConnect, 'j': overConnectJSON, 'r': overREST}
			for i, call := range strings.Fields(calls) {
				update(s, over[call[0]], l.image.GetId(), strings.Repeat("x", i+1), call[1] == '+')
			}
		}
	}
	for calls, want := range map[string]Verdict{
		"g+ w+ c+ j+ r+": Pass,
		"g- w- c- j+ r+": Warned,
		"r+ g- g-":       Warned,
		"g- r+":          Pass,
		"g- g- r-":       Pass,
		"g- g- g+ r+":    Pass,
		"g- w- c-":       NotExercised,
	} {
		wireCase{"CON-02", calls, story(calls), want}.run(t)
	}
}

func TestWhatDescriptorsAreJudgedBy(t *testing.T) {
	services, held := Described()
	if len(services) != 2 || len(held) < 5 || !slices.Contains(held, "yandex.cloud.clouddesktop.v1.api.CopyFromDesktopMetadata") {
		t.Errorf("services %v, messages %v, want those of the contract", services, held)
	}
	for _, row := range []struct {
		name   string
		change func(*api.Operation)
		want   []protoreflect.FullName
	}{
		{"the contract's", func(*api.Operation) {}, nil},
		{"nothing", func(a *api.Operation) { a.Metadata, a.Response = "", "" }, nil},
		{"no names", func(a *api.Operation) { a.Metadata = "..no name" }, nil},
		{"something else", func(a *api.Operation) { a.Metadata = "Other" }, []protoreflect.FullName{
			"yandex.cloud.clouddesktop.v1.api.Other", "yandex.cloud.clouddesktop.v1.Other", "yandex.cloud.clouddesktop.Other", "yandex.cloud.Other", "yandex.Other", "Other",
		}},
	} {
		files := descriptors(t, serviceFile, func(f *descriptorpb.FileDescriptorProto) { annotated(f, "Delete", row.change) })
		if got := Unresolved(files); !slices.Equal(got, row.want) {
			t.Errorf("annotated with %s: unresolved %v, want %v", row.name, got, row.want)
		}
	}
}
