package lint

import (
	"slices"
	"sync"

	// The services that the mock serves.
	_ "github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	_ "github.com/yandex-cloud/go-genproto/yandex/cloud/endpoint"
	_ "github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/optest-dev/optest/internal/glob"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// kind is what a call is to the operation of a scenario.
type kind int

const (
	create kind = iota
	get
	cancel
	other // about no operation: struck while the scenario is the default
	kinds
)

// set is the kinds of call that a fault reaches.
type set [kinds]bool

// only says whether s is k and nothing else.
func (s set) only(k kind) bool {
	var t set
	t[k] = true
	return s == t
}

// within says whether all of s is in t.
func (s set) within(t set) bool {
	for k := range s {
		if s[k] && !t[k] {
			return false
		}
	}
	return true
}

var everything = set{true, true, true, true}

// reached are the kinds that a fault's `on` and `method` may name. A method that
// is not known here may be one of any kind: a program can serve its own.
func reached(f *optestv1.Fault) set {
	if s := named(f); f.GetMethod() == "" || slices.ContainsFunc(procedures(), func(p procedure) bool { return glob.Method(f.GetMethod(), p.name) }) {
		return s
	}
	return everything
}

// named are the kinds that it surely names.
func named(f *optestv1.Fault) set {
	var s set
	switch f.GetOn() {
	case optestv1.Fault_CREATE:
		s[create] = true
	case optestv1.Fault_GET:
		s[get] = true
	case optestv1.Fault_CANCEL:
		s[cancel] = true
	case optestv1.Fault_LIST:
		s[other] = true
	case optestv1.Fault_ANY:
		return everything
	}
	if f.GetMethod() != "" {
		for _, p := range procedures() {
			s[p.kind] = s[p.kind] || glob.Method(f.GetMethod(), p.name)
		}
	}
	return s
}

// procedure is a method that is linked in.
type procedure struct {
	name string // package.Service/Method
	kind kind
}

var procedures = sync.OnceValue(func() []procedure {
	var list []procedure
	operations := operation.File_yandex_cloud_operation_operation_service_proto.Services().ByName("OperationService")
	started := operation.File_yandex_cloud_operation_operation_proto.Messages().ByName("Operation")
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			for j := range service.Methods().Len() {
				m := service.Methods().Get(j)
				p := procedure{name: string(service.FullName()) + "/" + string(m.Name()), kind: other}
				switch {
				case service == operations && m.Name() == "Get":
					p.kind = get
				case service == operations && m.Name() == "Cancel":
					p.kind = cancel
				case m.Output() == started:
					p.kind = create
				}
				list = append(list, p)
			}
		}
		return true
	})
	return list
})
