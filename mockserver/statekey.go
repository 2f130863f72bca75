package mockserver

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"connectrpc.com/connect/v2"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// maxKeyLength bounds an idempotency key: a UUID with a digest behind it is
// shorter.
const maxKeyLength = 128

// savedKeys are the idempotency keys by their names. The caller holds the store's
// lock.
func savedKeys(s *store) []*optestv1.SavedKey {
	var list []*optestv1.SavedKey
	for k, op := range s.keys {
		// A key may come to be noted when its operation has been forgotten.
		if s.operations[op.id] == op {
			list = append(list, &optestv1.SavedKey{Method: k.methodName(), Key: k.key, OperationId: op.id})
		}
	}
	for k, err := range s.burnt {
		list = append(list, &optestv1.SavedKey{Method: k.methodName(), Key: k.key, Refusal: savedError(err)})
	}
	slices.SortFunc(list, func(a, b *optestv1.SavedKey) int {
		return cmp.Or(cmp.Compare(a.GetMethod(), b.GetMethod()), cmp.Compare(a.GetKey(), b.GetKey()), cmp.Compare(a.GetOperationId(), b.GetOperationId()))
	})
	return list
}

func (k keyed) methodName() string {
	if k.method == nil {
		return ""
	}
	return strings.TrimPrefix(procedure(k.method), "/")
}

// savedError is what a client gets to see of an error.
func savedError(err error) *status.Status {
	var e *connect.Error
	if !errors.As(public(err), &e) {
		return nil // never: public makes it one
	}
	return &status.Status{Code: int32(e.Code()), Message: e.Message(), Details: detailsOf(e)}
}

// keys reads state.keys, after the operations.
func (l *loading) keys() error {
	for i, saved := range l.state.GetKeys() {
		path := element("state.keys", i)
		k := keyed{key: saved.GetKey()}
		if n := len(k.key); n == 0 || n > maxKeyLength {
			return invalid(path+".key", "got %d bytes, want 1 to %d", n, maxKeyLength)
		}
		var err error
		if k.method, err = l.scope(saved.GetMethod(), path+".method"); err != nil {
			return err
		}
		switch {
		case saved.GetOperationId() != "" && saved.GetRefusal() != nil:
			return invalid(path+".refusal", "is there beside operation_id, want one of them")
		case saved.GetRefusal() != nil:
			err = l.refusal(k, saved.GetRefusal(), path)
		default:
			err = l.key(k, saved.GetOperationId(), path)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// scope is that of a key, nil for all methods.
func (l *loading) scope(method, path string) (protoreflect.MethodDescriptor, error) {
	if method == "" {
		return nil, nil
	}
	m, ok := l.methods[method]
	if !ok {
		return nil, invalid(path, "got %s, want package.Service/Method of one that starts operations here, or nothing for all", quoted(method))
	}
	return m.method.desc, nil
}

func (l *loading) key(k keyed, id, path string) error {
	store := l.session.store
	op, ok := store.operations[id]
	if !ok {
		return invalid(path+".operation_id", "got %s, want the id of one of state.operations, or a refusal instead", quoted(id))
	}
	if _, ok := store.keys[k]; ok {
		return invalid(path+".key", "got %s a second time, want each key of a method once", quoted(k.key))
	}
	if len(store.keys) == store.limit {
		return invalid(path, "is one key too many, want at most %d, as many as operations are kept", store.limit)
	}
	store.keys[k] = op
	return nil
}

func (l *loading) refusal(k keyed, st *status.Status, path string) error {
	store := l.session.store
	if st.GetCode() < int32(connect.CodeCanceled) || st.GetCode() > int32(connect.CodeUnauthenticated) {
		return invalid(path+".refusal.code", "got %d, want %d to %d", st.GetCode(), connect.CodeCanceled, connect.CodeUnauthenticated)
	}
	if _, ok := store.burnt[k]; ok {
		return invalid(path+".key", "got %s a second time with a refusal, want each key of a method once", quoted(k.key))
	}
	if len(store.burnt) == store.limit {
		return invalid(path, "is one refusal too many, want at most %d, as many as operations are kept", store.limit)
	}
	if store.burnt == nil {
		store.burnt = map[keyed]error{}
	}
	store.burnt[k] = scripted(st)
	return nil
}
