package mockserver

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"github.com/google/go-cmp/cmp"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/optest-dev/optest/proto/gen/yandex/cloud/clouddesktop/v1/clouddesktopconnect"
	"github.com/optest-dev/optest/proto/gen/yandex/cloud/operation/operationconnect"
)

// way is one way in which a client reaches the server.
type way struct {
	name   string
	create func(context.Context, *clouddesktop.CopyFromDesktopRequest) (*operation.Operation, error)
	get    func(context.Context, string) (*operation.Operation, error)
}

func ways(s *Server, client *http.Client) []way {
	list := []way{{
		name: "grpc-go",
		create: func(ctx context.Context, req *clouddesktop.CopyFromDesktopRequest) (*operation.Operation, error) {
			return copyFromDesktop(ctx, s, req)
		},
		get: func(ctx context.Context, id string) (*operation.Operation, error) { return getOperation(ctx, s, id) },
	}}
	for name, opts := range map[string][]connecthttp.Option{
		"connect":      nil,
		"connect JSON": {connecthttp.WithProtoJSON()},
		"grpc":         {connecthttp.WithGRPC()},
		"grpc-web":     {connecthttp.WithGRPCWeb()},
	} {
		rpc := connect.NewClient(connecthttp.NewTransport(client, s.URL(), opts...))
		list = append(list, way{
			name:   name,
			create: clouddesktopconnect.NewDesktopImageServiceClient(rpc).CopyFromDesktop,
			get: func(ctx context.Context, id string) (*operation.Operation, error) {
				return operationconnect.NewOperationServiceClient(rpc).Get(ctx, &operation.GetOperationRequest{OperationId: id})
			},
		})
	}
	return append(list, way{
		name: "REST",
		create: func(ctx context.Context, req *clouddesktop.CopyFromDesktopRequest) (*operation.Operation, error) {
			body, err := protojson.Marshal(req)
			if err != nil {
				return nil, err
			}
			return restOperation(ctx, client, http.MethodPost, s.URL()+"/cloud-desktop/v1/images:copyFromDesktop", body)
		},
		get: func(ctx context.Context, id string) (*operation.Operation, error) {
			return restOperation(ctx, client, http.MethodGet, s.URL()+"/operations/"+id, nil)
		},
	})
}

func restOperation(ctx context.Context, client *http.Client, method, url string, body []byte) (*operation.Operation, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("HTTP %d: %s", resp.StatusCode, answer)
	}
	op := &operation.Operation{}
	return op, protojson.Unmarshal(answer, op)
}

// An operation is the same whichever way it is created and read.
func TestOneOperationOverEveryProtocol(t *testing.T) {
	for name, opts := range map[string][]Option{"in memory": nil, "on a port": {Listen("127.0.0.1:0")}} {
		t.Run(name, func(t *testing.T) {
			s := New(t, opts...)
			all := ways(s, s.Client())
			for _, w := range all {
				t.Run(w.name, func(t *testing.T) {
					s.Play(Running(time.Hour).Succeed())
					created, err := w.create(t.Context(), &clouddesktop.CopyFromDesktopRequest{DesktopId: "d", Name: "n", Labels: map[string]string{"a": "1"}})
					if err != nil {
						t.Fatal(err)
					}
					if created.GetDone() {
						t.Error("the first answer is done, want a running operation")
					}
					s.Advance(time.Hour)
					want, err := w.get(t.Context(), created.GetId())
					if err != nil {
						t.Fatal(err)
					}
					var image clouddesktop.DesktopImage
					if err := want.GetResponse().UnmarshalTo(&image); err != nil || image.GetName() != "n" {
						t.Errorf("the image is %v (%v), want one named n", &image, err)
					}
					for _, other := range all {
						got, err := other.get(t.Context(), created.GetId())
						if err != nil {
							t.Errorf("%s: %v", other.name, err)
							continue
						}
						if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
							t.Errorf("over %s (-%s +%s):\n%s", other.name, w.name, other.name, diff)
						}
					}
				})
			}
		})
	}
}

// The same refusal has the same code over every protocol.
func TestOneErrorOverEveryProtocol(t *testing.T) {
	s := New(t)
	for _, w := range ways(s, s.Client())[1:5] {
		_, err := w.get(t.Context(), "nobody")
		if connect.CodeOf(err) != connect.CodeNotFound {
			t.Errorf("%s: got %v, want NOT_FOUND", w.name, err)
		}
	}
}

// REST is ProtoJSON: int64 as text, enums by name, `@type` in an Any.
func TestRESTIsProtoJSON(t *testing.T) {
	s := New(t)
	body, err := protojson.Marshal(&clouddesktop.CopyFromDesktopRequest{DesktopId: "instant", FolderId: "f"})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := s.Client().Post(s.URL()+"/cloud-desktop/v1/images:copyFromDesktop", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var got struct {
		Done     bool
		Metadata map[string]any
		Response map[string]any
	}
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"@type":       "type.googleapis.com/yandex.cloud.clouddesktop.v1.api.DesktopImage",
		"folderId":    "f",
		"status":      "ACTIVE",
		"storageSize": "16106127360",
		"minDiskSize": "21474836480",
		"id":          got.Metadata["imageId"],
		"createdAt":   got.Response["createdAt"],
	}
	if diff := cmp.Diff(want, got.Response); diff != "" || !got.Done {
		t.Errorf("response (-want +got):\n%s", diff)
	}
}

func TestSchemaIsServed(t *testing.T) {
	s := New(t)
	resp, err := s.Client().Get(s.URL() + "/schema/scenario.json")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var schema struct {
		Schema string `json:"$schema"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&schema); err != nil || resp.StatusCode != http.StatusOK || schema.Schema == "" {
		t.Errorf("got %s, schema %q (%v)", resp.Status, schema.Schema, err)
	}
}

// A message that one reader gets is not one that another can change.
func TestAnswersShareNothing(t *testing.T) {
	s := New(t)
	s.Play(Running(0).Fail(5, "gone"))
	op, err := copyFromDesktop(t.Context(), s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "d"})
	if err != nil {
		t.Fatal(err)
	}
	before := proto.CloneOf(op)
	for _, c := range s.Calls() {
		c.Response.(*operation.Operation).GetError().Message = "changed by a test"
	}
	again, err := getOperation(t.Context(), s, op.GetId())
	if err != nil || again.GetError().GetMessage() != before.GetError().GetMessage() {
		t.Errorf("a change of what Calls returned shows in %v (%v)", again.GetError(), err)
	}
}
