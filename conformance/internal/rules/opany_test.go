package rules

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
)

// packed is a message in an Any.
func packed(t *testing.T, m proto.Message) *anypb.Any {
	t.Helper()
	a, err := anypb.New(m)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAnysOfAnOperation(t *testing.T) {
	respond := func(a *anypb.Any) func(*operation.Operation) {
		return func(m *operation.Operation) { m.Result = &operation.Operation_Response{Response: a} }
	}
	details := func(list ...*anypb.Any) func(*operation.Operation) {
		return func(m *operation.Operation) { m.GetError().Details = list }
	}
	metadata := func(a *anypb.Any) func(*operation.Operation) {
		return func(m *operation.Operation) { m.Metadata = a }
	}
	info := packed(t, &errdetails.ErrorInfo{Reason: "R"})
	odd := &clouddesktop.DesktopImage{Id: "fdv"}
	odd.ProtoReflect().SetUnknown(protowire.AppendVarint(protowire.AppendTag(nil, 1000, protowire.VarintType), 1))
	old := &clouddesktop.DesktopImage{Id: "fdv"}
	old.ProtoReflect().SetUnknown(protowire.AppendVarint(protowire.AppendTag(nil, 7, protowire.VarintType), 1))
	newer := &anypb.Any{TypeUrl: "type.googleapis.com/yandex.cloud.private.Detail", Value: []byte{0xff}}
	image := func(m *operation.Operation, url string) { m.GetResponse().TypeUrl = url }
	const name = "yandex.cloud.clouddesktop.v1.api.DesktopImage"

	runMessageCases(t, []messageCase{
		{name: "detail of garbage", state: "failed", edit: details(&anypb.Any{TypeUrl: info.GetTypeUrl(), Value: []byte{0xff}}), want: "OP-12 FAIL"},
		{name: "a type twice", state: "failed", edit: details(info, info), want: "OP-12 WARNING"},
		{name: "two types and one of nobody's", state: "failed", edit: details(info, packed(t, &errdetails.QuotaFailure{}), newer)},
		{name: "metadata of a Duration", state: "pending", edit: metadata(packed(t, durationpb.New(5))), want: "OP-13 FAIL, OP-15 FAIL"},
		{name: "metadata of a sibling", state: "pending", edit: func(m *operation.Operation) {
			m.Metadata.TypeUrl = "type.googleapis.com/yandex.cloud.clouddesktop.v1.api.CopyDesktopImageMetadata"
		}, want: "OP-13 FAIL"},
		{name: "a response that is said to be of another type", state: "succeeded", edit: func(m *operation.Operation) {
			m.GetResponse().TypeUrl = "type.googleapis.com/google.protobuf.Duration"
		}, want: "OP-14 FAIL"},
		{name: "an empty response", state: "succeeded", edit: respond(&anypb.Any{TypeUrl: "type.googleapis.com/google.protobuf.Empty"}), want: "OP-14 FAIL"},
		{name: "a response of a type that nobody knows", state: "succeeded", edit: respond(newer), want: "OP-14 FAIL"},
		{name: "no metadata in the first answer", state: "start", edit: metadata(nil), want: "OP-15 FAIL"},
		{name: "no metadata any more", state: "succeeded", edit: metadata(nil), want: "OP-15 FAIL"},
		{name: "metadata without an image", state: "pending", edit: metadata(packed(t, &clouddesktop.CopyFromDesktopMetadata{})), want: "OP-15 FAIL"},
		{name: "garbage in the response", state: "succeeded", edit: func(m *operation.Operation) { m.GetResponse().Value = []byte("\xff\xfe\xfd") }, want: "OP-16 FAIL"},
		{name: "half a response", state: "succeeded", edit: func(m *operation.Operation) { m.GetResponse().Value = []byte("\x0a\x14img") }, want: "OP-16 FAIL"},
		{name: "half an answer", state: "succeeded", raw: func(raw []byte) []byte { return raw[:len(raw)-1] }, want: "OP-16 FAIL"},
		{name: "half an answer in JSON", state: "succeeded", wire: overREST, raw: func(raw []byte) []byte { return raw[:len(raw)-1] }, want: "OP-16 FAIL"},
		{name: "a newer operation", state: "pending", raw: func(raw []byte) []byte { return append(raw, 0xc0, 0x3e, 1) }, want: "OP-16 WARNING"},
		{name: "a newer image", state: "succeeded", edit: respond(packed(t, odd)), want: "OP-16 WARNING"},
		{name: "an older image", state: "succeeded", edit: respond(packed(t, old)), want: "OP-16 WARNING"},
		{name: "a newer operation in JSON", state: "pending", wire: overREST, raw: func(raw []byte) []byte { return bytes.Replace(raw, []byte("{"), []byte(`{"later":1,`), 1) }},
		{name: "no slash", state: "succeeded", edit: func(m *operation.Operation) { image(m, name) }, want: "OP-17 FAIL"},
		{name: "a slash at the end", state: "succeeded", edit: func(m *operation.Operation) { image(m, "type.googleapis.com/"+name+"/") }, want: "OP-17 FAIL"},
		{name: "no type URL", state: "succeeded", edit: func(m *operation.Operation) { image(m, "") }, want: "OP-17 FAIL"},
		{name: "another host", state: "succeeded", edit: func(m *operation.Operation) { image(m, "types.example.com/"+name) }, want: "OP-17 WARNING"},
	})
}

func TestTypesAreOfTheMethodThatStarted(t *testing.T) {
	s := newScene(t)
	unseen := s.server.make(MethodCreate, copyOf(s, "name", s.env.Desktops.Succeeds), time.Nanosecond)
	unseen.op.Metadata = packed(t, durationpb.New(1))
	s.client("first", overGRPC).reads(unseen)
	results := Check(s.env, messageRules(), s.events)
	if got := objections(results); got != "" {
		t.Errorf("got %s, want nothing: its method was not seen", got)
	}
	for _, r := range results {
		if slices.Contains([]string{"OP-13", "OP-14", "OP-15"}, r.Rule.ID) && r.Verdict != NotExercised {
			t.Errorf("%s is %s, want %s", r.Rule.ID, r.Verdict, NotExercised)
		}
	}
}
