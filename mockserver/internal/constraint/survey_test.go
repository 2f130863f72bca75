package constraint

import (
	_ "embed"
	"fmt"
	"strings"
	"testing"

	_ "github.com/yandex-cloud/go-genproto/yandex/cloud/apploadbalancer/v1" // unique messages
	_ "github.com/yandex-cloud/go-genproto/yandex/cloud/cic/v1"             // a required number in a oneof
	_ "github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	_ "github.com/yandex-cloud/go-genproto/yandex/cloud/compute/v1" // a repeat without a lower count
	_ "github.com/yandex-cloud/go-genproto/yandex/cloud/containerregistry/v1"
	_ "github.com/yandex-cloud/go-genproto/yandex/cloud/dns/v1"
	_ "github.com/yandex-cloud/go-genproto/yandex/cloud/endpoint"
	_ "github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	_ "github.com/yandex-cloud/go-genproto/yandex/cloud/kms/v1"
	_ "github.com/yandex-cloud/go-genproto/yandex/cloud/lockbox/v1"
	_ "github.com/yandex-cloud/go-genproto/yandex/cloud/logging/v1" // the bytes option
	_ "github.com/yandex-cloud/go-genproto/yandex/cloud/monitoring/v3"
	_ "github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	_ "github.com/yandex-cloud/go-genproto/yandex/cloud/resourcemanager/v1"
	searchapi "github.com/yandex-cloud/go-genproto/yandex/cloud/searchapi/v2" // required members of one oneof
	_ "github.com/yandex-cloud/go-genproto/yandex/cloud/serverless/functions/v1"
	_ "github.com/yandex-cloud/go-genproto/yandex/cloud/vpc/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

//go:embed testdata/forms.tsv
var forms string

// Every text of an option in the API compiles on a field of its type, with none
// left out for want of a meaning.
func TestEveryFormInUse(t *testing.T) {
	rows := 0
	for line := range strings.Lines(forms) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "#") {
			continue
		}
		rows++
		cells := strings.Split(line, "\t")
		if len(cells) != 3 {
			t.Fatalf("row %q has %d cells, want 3", line, len(cells))
		}
		md := schema(t, formMessage(t, cells[0], cells[1], cells[2]), message("Other", one("string", "x")))
		if err := Compile(md); err != nil {
			t.Error(err)
		}
		p := programOf(md)
		if len(p.steps) != 1 {
			t.Errorf("%q: got %d steps, want 1", line, len(p.steps))
			continue
		}
		if got, want := ruleCount(p.steps[0]), 1; got != want {
			t.Errorf("%q: got %d rules, want %d", line, got, want)
		}
	}
	if rows < 600 {
		t.Errorf("got %d rows, want all of them", rows)
	}
}

func ruleCount(s step) int {
	f := field{}
	switch s := s.(type) {
	case *single:
		f = s.field
	case *list:
		f = s.field
	case *mapping:
		f = s.field
	}
	n := len(f.values) + len(f.keys)
	if f.size != nil {
		n++
	}
	return n
}

func formMessage(t *testing.T, optionName, typ, text string) *messagePB {
	var o option
	switch optionName {
	case "length":
		o = length(text)
	case "size":
		o = size(text)
	case "value":
		o = value(text)
	case "pattern":
		o = matching(text)
	case "bytes":
		o = inBytes(text)
	case "map_key.length":
		o = mapKey(func(k *keySpec) { k.Length = text })
	case "map_key.pattern":
		o = mapKey(func(k *keySpec) { k.Pattern = text })
	default:
		t.Fatalf("option %q is not one of those in use", optionName)
	}
	if args, isMap := strings.CutPrefix(typ, "map<"); isMap {
		k, v, _ := strings.Cut(strings.TrimSuffix(args, ">"), ",")
		return withMap(message("M"), k, fieldType(v), "f", o)
	}
	if elem, isList := strings.CutPrefix(typ, "repeated "); isList {
		return message("M", many(fieldType(elem), "f", o))
	}
	return message("M", one(fieldType(typ), "f", o))
}

func fieldType(s string) string {
	switch {
	case s == "message":
		return ".t.Other"
	case s == "enum":
		return "enum .t.Action"
	case s[0] >= 'A' && s[0] <= 'Z':
		return ".google.protobuf." + s
	}
	return s
}

// All messages that this test links compile, and the empty and a nil message of
// each can be checked.
func TestEveryLinkedMessage(t *testing.T) {
	files, messages, withRules := 0, 0, 0
	var visit func(protoreflect.MessageDescriptors)
	visit = func(all protoreflect.MessageDescriptors) {
		for i := range all.Len() {
			md := all.Get(i)
			visit(md.Messages())
			if md.IsMapEntry() {
				continue
			}
			messages++
			if err := Compile(md); err != nil {
				t.Error(err)
			}
			if programOf(md).active {
				withRules++
			}
			mt, err := protoregistry.GlobalTypes.FindMessageByName(md.FullName())
			if err != nil {
				t.Error(err)
				continue
			}
			empty, unset := Check(mt.New().Interface()), Check(mt.Zero().Interface())
			checkBounds(t, empty)
			if fmt.Sprint(empty) != fmt.Sprint(unset) {
				t.Errorf("%s: an empty message gives %v and a nil one %v", md.FullName(), empty, unset)
			}
		}
	}
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		if strings.HasPrefix(file.Path(), "yandex/") {
			files++
			visit(file.Messages())
		}
		return true
	})
	t.Logf("%d files, %d messages, %d with something to check", files, messages, withRules)
	if files < 150 || withRules < 400 {
		t.Errorf("got %d files and %d messages with rules, want those imported", files, withRules)
	}
}

// Three members of one oneof are marked required: to demand them all would
// refuse every request.
func TestRequiredMembersOfOneOneof(t *testing.T) {
	type request = searchapi.ImageSearchByImageRequest
	for _, tc := range []struct {
		m    proto.Message
		want string
	}{
		{&request{FolderId: "f", Image: &searchapi.ImageSearchByImageRequest_Url{Url: "u"}}, ""},
		{&request{FolderId: "f", Image: &searchapi.ImageSearchByImageRequest_Data{Data: []byte("d")}}, ""},
		{&request{FolderId: "f", Image: &searchapi.ImageSearchByImageRequest_Url{}}, "url: required, got an empty string"},
		{&request{FolderId: "f", Image: &searchapi.ImageSearchByImageRequest_Data{}}, "data: required, got no bytes"},
		{&request{FolderId: "f"}, "image: exactly one of url, data, id must be set, got none"},
	} {
		if got := strings.Join(found(tc.m), "\n"); got != tc.want {
			t.Errorf("%v: got %q, want %q", tc.m, got, tc.want)
		}
	}
}
