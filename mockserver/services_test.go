package mockserver

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/endpoint"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	reflection "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// Another service is a descriptor and a scenario: desktops have operations like
// images, and the mock knows nothing else of them.
func TestAnotherService(t *testing.T) {
	desktops := clouddesktop.File_yandex_cloud_clouddesktop_v1_desktop_service_proto.Services().ByName("DesktopService")
	synctest.Test(t, func(t *testing.T) {
		s := New(t, Services(desktops))
		s.Play(Running(time.Minute).Succeed())
		client := clouddesktop.NewDesktopServiceClient(s.GRPC())
		op, err := client.Create(t.Context(), &clouddesktop.CreateDesktopRequest{
			DesktopGroupId: "group", SubnetId: "subnet", Users: []*clouddesktop.User{{SubjectId: "u", SubjectType: "userAccount"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		var m clouddesktop.CreateDesktopMetadata
		if err := op.GetMetadata().UnmarshalTo(&m); err != nil || m.GetDesktopId() == "" {
			t.Fatalf("metadata %v (%v), want the id of a desktop", &m, err)
		}
		time.Sleep(time.Minute)
		if op, err = getOperation(t.Context(), s, op.GetId()); err != nil {
			t.Fatal(err)
		}
		var desktop clouddesktop.Desktop
		if err := op.GetResponse().UnmarshalTo(&desktop); err != nil {
			t.Fatal(err)
		}
		if desktop.GetId() != m.GetDesktopId() || desktop.GetDesktopGroupId() != "group" {
			t.Errorf("the response is %v, want desktop %s of the group in the request", &desktop, m.GetDesktopId())
		}
		removal, err := client.Delete(t.Context(), &clouddesktop.DeleteDesktopRequest{DesktopId: desktop.GetId()})
		if err != nil {
			t.Fatal(err)
		}
		if !removal.GetDone() || !removal.GetResponse().MessageIs(&emptypb.Empty{}) {
			t.Errorf("Delete is %v, want done with Empty: the default scenario is for methods that create", removal)
		}
		if _, err := client.List(t.Context(), &clouddesktop.ListDesktopsRequest{FolderId: "f"}); status.Code(err) != codes.Unimplemented {
			t.Errorf("List got %v, want UNIMPLEMENTED", err)
		}
	})
}

func TestEndpointsAndTokens(t *testing.T) {
	s := New(t, Listen("127.0.0.1:0"), Token("the-token"))
	list, err := endpoint.NewApiEndpointServiceClient(s.GRPC()).List(t.Context(), &endpoint.ListApiEndpointsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list.GetEndpoints() {
		if e.GetAddress() != s.Addr() {
			t.Errorf("endpoint %s is at %s, want the mock's own address %s", e.GetId(), e.GetAddress(), s.Addr())
		}
	}
	one, err := endpoint.NewApiEndpointServiceClient(s.GRPC()).Get(t.Context(), &endpoint.GetApiEndpointRequest{ApiEndpointId: "operation"})
	if err != nil || one.GetAddress() != s.Addr() {
		t.Errorf("endpoint operation is %v (%v), want %s", one, err, s.Addr())
	}
	token, err := iam.NewIamTokenServiceClient(s.GRPC()).Create(t.Context(), &iam.CreateIamTokenRequest{
		Identity: &iam.CreateIamTokenRequest_YandexPassportOauthToken{YandexPassportOauthToken: "oauth"},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+token.GetIamToken())
	if _, err := copyFromDesktop(ctx, s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "instant"}); err != nil {
		t.Errorf("with the token that the mock has issued: %v", err)
	}
	for _, c := range s.Calls() {
		if c.Method == "yandex.cloud.iam.v1.IamTokenService/Create" && (c.Request != nil || c.Response != nil) {
			t.Error("the journal holds a credential")
		}
	}
}

func TestHealth(t *testing.T) {
	s := New(t)
	client := grpc_health_v1.NewHealthClient(s.GRPC())
	for service, want := range map[string]codes.Code{
		"": codes.OK,
		"yandex.cloud.clouddesktop.v1.api.DesktopImageService": codes.OK,
		"no.such.Service": codes.NotFound,
	} {
		answer, err := client.Check(t.Context(), &grpc_health_v1.HealthCheckRequest{Service: service})
		if status.Code(err) != want || err == nil && answer.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
			t.Errorf("health of %q is %v (%v), want %v", service, answer, err, want)
		}
	}
	watch, err := client.Watch(t.Context(), &grpc_health_v1.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if answer, err := watch.Recv(); err != nil || answer.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
		t.Errorf("watching got %v (%v), want SERVING", answer, err)
	}
}

func TestReflection(t *testing.T) {
	s := New(t)
	stream, err := reflection.NewServerReflectionClient(s.GRPC()).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(&reflection.ServerReflectionRequest{MessageRequest: &reflection.ServerReflectionRequest_ListServices{}}); err != nil {
		t.Fatal(err)
	}
	answer, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, svc := range answer.GetListServicesResponse().GetService() {
		listed[svc.GetName()] = true
	}
	for _, want := range []string{
		"yandex.cloud.clouddesktop.v1.api.DesktopImageService", "yandex.cloud.operation.OperationService",
		"yandex.cloud.endpoint.ApiEndpointService", "yandex.cloud.iam.v1.IamTokenService", "grpc.health.v1.Health",
	} {
		if !listed[want] {
			t.Errorf("reflection lists %v, want %s in it", listed, want)
		}
	}
	_ = stream.CloseSend()
}

// A method that changes a resource plays a scenario only if one is for it.
func TestScenarioForDelete(t *testing.T) {
	s := New(t)
	s.Play(Running(0).Succeed())
	s.Play(&optestv1.Scenario{
		Name:      "stuck-delete",
		Match:     &optestv1.Match{Method: "DesktopImageService/Delete"},
		NeverDone: true,
	})
	id := newImage(t, s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "d"})
	op, err := imagesOf(s).Delete(t.Context(), &clouddesktop.DeleteDesktopImageRequest{ImageId: id})
	if err != nil {
		t.Fatal(err)
	}
	if op.GetDone() || imageStatus(t, s, id) != "DELETING" {
		t.Errorf("Delete is done %v and the image %s, want a running Delete", op.GetDone(), imageStatus(t, s, id))
	}
}
