package mockserver

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/optest-dev/optest/mockserver/engine"
)

// resources is what the operations of one service are about. Its methods are
// called with the store's lock held for writing, complete excepted, which
// touches no more than the operation and its request.
type resources interface {
	// begin takes up an operation that starts now and returns the id of its
	// resource. It refuses what can't be done to the resource as it is. Named
	// reports that the request's ids name a scenario and not a resource.
	begin(op *longRunning, request proto.Message, now time.Time, named bool) (string, error)
	// complete adds to a response what the request does not say.
	complete(op *longRunning, st engine.State, response protoreflect.Message)
}

// store keeps the operations and, by their services, the resources.
type store struct {
	limit int
	seed  uint64

	mu         sync.RWMutex
	operations map[string]*longRunning
	keys       map[keyed]*longRunning
	serial     uint64
	text       text
	buffer     []byte
	slab       slab[longRunning]
	latest     *longRunning
	burnt      map[keyed]error // keys that a refused call has used up; nil until there are any
}

// keyed is an idempotency key in the scope of a method: a key used with one
// method never returns the operation of another. No method: the scope is all of
// them.
type keyed struct {
	method protoreflect.MethodDescriptor
	key    string
}

func newStore(limit int, seed uint64) *store {
	return &store{
		limit:      limit,
		seed:       seed,
		operations: map[string]*longRunning{},
		keys:       map[keyed]*longRunning{},
	}
}

func (s *store) operation(id string) (*longRunning, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	op, ok := s.operations[id]
	return op, ok
}

// earlier is the operation that was created before op, or nil.
func (s *store) earlier(op *longRunning) *longRunning {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return op.before
}

// inOrder are the operations, the oldest first. The caller holds the lock.
func (s *store) inOrder() []*longRunning {
	list := make([]*longRunning, 0, len(s.operations))
	for op := s.latest; op != nil; op = op.before {
		list = append(list, op)
	}
	slices.Reverse(list)
	return list
}

// follow makes op the latest. The caller holds the lock.
func (s *store) follow(op *longRunning) {
	op.before, s.latest = s.latest, op
	s.operations[op.id] = op
}

// start keeps a new operation and begins its work. The caller holds the lock.
func (s *store) start(m *method, res resources, p *playing, request proto.Message, now time.Time, named bool, kept marks) (*longRunning, error) {
	if len(s.operations) >= s.limit {
		return nil, ownFailure(connect.CodeResourceExhausted, ReasonLimit,
			fmt.Sprintf("%d operations are stored, want fewer than the bound of %d", len(s.operations), s.limit))
	}
	op := s.slab.next()
	*op = longRunning{
		id:        s.newID("opr"),
		method:    m,
		resources: res,
		playing:   p,
		created:   now.UnixNano(),
		marks:     kept,
		seed:      mix(s.seed + s.serial),
	}
	encoded, err := proto.MarshalOptions{}.MarshalAppend(s.buffer[:0], request)
	if err != nil {
		return nil, fmt.Errorf("optest: keeping the request: %w", err)
	}
	s.buffer = encoded[:0]
	if op.target, err = res.begin(op, request, now, named); err != nil {
		return nil, err
	}
	op.encoded = s.text.keep(encoded)
	s.slab.take()
	s.follow(op)
	return op, nil
}

const (
	idLength     = 20
	serialLength = 8 // digits of 5 bits each, in the end of an id
	idDigits     = "0123456789abcdefghijklmnopqrstuv"
)

// newID returns an id of 20 characters that looks like the API's own, the same
// in every run with the same seed. The caller holds the lock.
func (s *store) newID(prefix string) string {
	s.serial++
	id := s.idAt(prefix, s.serial)
	return s.text.keep(id[:])
}

// idAt is the id with that serial number. The prefix has three letters.
func (s *store) idAt(prefix string, serial uint64) (id [idLength]byte) {
	n := copy(id[:], prefix)
	for hi := mix(s.seed ^ serial); n < idLength-serialLength; n++ {
		id[n] = idDigits[hi&31]
		hi >>= 5
	}
	// The serial number in the end keeps ids apart whatever the mix.
	for shift := 5 * (serialLength - 1); shift >= 0; shift -= 5 {
		id[n] = idDigits[serial>>shift&31]
		n++
	}
	return id
}
