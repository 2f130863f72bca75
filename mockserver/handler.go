package mockserver

import (
	"context"
	"net/http"
	"strings"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"connectrpc.com/grpcreflect/v2"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/optest-dev/optest/mockserver/internal/rest"
)

// handler serves every protocol on one root: RPC at /package.Service/Method, by
// content type, and REST at the published paths.
func (s *Server) handler() (http.Handler, error) {
	rpc := connect.NewServer()
	if err := s.register(rpc, s.services()); err != nil {
		return nil, err
	}
	rpc.Register(s.health()...)
	grpcreflect.Register(rpc)
	rpc.SetUnknownHandler(func(ctx context.Context, spec connect.Spec, _ connect.ServerStream) error {
		c := s.begin(ctx, strings.TrimPrefix(spec.Procedure, "/"))
		c.redact()
		return c.end(connect.Errorf(connect.CodeUnimplemented, "optest: the mock does not serve %s", quoted(spec.Procedure)))
	})

	var published []protoreflect.MethodDescriptor
	for spec := range rpc.Specs() {
		if desc, ok := spec.Schema.(protoreflect.MethodDescriptor); ok {
			published = append(published, desc)
		}
	}
	restHandler, err := rest.New(rpc, published, rest.MaxBody(int64(s.config.maxBody)))
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	connecthttp.Mount(mux, rpc, connecthttp.WithReadMaxBytes(s.config.maxBody))
	unknown := connecthttp.NewErrorWriter()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		if r.Method == http.MethodPost && isRPC(r) && unknown.IsSupported(r) {
			err := connect.Errorf(connect.CodeUnimplemented, "optest: no service at %s", quoted(r.URL.Path))
			_ = unknown.Write(w, r, err) // the client has gone
			return
		}
		restHandler.ServeHTTP(w, r)
	}), nil
}

// isRPC tells a call of an unknown service from a REST request that is JSON as
// well: its path is /package.Service/Method.
func isRPC(r *http.Request) bool {
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc") {
		return true
	}
	service, method, ok := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	return ok && strings.Contains(service, ".") && !strings.Contains(method, "/")
}
