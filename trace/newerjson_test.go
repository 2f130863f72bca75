package trace

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"
	"pgregory.net/rapid"

	"github.com/optest-dev/optest/internal/draw"
)

func TestUnmarshalJSONOfNewerServers(t *testing.T) {
	image, err := anypb.New(&clouddesktop.DesktopImage{Id: "img", Status: newerEnum, Labels: map[string]string{"status": "NEW"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, json string
		want       proto.Message
	}{
		{"nothing new", `{"id":"img","status":"ACTIVE"}`, &clouddesktop.DesktopImage{Id: "img", Status: clouddesktop.DesktopImage_ACTIVE}},
		{"a field", `{"id":"img","size":{"status":"NEW"}}`, &clouddesktop.DesktopImage{Id: "img"}},
		{"an enum value", `{"id":"img","status":"ARCHIVED"}`, &clouddesktop.DesktopImage{Id: "img", Status: newerEnum}},
		{"a number of an enum", `{"status":7}`, &clouddesktop.DesktopImage{Status: 7}},
		{"null", `{"status":null,"id":"img","new":1}`, &clouddesktop.DesktopImage{Id: "img"}},
		{
			"an enum value in a list", `{"desktop_images":[{"status":"ARCHIVED"},{"status":"ACTIVE","storageSize":"9007199254740993"}]}`,
			&clouddesktop.ListDesktopImagesResponse{DesktopImages: []*clouddesktop.DesktopImage{{Status: newerEnum}, {Status: clouddesktop.DesktopImage_ACTIVE, StorageSize: 9007199254740993}}},
		},
		{
			"an enum value in an Any", `{"done":true,"response":{"@type":"type.googleapis.com/yandex.cloud.clouddesktop.v1.api.DesktopImage","id":"img","status":"NEW","labels":{"status":"NEW"}}}`,
			&operation.Operation{Done: true, Result: &operation.Operation_Response{Response: image}},
		},
		{
			"a type of details", `{"error":{"code":8,"message":"no","details":[{"@type":"type.googleapis.com/yandex.cloud.v9.Advice","text":"ask","more":[1]}]}}`,
			&operation.Operation{Result: &operation.Operation_Error{Error: &status.Status{Code: 8, Message: "no", Details: []*anypb.Any{{TypeUrl: "type.googleapis.com/yandex.cloud.v9.Advice"}}}}},
		},
	} {
		got := tt.want.ProtoReflect().New().Interface()
		if err := UnmarshalJSON([]byte(tt.json), got); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		} else if diff := cmp.Diff(tt.want, got, protocmp.Transform()); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

func TestUnmarshalJSONRefuses(t *testing.T) {
	for _, text := range []string{
		"", "null", "[]", `{"done":1}`, `{"done":true,"done":false}`, `{"error":{},"response":{}}`, `{"id":"a"`, `{"createdAt":"yesterday"}`,
		`{"metadata":{"@type":"/"}}`, `{"metadata":{"@type":"type.googleapis.com/1.2"}}`,
	} {
		if m := new(operation.Operation); UnmarshalJSON([]byte(text), m) == nil {
			t.Errorf("%s is read as %v", text, m)
		}
	}
}

// What protojson can read is read alike.
func TestUnmarshalJSONReadsAsProtojson(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := draw.Anything(t)
		text, err := protojson.Marshal(m)
		if err != nil {
			t.Skip(err)
		}
		got := m.ProtoReflect().New().Interface()
		if err := UnmarshalJSON(text, got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(m, got, protocmp.Transform()); diff != "" {
			t.Fatal(diff)
		}
	})
}

func FuzzUnmarshalJSON(f *testing.F) {
	f.Add([]byte(`{"done":true,"response":{"@type":"type.googleapis.com/yandex.cloud.clouddesktop.v1.api.DesktopImage","status":"NEW"}}`))
	f.Add([]byte(`{"error":{"details":[{"@type":"a/b.C"}]}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		lenient, strict := new(operation.Operation), new(operation.Operation)
		if protojson.Unmarshal(text, strict) != nil {
			_ = UnmarshalJSON(text, new(structpb.Struct)) // any text may be tried
			_ = UnmarshalJSON(text, lenient)
			return
		}
		if err := UnmarshalJSON(text, lenient); err != nil || !proto.Equal(strict, lenient) {
			t.Errorf("%q is read as %v, %v, want %v", text, lenient, err, strict)
		}
	})
}
