package mockserver

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"connectrpc.com/grpcreflect/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/optest-dev/optest/fixtures"
	"github.com/optest-dev/optest/mockserver/internal/breakage"
	"github.com/optest-dev/optest/mockserver/internal/rest"
)

// schemaPath is where editors find the JSON schema of scenario files.
const schemaPath = "/schema/scenario.json"

// handler serves every protocol on one root: RPC at /package.Service/Method, by
// content type, and REST at the published paths.
func (s *Server) handler() (http.Handler, error) {
	methods, err := s.methods(s.services())
	if err != nil {
		return nil, err
	}
	methods = append(methods, s.health()...)
	unknownMethod := func(ctx context.Context, spec connect.Spec, _ connect.ServerStream) error {
		c := s.begin(ctx, strings.TrimPrefix(spec.Procedure, "/"))
		return c.end(connect.Errorf(connect.CodeUnimplemented, "optest: the mock does not serve %s", quoted(spec.Procedure)))
	}
	rpc := connect.NewServer()
	rpc.Register(methods...)
	grpcreflect.Register(rpc)
	rpc.SetUnknownHandler(unknownMethod)

	rpcHandlers := &procedures{
		rpc:     rpc,
		direct:  methods,
		unknown: unknownMethod,
		options: []connecthttp.Option{connecthttp.WithReadMaxBytes(s.config.maxBody), connecthttp.WithConditionalOptions(s.controlBounds), connecthttp.WithCodecs(codecs()...)},
	}
	restHandler := sync.OnceValues(func() (*rest.Handler, error) {
		return rest.New(rpc, published(rpc), rest.MaxBody(int64(s.config.maxBody)), rest.Encode(encodeREST))
	})
	if len(s.config.services) > 0 {
		// Annotations that can't be served are reported at once. Those of the
		// mock's own services can be.
		if _, err := restHandler(); err != nil {
			return nil, err
		}
	}
	unknown := connecthttp.NewErrorWriter()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = s.misroute(r)
		defer s.unclaimed(r)
		if h := rpcHandlers.handler(r.URL.Path); h != nil {
			h.ServeHTTP(w, r)
			return
		}
		if r.Method == http.MethodPost && isRPC(r) && unknown.IsSupported(r) {
			err := connect.Errorf(connect.CodeUnimplemented, "optest: no service at %s", quoted(r.URL.Path))
			s.astray(r, codes.Unimplemented, err.Message())
			_ = unknown.Write(w, r, err) // the client has gone
			return
		}
		if r.URL.Path == schemaPath && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
			claim(r)
			w.Header().Set("Content-Type", "application/schema+json")
			_, _ = w.Write(fixtures.Schema()) // the client has gone
			return
		}
		h, err := restHandler()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		if !h.Match(r) {
			s.astray(r, codes.NotFound, "no RPC and no REST route is at this path")
		}
		h.ServeHTTP(w, r)
	}), nil
}

func claim(r *http.Request) {
	if answer, ok := breakage.From(r.Context()); ok {
		answer.Claim()
	}
}

// unclaimed records a request that was refused before it became a call: with the
// wrong verb, content type or compression.
func (s *Server) unclaimed(r *http.Request) {
	answer, ok := breakage.From(r.Context())
	if !ok || strings.HasPrefix(r.URL.Path, "/"+string(controlService.FullName())+"/") {
		return
	}
	if status, ok := answer.Unclaimed(); ok {
		s.astray(r, refusalCode(status, answer.Header()), fmt.Sprintf("refused with HTTP %d %s", status, http.StatusText(status)))
	}
}

// refusalCode is that of a request which Connect or REST has refused by itself.
func refusalCode(status int, header http.Header) codes.Code {
	for _, name := range []string{"Grpc-Status", http.TrailerPrefix + "Grpc-Status"} {
		if n, err := strconv.ParseUint(header.Get(name), 10, 8); err == nil {
			return codes.Code(n)
		}
	}
	if status == http.StatusMethodNotAllowed || status == http.StatusNotImplemented {
		return codes.Unimplemented
	}
	return codes.InvalidArgument
}

// astray records a request that is a call of nothing, so that a client with a
// wrong path is seen too.
func (s *Server) astray(r *http.Request, code codes.Code, message string) {
	claim(r)
	ss, err := s.session(r.Header.Get(HeaderSession))
	if err != nil {
		ss = s.root.Load()
	}
	record := newRecord()
	record.Begin = ss.clock.now()
	record.Method = r.Method + " " + shortened(r.URL.Path)
	record.Protocol, record.Peer = "http", r.RemoteAddr
	record.Code, record.Message = code, message
	record.verb, record.target = r.Method, shortened(r.RequestURI)
	record.asked = redacted(record.asked, maps.All(r.Header))
	s.record(ss, record)
}

// published are the methods that REST may have routes for.
func published(rpc *connect.Server) []protoreflect.MethodDescriptor {
	var list []protoreflect.MethodDescriptor
	for spec := range rpc.Specs() {
		if desc, ok := spec.Schema.(protoreflect.MethodDescriptor); ok {
			list = append(list, desc)
		}
	}
	return list
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
