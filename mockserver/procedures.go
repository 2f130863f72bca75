package mockserver

import (
	"context"
	"net/http"
	"strings"
	"sync"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
)

// procedures are the HTTP handlers of an RPC server by path. A handler is made
// at its first request: a test uses few of the methods, and to make all took
// most of the time that a server in memory needed to start.
type procedures map[string]func() http.Handler

// newProcedures covers all that rpc has. Of its methods, those given here are
// called without a detour; unknown answers for the others of their services.
func newProcedures(rpc *connect.Server, methods []connect.Method, unknown connect.ServerFunc, opts ...connecthttp.Option) procedures {
	p := procedures{}
	for spec := range rpc.Specs() {
		p.add(connect.Method{Spec: spec, Handler: func(ctx context.Context, spec connect.Spec, stream connect.ServerStream) error {
			info, _ := connect.CallInfoForServerContext(ctx)
			return rpc.Call(ctx, spec.Procedure, info, stream)
		}}, unknown, opts)
	}
	for _, m := range methods {
		p.add(m, unknown, opts)
	}
	return p
}

func (p procedures) add(m connect.Method, unknown connect.ServerFunc, opts []connecthttp.Option) {
	mounted := sync.OnceValue(func() mounts {
		one := connect.NewServer()
		one.Register(m)
		one.SetUnknownHandler(unknown)
		at := mounts{}
		connecthttp.Mount(at, one, opts...)
		return at
	})
	procedure := m.Spec.Procedure
	for _, path := range []string{procedure, procedure[:strings.LastIndexByte(procedure, '/')+1]} {
		p[path] = func() http.Handler { return mounted()[path] }
	}
}

// handler returns nil for the path of no service.
func (p procedures) handler(path string) http.Handler {
	if h, ok := p[path]; ok {
		return h()
	}
	service, _, ok := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if h, known := p["/"+service+"/"]; ok && known {
		return h()
	}
	return nil
}

// mounts is a connecthttp.ServeMux that does no more than keep its handlers.
type mounts map[string]http.Handler

func (m mounts) Handle(pattern string, h http.Handler) { m[pattern] = h }
