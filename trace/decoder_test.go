package trace

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

func TestDecode(t *testing.T) {
	want := &operation.Operation{Id: "fv4", Done: true}
	data, err := proto.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	get := "yandex.cloud.operation.OperationService/Get"
	event := func(b *Blob, codec optestv1.Event_Codec) *Event {
		return &Event{Number: 3, Method: get, Outcome: optestv1.Event_OK, Response: b, ResponseCodec: codec, Request: NewBlob([]byte("\n\x03fv4")), RequestCodec: optestv1.Event_PROTO}
	}
	d := NewDecoder(nil, nil)
	for name, e := range map[string]*Event{
		"proto":             event(NewBlob(data), optestv1.Event_PROTO),
		"JSON":              event(NewBlob([]byte(`{"id":"fv4","done":true}`)), optestv1.Event_JSON),
		"JSON of a newer":   event(NewBlob([]byte(`{"id":"fv4","done":true,"progress":{"percent":50}}`)), optestv1.Event_JSON),
		"JSON, field names": event(NewBlob([]byte(`{"id":"fv4","done":true,"created_at":null}`)), optestv1.Event_JSON),
	} {
		for range 2 {
			got, err := d.Response(e)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
		request, err := d.Request(e)
		if err != nil || request.(*operation.GetOperationRequest).GetOperationId() != "fv4" {
			t.Errorf("%s: got request %v, %v", name, request, err)
		}
	}
	shared := event(NewBlob(data), optestv1.Event_PROTO)
	a, _ := d.Response(shared)
	if b, _ := d.Response(shared); a != b {
		t.Error("a blob is decoded twice")
	}

	withheld := event(nil, optestv1.Event_PROTO)
	withheld.ResponseFidelity = optestv1.Event_WITHHELD
	failed := event(NewBlob(data), optestv1.Event_PROTO)
	failed.Outcome = optestv1.Event_FAILED
	unknown := event(NewBlob(data), optestv1.Event_PROTO)
	unknown.Method = "yandex.cloud.operation.OperationService/Put"
	for _, tt := range []struct {
		name   string
		event  *Event
		absent bool // and not wrong
		want   string
	}{
		{"none", event(nil, optestv1.Event_PROTO), true, "optest: event 3 has no response: no message"},
		{"withheld", withheld, true, "optest: the response of event 3 is WITHHELD: no message"},
		{"cut", event(CutBlob(data, 100), optestv1.Event_PROTO), true, "optest: of the response of event 3 are 7 of 100 bytes left: no message"},
		{"failed", failed, true, "optest: event 3 ended with FAILED: no message"},
		{"HTML", event(NewBlob([]byte("<html>")), optestv1.Event_FOREIGN), true, "optest: the response of event 3: codec FOREIGN, want PROTO or JSON: no message"},
		{
			"garbage", event(NewBlob([]byte{0xff}), optestv1.Event_PROTO), false,
			"optest: the response of event 3: yandex.cloud.operation.Operation: cannot parse invalid wire-format data",
		},
		{
			"no text", event(NewBlob([]byte("\n\x01\xff")), optestv1.Event_PROTO), false,
			"optest: the response of event 3: yandex.cloud.operation.Operation: string field contains invalid UTF-8",
		},
		{
			"two results", event(NewBlob([]byte(`{"error":{},"response":{}}`)), optestv1.Event_JSON), false,
			"optest: the response of event 3: yandex.cloud.operation.Operation: at column 13: error parsing \"response\", oneof yandex.cloud.operation.Operation.result is already set",
		},
		{
			"method", unknown, false,
			`optest: method "yandex.cloud.operation.OperationService/Put" is not known, want package.Service/Method of a descriptor that is linked in`,
		},
	} {
		_, err := d.Response(tt.event)
		if err == nil || strings.ReplaceAll(err.Error(), "\u00a0", " ") != tt.want || errors.Is(err, ErrNoMessage) != tt.absent {
			t.Errorf("%s:\ngot  %v\nwant %s", tt.name, err, tt.want)
		}
	}
	for _, name := range []string{"", "/", "Get", "a/b", "yandex.cloud.operation.Operation/Get"} {
		if _, err := d.Method(name); err == nil {
			t.Errorf("%q is taken for a method", name)
		}
	}
}

func TestContractDigest(t *testing.T) {
	file := operation.File_yandex_cloud_operation_operation_service_proto
	a, err := ContractDigest(file)
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := ContractDigest(file, operation.File_yandex_cloud_operation_operation_proto); a != b || len(a) != 64 {
		t.Errorf("got %s and %s, want one digest: the second file is imported by the first", a, b)
	}
	if b, _ := ContractDigest(operation.File_yandex_cloud_operation_operation_proto); a == b {
		t.Error("got one digest for two contracts")
	}
}
