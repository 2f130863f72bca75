package exchange

import (
	"net/http"
	"strings"
	"sync"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/optest-dev/optest/conformance/internal/httprule"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// linked are the methods of linked descriptors that were asked for, by name. What
// is no method is not kept: names come from outside.
var linked sync.Map

// methodOf is the method of that name, nil without one.
func methodOf(name string) protoreflect.MethodDescriptor {
	if m, ok := linked.Load(name); ok {
		return m.(protoreflect.MethodDescriptor)
	}
	service, method, ok := strings.Cut(name, "/")
	if !ok {
		return nil
	}
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(service))
	if err != nil {
		return nil
	}
	s, ok := found.(protoreflect.ServiceDescriptor)
	if !ok {
		return nil
	}
	m := s.Methods().ByName(protoreflect.Name(method))
	if m == nil {
		return nil
	}
	linked.Store(name, m)
	return m
}

// Known reports whether a method is linked in and has one message each way.
func Known(name string) bool {
	c := Call{desc: methodOf(name)}
	return c.unary()
}

// NameOf is how events name a method.
func NameOf(m protoreflect.MethodDescriptor) string {
	return string(m.Parent().FullName()) + "/" + string(m.Name())
}

// routes are the linked methods that have a rule for HTTP, by the first segment of
// its path: a program may have thousands.
var routes = sync.OnceValue(func() map[string][]protoreflect.MethodDescriptor {
	index := map[string][]protoreflect.MethodDescriptor{}
	protoregistry.GlobalFiles.RangeFiles(func(f protoreflect.FileDescriptor) bool {
		for i := range f.Services().Len() {
			methods := f.Services().Get(i).Methods()
			for k := range methods.Len() {
				m := methods.Get(k)
				for _, path := range pathsOf(m) {
					at := firstSegment(path)
					if strings.HasPrefix(at, "{") {
						at = ""
					}
					index[at] = append(index[at], m)
				}
			}
		}
		return true
	})
	return index
})

func pathsOf(m protoreflect.MethodDescriptor) []string {
	rule, ok := proto.GetExtension(m.Options(), annotations.E_Http).(*annotations.HttpRule)
	if !ok || rule == nil {
		return nil
	}
	var paths []string
	for _, r := range append([]*annotations.HttpRule{rule}, rule.GetAdditionalBindings()...) {
		for _, path := range []string{r.GetGet(), r.GetPost(), r.GetPut(), r.GetPatch(), r.GetDelete()} {
			if path != "" {
				paths = append(paths, path)
			}
		}
	}
	return paths
}

func firstSegment(path string) string {
	segment, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	segment, _, _ = strings.Cut(segment, ":")
	return segment
}

// routeOf is the method that a request over REST asks for, nil if there is none.
func routeOf(verb, path string) protoreflect.MethodDescriptor {
	index := routes()
	for _, methods := range [][]protoreflect.MethodDescriptor{index[firstSegment(path)], index[""]} {
		if m := httprule.Find(methods, verb, path); m != nil {
			return m
		}
	}
	// The protos bind Cancel to GET and the guide to POST.
	if verb == http.MethodPost && strings.HasSuffix(path, ":cancel") {
		return httprule.Find([]protoreflect.MethodDescriptor{methodOf(cancel)}, http.MethodGet, path)
	}
	return nil
}

const cancel = "yandex.cloud.operation.OperationService/Cancel"

// cancelled is the operation that a request to cancel names whose verb is not the
// one of the protos, empty for other requests.
func cancelled(c *Call, target string) string {
	if c.method != cancel || c.protocol != optestv1.Event_REST || c.verb != http.MethodPost {
		return ""
	}
	request := new(operation.CancelOperationRequest)
	if err := httprule.Decode(c.desc, http.MethodGet, target, nil, request); err != nil {
		return ""
	}
	return request.GetOperationId()
}
