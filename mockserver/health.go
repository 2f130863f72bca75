package mockserver

import (
	"context"

	"connectrpc.com/connect/v2"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// health serves grpc.health.v1.Health: the whole server, and each service, is
// SERVING until it closes.
func (s *Server) health() []connect.Method {
	desc := grpc_health_v1.File_grpc_health_v1_health_proto.Services().ByName("Health")
	spec := func(name protoreflect.Name, t connect.StreamType) connect.Spec {
		m := desc.Methods().ByName(name)
		return connect.Spec{StreamType: t, Schema: m, Procedure: procedure(m)}
	}
	return []connect.Method{
		{Spec: spec("Check", connect.StreamTypeUnary), Handler: func(_ context.Context, _ connect.Spec, stream connect.ServerStream) error {
			var req grpc_health_v1.HealthCheckRequest
			if err := stream.Receive(&req); err != nil {
				return err
			}
			if !s.serves(req.GetService()) {
				return connect.Errorf(connect.CodeNotFound, "unknown service %s", quoted(req.GetService()))
			}
			return stream.Send(&grpc_health_v1.HealthCheckResponse{Status: s.serving()})
		}},
		{Spec: spec("Watch", connect.StreamTypeServer), Handler: func(ctx context.Context, _ connect.Spec, stream connect.ServerStream) error {
			var req grpc_health_v1.HealthCheckRequest
			if err := stream.Receive(&req); err != nil {
				return err
			}
			status := grpc_health_v1.HealthCheckResponse_SERVICE_UNKNOWN
			if s.serves(req.GetService()) {
				status = s.serving()
			}
			if err := stream.Send(&grpc_health_v1.HealthCheckResponse{Status: status}); err != nil {
				return err
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-s.closing:
				return stream.Send(&grpc_health_v1.HealthCheckResponse{Status: grpc_health_v1.HealthCheckResponse_NOT_SERVING})
			}
		}},
	}
}

func (s *Server) serves(service string) bool { return service == "" || s.names[service] }

func (s *Server) serving() grpc_health_v1.HealthCheckResponse_ServingStatus {
	select {
	case <-s.closing:
		return grpc_health_v1.HealthCheckResponse_NOT_SERVING
	default:
		return grpc_health_v1.HealthCheckResponse_SERVING
	}
}
