package mockserver

import (
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/optest-dev/optest/mockserver/engine"
	"github.com/optest-dev/optest/mockserver/internal/rest"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// maxID bounds an operation's id, in characters. The API's own have 20.
const maxID = 64

func (s *saving) operation(op *longRunning) *optestv1.SavedOperation {
	op.mu.Lock()
	defer op.mu.Unlock()
	saved := &optestv1.SavedOperation{
		Id:         op.id,
		Method:     strings.TrimPrefix(op.method.procedure, "/"),
		Request:    []byte(op.encoded),
		ResourceId: op.target,
		CreatedAt:  timestamp(op.created),
		Scenario:   s.scenario(op.playing),
		Seed:       op.seed,
		Polls:      op.polls,
	}
	life := op.life()
	for _, age := range life.Reached {
		saved.Reached = append(saved.Reached, durationpb.New(age))
	}
	if life.Cancelled != nil {
		saved.Cancelled = durationpb.New(*life.Cancelled)
	}
	for _, m := range marking {
		if op.marks&m.mark != 0 {
			saved.Quirks = append(saved.Quirks, m.kind)
		}
	}
	if t := op.tally; t != nil {
		saved.Faults = savedStrikes(t.strikes)
		saved.Readers = slices.Clone(t.readers)
		saved.Fixed = savedLook(t.fixed)
		saved.Protocol = t.home
	}
	return saved
}

// operations reads state.operations.
func (l *loading) operations() error {
	store := l.session.store
	if n := len(l.state.GetOperations()); n > store.limit {
		return invalid("state.operations", "got %d, want at most %d, which are kept", n, store.limit)
	}
	for i, saved := range l.state.GetOperations() {
		op, err := l.operation(saved, element("state.operations", i))
		if err != nil {
			return err
		}
		store.follow(op)
	}
	return nil
}

func (l *loading) operation(saved *optestv1.SavedOperation, path string) (*longRunning, error) {
	store := l.session.store
	id := saved.GetId()
	if n := utf8.RuneCountInString(id); n == 0 || n > maxID {
		return nil, invalid(path+".id", "got %d characters, want 1 to %d", n, maxID)
	}
	if _, ok := store.operations[id]; ok {
		return nil, invalid(path+".id", "got %s a second time, want each operation once", quoted(id))
	}
	if err := l.given(id, path+".id"); err != nil {
		return nil, err
	}
	if err := l.given(saved.GetResourceId(), path+".resource_id"); err != nil {
		return nil, err
	}
	m, ok := l.methods[saved.GetMethod()]
	if !ok {
		return nil, invalid(path+".method", "got %s, want package.Service/Method of one that starts operations here", quoted(saved.GetMethod()))
	}
	if err := proto.Unmarshal(saved.GetRequest(), m.method.request.New().Interface()); err != nil {
		return nil, invalid(path+".request", "got %d bytes that are no %s, want one, encoded", len(saved.GetRequest()), m.method.request.Descriptor().FullName())
	}
	if saved.GetResourceId() == "" && m.method.target != nil && m.method.creates {
		return nil, invalid(path+".resource_id", "got nothing, want the id of what %s has made", m.method.name())
	}
	created, err := l.past(saved.GetCreatedAt(), path+".created_at")
	if err != nil {
		return nil, err
	}
	p, err := l.scenario(saved.GetScenario(), path+".scenario")
	if err != nil {
		return nil, err
	}
	op := store.slab.take()
	*op = longRunning{
		id:        store.text.keep([]byte(id)),
		method:    m.method,
		resources: m.resources(l.session),
		playing:   p,
		encoded:   store.text.keep(saved.GetRequest()),
		target:    store.text.keep([]byte(saved.GetResourceId())),
		created:   created,
		seed:      saved.GetSeed(),
		polls:     saved.GetPolls(),
	}
	if op.marks, err = loadedMarks(saved.GetQuirks(), path+".quirks"); err != nil {
		return nil, err
	}
	if op.lived, err = loadedLife(saved, p.plan, path); err != nil {
		return nil, err
	}
	if op.tally, err = loadedTally(saved, p.faults, path); err != nil {
		return nil, err
	}
	if op.marks&knownByProtocol != 0 && saved.GetProtocol() == "" {
		return nil, invalid(path+".protocol", "got nothing, want the protocol over which alone the operation is known")
	}
	return op, nil
}

func loadedMarks(kinds []optestv1.QuirkFault_Kind, path string) (all marks, err error) {
	for i, kind := range kinds {
		mark := marks(0)
		for _, m := range marking {
			if m.kind == kind {
				mark = m.mark
			}
		}
		if mark == 0 {
			return 0, invalid(element(path, i), "got %s, want one that operations have from their creation on, such as %s", kind, marking[0].kind)
		}
		all |= mark
	}
	return all, nil
}

// loadedLife is nil where no call has changed the operation.
func loadedLife(saved *optestv1.SavedOperation, plan *engine.Plan, path string) (*engine.Life, error) {
	life := engine.Life{}
	if n := len(saved.GetReached()); n > plan.PolledSteps() {
		return nil, invalid(path+".reached", "got %d ages, want at most %d, one for each step that counts polls", n, plan.PolledSteps())
	}
	for i, d := range saved.GetReached() {
		age, err := loadedAge(d, element(path+".reached", i))
		if err != nil {
			return nil, err
		}
		if i > 0 && age < life.Reached[i-1] {
			return nil, invalid(element(path+".reached", i), "got %v, want at least the %v before it", age, life.Reached[i-1])
		}
		life.Reached = append(life.Reached, age)
	}
	if saved.Cancelled != nil {
		age, err := loadedAge(saved.GetCancelled(), path+".cancelled")
		if err != nil {
			return nil, err
		}
		life.Cancelled = &age
	}
	if life.Reached == nil && life.Cancelled == nil {
		return nil, nil
	}
	return &life, nil
}

// loadedTally is nil where there is nothing to keep.
func loadedTally(saved *optestv1.SavedOperation, faults []fault, path string) (*tally, error) {
	counts, err := loadedStrikes(saved.GetFaults(), faults, path+".faults")
	if err != nil {
		return nil, err
	}
	readers := saved.GetReaders()
	if n := len(readers); n > maxReaders {
		return nil, invalid(path+".readers", "got %d, want at most %d", n, maxReaders)
	}
	seen := map[string]bool{}
	for i, peer := range readers {
		if seen[peer] {
			return nil, invalid(element(path+".readers", i), "got %s a second time, want each connection once", quoted(peer))
		}
		seen[peer] = true
	}
	fixed, err := loadedLook(saved.GetFixed(), path+".fixed")
	if err != nil {
		return nil, err
	}
	home := saved.GetProtocol()
	if home != "" && !slices.Contains(protocolNames, home) {
		return nil, invalid(path+".protocol", "got %s, want one of %s", quoted(home), strings.Join(protocolNames, ", "))
	}
	if counts == nil && readers == nil && fixed == nil && home == "" {
		return nil, nil
	}
	return &tally{strikes: counts, fixed: fixed, home: home, readers: readers}, nil
}

var protocolNames = []string{connect.ProtocolNameGRPC, connect.ProtocolNameGRPCWeb, connect.ProtocolNameConnect, rest.ProtocolName}

// given refuses an id that the session will give to something new.
func (l *loading) given(id, path string) error {
	if n, ok := l.session.store.ahead(id); ok {
		return invalid(path, "got %s, which is the id number %d of this seed, want state.serial to be at least that: it is %d", quoted(id), n, l.state.GetSerial())
	}
	return nil
}

// ahead reports whether an id is one that newID will return, and as which.
func (s *store) ahead(id string) (serial uint64, ok bool) {
	if len(id) != idLength {
		return 0, false
	}
	for _, digit := range []byte(id[idLength-serialLength:]) {
		n := strings.IndexByte(idDigits, digit)
		if n < 0 {
			return 0, false
		}
		serial = serial<<5 | uint64(n)
	}
	made := s.idAt(id[:3], serial)
	return serial, serial > s.serial && string(made[:]) == id
}

// past reads a time that has been by the state's clock, as Unix nanoseconds.
func (l *loading) past(t *timestamppb.Timestamp, path string) (int64, error) {
	if t == nil {
		return 0, invalid(path, "got nothing, want a time")
	}
	if err := t.CheckValid(); err != nil || t.AsTime().Before(earliestTime) || t.AsTime().After(l.now) {
		return 0, invalid(path, "got %s, want %s to %s, which is state.now", t.AsTime().Format(time.RFC3339Nano), earliestTime.Format(time.RFC3339), l.now.Format(time.RFC3339Nano))
	}
	return t.AsTime().UnixNano(), nil
}

// oldest is what an operation's age can't be: a time.Duration has no room for more.
const oldest = time.Duration(math.MaxInt64)

// loadedAge reads how long after an operation's creation something has happened.
func loadedAge(d *durationpb.Duration, path string) (time.Duration, error) {
	if d == nil {
		return 0, nil
	}
	age := d.AsDuration()
	if err := d.CheckValid(); err != nil || age < 0 || age >= oldest {
		return 0, invalid(path, "got %v, want 0s to less than %v after the operation's creation", age, oldest)
	}
	return age, nil
}
