package mockserver

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"
)

// failedOperation has two details, each with an image in it.
func failedOperation(t *testing.T) *operation.Operation {
	t.Helper()
	detail := func(id string) *anypb.Any {
		packed, err := anypb.New(&clouddesktop.DesktopImage{Id: id, Name: "n"})
		if err != nil {
			t.Fatal(err)
		}
		return packed
	}
	return &operation.Operation{Id: "o", Done: true, Result: &operation.Operation_Error{Error: &status.Status{
		Code: 5, Details: []*anypb.Any{detail("a"), detail("b")},
	}}}
}

func TestPathsLeadIntoListsAndAnys(t *testing.T) {
	text := structpb.NewStringValue
	for _, tt := range []struct {
		path  string
		value *structpb.Value
		want  func(*operation.Operation)
	}{
		{"done", structpb.NewBoolValue(false), func(op *operation.Operation) { op.Done = false }},
		{"error.code", structpb.NewNumberValue(7), func(op *operation.Operation) { op.GetError().Code = 7 }},
		{"error.details.1.@type", text("x/y"), func(op *operation.Operation) { op.GetError().GetDetails()[1].TypeUrl = "x/y" }},
		{"error.details.0.@value", text("AAE="), func(op *operation.Operation) { op.GetError().GetDetails()[0].Value = []byte{0, 1} }},
		{"error.details.1.name", text("m"), func(op *operation.Operation) {
			if err := op.GetError().GetDetails()[1].MarshalFrom(&clouddesktop.DesktopImage{Id: "b", Name: "m"}); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		got := failedOperation(t)
		if err := setPath(got.ProtoReflect(), tt.path, tt.value); err != nil {
			t.Errorf("%s: %v", tt.path, err)
			continue
		}
		want := failedOperation(t)
		tt.want(want)
		if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
			t.Errorf("%s (-want +got)\n%s", tt.path, diff)
		}
	}
}

func TestPathsThatLeadNowhere(t *testing.T) {
	for path, want := range map[string]string{
		"error.details.2.@type": `details has 2 elements, got "2"`,
		"error.details.-1.name": `details has 2 elements, got "-1"`,
		"error.details.x.name":  `details has 2 elements, got "x"`,
		"error.details.1":       `details has 2 elements, got "1"`,
		"error.code.x":          `google.rpc.Status has no message field "code"`,
		"nothing.x":             `yandex.cloud.operation.Operation has no message field "nothing"`,
		"nothing":               `yandex.cloud.operation.Operation has no field "nothing"`,
	} {
		op := failedOperation(t)
		for what, err := range map[string]error{
			"set":   setPath(op.ProtoReflect(), path, structpb.NewStringValue("")),
			"clear": clearPath(op.ProtoReflect(), path),
		} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s %s: got %v, want %s", what, path, err, want)
			}
		}
		if !proto.Equal(op, failedOperation(t)) {
			t.Errorf("%s has changed the operation", path)
		}
	}
}
