package mockserver

import (
	"context"
	"maps"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
)

// procedures are the HTTP handlers of an RPC server. One is made at its first
// request: a test uses few of the methods, and to make all of them took most of
// the time in which a server in memory starts.
type procedures struct {
	rpc     *connect.Server
	direct  []connect.Method   // of rpc, called without a detour through it
	unknown connect.ServerFunc // answers for methods that a service of rpc lacks
	options []connecthttp.Option

	mounting sync.Mutex
	mounted  atomic.Pointer[mounts]
}

// mounts are handlers by path, that of a service's unknown methods by its path
// with a slash at the end.
type mounts map[string]http.Handler

// Handle makes mounts a connecthttp.ServeMux.
func (m mounts) Handle(pattern string, h http.Handler) { m[pattern] = h }

// handler returns nil for the path of no service.
func (p *procedures) handler(path string) http.Handler {
	if h := p.at(path); h != nil {
		return h
	}
	service, _, ok := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if !ok {
		return nil
	}
	prefix := "/" + service + "/"
	var found *connect.Spec
	for spec := range p.rpc.Specs() {
		if spec.Procedure == path {
			found, prefix = &spec, path
			break
		}
		if strings.HasPrefix(spec.Procedure, prefix) {
			found = &spec
		}
	}
	if found == nil {
		return nil
	}
	if h := p.at(prefix); h != nil {
		return h
	}
	p.mount(p.method(*found))
	return p.at(prefix)
}

func (p *procedures) at(path string) http.Handler {
	if m := p.mounted.Load(); m != nil {
		return (*m)[path]
	}
	return nil
}

func (p *procedures) method(spec connect.Spec) connect.Method {
	for _, m := range p.direct {
		if m.Spec.Procedure == spec.Procedure {
			return m
		}
	}
	return connect.Method{Spec: spec, Handler: func(ctx context.Context, _ connect.Spec, stream connect.ServerStream) error {
		info, _ := connect.CallInfoForServerContext(ctx)
		return p.rpc.Call(ctx, spec.Procedure, info, stream)
	}}
}

// mount makes the handlers of a method and of its service's unknown methods.
func (p *procedures) mount(m connect.Method) {
	p.mounting.Lock()
	defer p.mounting.Unlock()
	one := connect.NewServer()
	one.Register(m)
	one.SetUnknownHandler(p.unknown)
	all := mounts{}
	connecthttp.Mount(all, one, p.options...)
	if earlier := p.mounted.Load(); earlier != nil {
		maps.Copy(all, *earlier)
	}
	p.mounted.Store(&all)
}
