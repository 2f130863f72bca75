package mockserver

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/optest-dev/optest/mockserver/engine"
)

// longRunning is what the server keeps of an operation: how it began and what
// happened to it. What it looks like is computed when somebody asks.
type longRunning struct {
	id        string
	method    *method
	playing   *playing
	resources resources
	encoded   string // the request
	target    string // id of the resource that the operation is about
	created   int64  // Unix nanoseconds
	seed      uint64
	before    *longRunning // the one created before it

	mu    sync.Mutex
	polls uint32       // answered Gets
	marks marks        // settled at creation
	lived *engine.Life // nil until a call has changed the operation
	tally *tally       // nil where the scenario has no faults
}

// tally is what faults want to know of the calls about an operation.
type tally struct {
	strikes strikes
	fixed   *engine.State // what the operation looks like, whatever its scenario says; nil unless a quirk has it so
	home    string        // protocol that the operation was created over; empty unless it matters
	readers []string      // peers, in the order of their first call; only where a fault tells them apart
}

// request is what the operation was started with. It is kept encoded: the garbage
// collector has nothing to look for in a million requests then.
func (op *longRunning) request() proto.Message {
	m := op.method.request.New().Interface()
	if err := proto.Unmarshal([]byte(op.encoded), m); err != nil {
		// It was encoded from a message of the type.
		return op.method.request.Zero().Interface()
	}
	return m
}

// state is the operation's state now.
func (op *longRunning) state(now time.Time) engine.State {
	op.mu.Lock()
	defer op.mu.Unlock()
	return op.stateLocked(now)
}

func (op *longRunning) stateLocked(now time.Time) engine.State {
	if op.tally != nil && op.tally.fixed != nil {
		return *op.tally.fixed
	}
	return op.playing.plan.At(op.age(now), op.life())
}

func (op *longRunning) life() engine.Life {
	if op.lived == nil {
		return engine.Life{}
	}
	return *op.lived
}

// live is the life to change.
func (op *longRunning) live() *engine.Life {
	if op.lived == nil {
		op.lived = &engine.Life{}
	}
	return op.lived
}

// age is 0 for a call that has begun before the one that created the operation.
func (op *longRunning) age(now time.Time) time.Duration {
	return max(0, time.Duration(now.UnixNano()-op.created))
}

// stateAt is the operation's state when it had the given age.
func (op *longRunning) stateAt(age time.Duration) engine.State {
	op.mu.Lock()
	defer op.mu.Unlock()
	then := op.life()
	for len(then.Reached) > 0 && then.Reached[len(then.Reached)-1] > age {
		then.Reached = then.Reached[:len(then.Reached)-1]
	}
	if then.Cancelled != nil && *then.Cancelled > age {
		then.Cancelled = nil
	}
	return op.playing.plan.At(age, then)
}

// poll counts one answered Get and returns what it sees.
func (op *longRunning) poll(now time.Time) engine.State {
	op.mu.Lock()
	defer op.mu.Unlock()
	op.polls++
	if op.playing.plan.PolledSteps() > 0 {
		for op.playing.plan.Reaches(op.polls, op.age(now), op.life()) > len(op.life().Reached) {
			life := op.live()
			at := op.age(now)
			if n := len(life.Reached); n > 0 {
				at = max(at, life.Reached[n-1]) // polls need not end in the order in which they began
			}
			life.Reached = append(life.Reached, at)
		}
	}
	return op.stateLocked(now)
}

// cancel asks the operation to end and returns what it looks like then.
func (op *longRunning) cancel(now time.Time) engine.State {
	op.mu.Lock()
	defer op.mu.Unlock()
	if op.playing.plan.Cancellable(op.age(now), op.life()) {
		at := op.age(now)
		op.live().Cancelled = &at
	}
	return op.stateLocked(now)
}

// strike counts a call about the operation against its scenario's faults.
func (op *longRunning) strike(now time.Time, t target) blow {
	injected := &t.call.session.injected
	if len(op.playing.faults) == 0 && injected.none() {
		return blow{}
	}
	op.mu.Lock()
	if op.tally == nil {
		op.tally = &tally{}
	}
	t.phase, t.hasPhase, t.seed = op.stateLocked(now).Phase, true, op.seed
	if op.playing.tellsReaders || !injected.none() {
		t.connection = op.tally.reader(t.call.record.Peer)
	}
	b := strike(op.playing.faults, &op.tally.strikes, t)
	op.mu.Unlock()
	injected.strike(&b, t, op.playing, op.id)
	return b
}

// recount forgets how often faults have struck.
func (op *longRunning) recount() {
	op.mu.Lock()
	defer op.mu.Unlock()
	if op.tally != nil {
		op.tally.strikes, op.tally.readers = nil, nil
	}
}

// maxReaders bounds the connections that are told apart. Those that come later
// count as the last.
const maxReaders = 1024

// reader is the number of a connection among those that have made a call about
// the operation.
func (t *tally) reader(peer string) uint32 {
	i := slices.Index(t.readers, peer)
	if i < 0 {
		if i = len(t.readers); i == maxReaders {
			return maxReaders
		}
		t.readers = append(t.readers, peer)
	}
	return uint32(i) + 1
}

// answer holds an Operation and what every answer has in it, so that to make
// one is one allocation.
type answer struct {
	operation         operation.Operation
	created, modified timestamppb.Timestamp
	metadata          anypb.Any
	target            [32]byte // room for metadata that holds no more than the resource's id
}

// message is the Operation resource in state st.
func (op *longRunning) message(st engine.State) (*operation.Operation, error) {
	a := &answer{}
	stamp(&a.created, op.created)
	stamp(&a.modified, op.created+int64(st.Modified))
	if err := op.metadata(st, a); err != nil {
		return nil, err
	}
	msg := &a.operation
	msg.Id = op.id
	msg.Description = op.description(st)
	msg.CreatedAt = &a.created
	msg.CreatedBy = subject
	msg.ModifiedAt = &a.modified
	msg.Done = st.Phase.Done()
	msg.Metadata = &a.metadata
	switch st.Phase {
	case engine.Failing, engine.Failed:
		msg.Result = &operation.Operation_Error{Error: st.Error}
	case engine.Succeeded:
		response, err := op.response(st)
		if err != nil {
			return nil, err
		}
		msg.Result = &operation.Operation_Response{Response: response}
	}
	return msg, nil
}

func (op *longRunning) description(st engine.State) string {
	text := op.method.title
	if st.Description != nil {
		text = *st.Description
	}
	if st.Progress != nil && op.progressField() == nil {
		text = fmt.Sprintf("%s (%d %%)", text, *st.Progress)
	}
	return text
}

func (op *longRunning) progressField() protoreflect.FieldDescriptor {
	fields := op.method.metadata.Descriptor().Fields()
	for _, name := range []protoreflect.Name{"progress_percent", "progress"} {
		if f := fields.ByName(name); f != nil && f.Cardinality() != protoreflect.Repeated {
			switch f.Kind() {
			case protoreflect.Int32Kind, protoreflect.Int64Kind:
				return f
			}
		}
	}
	return nil
}

func (op *longRunning) metadata(st engine.State, a *answer) error {
	if st.Progress == nil && st.Metadata == nil && op.method.target != nil && op.target != "" {
		a.metadata.TypeUrl = op.method.metadataURL
		a.metadata.Value = protowire.AppendTag(a.target[:0], op.method.target.Number(), protowire.BytesType)
		a.metadata.Value = protowire.AppendString(a.metadata.Value, op.target)
		return nil
	}
	m := op.method.metadata.New()
	if f := op.method.target; f != nil {
		m.Set(f, protoreflect.ValueOfString(op.target))
	}
	if f := op.progressField(); f != nil && st.Progress != nil {
		switch f.Kind() {
		case protoreflect.Int32Kind:
			m.Set(f, protoreflect.ValueOfInt32(int32(*st.Progress)))
		case protoreflect.Int64Kind:
			m.Set(f, protoreflect.ValueOfInt64(int64(*st.Progress)))
		}
	}
	if err := override(m, st.Metadata); err != nil {
		return fmt.Errorf("metadata of scenario %q: %w", op.playing.name(), err)
	}
	return a.metadata.MarshalFrom(m.Interface())
}

func (op *longRunning) response(st engine.State) (*anypb.Any, error) {
	m := op.method.response.New()
	op.fill(m)
	op.resources.complete(op, st, m)
	if err := override(m, st.Response); err != nil {
		return nil, fmt.Errorf("response of scenario %q: %w", op.playing.name(), err)
	}
	return anypb.New(m.Interface())
}

// fill takes into a resource what the request says of it: fields of the same
// name and type, the id and the time of creation.
func (op *longRunning) fill(m protoreflect.Message) {
	request := op.request().ProtoReflect()
	fields := m.Descriptor().Fields()
	request.Range(func(from protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		to := fields.ByName(from.Name())
		if to == nil || to.Kind() != from.Kind() || to.Cardinality() != from.Cardinality() || to.IsMap() != from.IsMap() {
			return true
		}
		if to.IsMap() {
			if to.MapKey().Kind() == from.MapKey().Kind() && to.MapValue().Kind() == from.MapValue().Kind() && to.MapValue().Message() == nil {
				copied := m.Mutable(to).Map()
				v.Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
					copied.Set(k, v)
					return true
				})
			}
			return true
		}
		if !to.IsList() && to.Message() == nil && to.Enum() == nil {
			m.Set(to, v)
		}
		return true
	})
	if id := fields.ByName("id"); id != nil && id.Kind() == protoreflect.StringKind {
		m.Set(id, protoreflect.ValueOfString(op.target))
	}
	if f := fields.ByName("created_at"); f != nil && f.Message() != nil && f.Message().FullName() == "google.protobuf.Timestamp" {
		m.Set(f, protoreflect.ValueOfMessage(timestamp(op.created).ProtoReflect()))
	}
}

func timestamp(unixNano int64) *timestamppb.Timestamp {
	return timestamppb.New(time.Unix(0, unixNano))
}

// stamp is timestamp in a place that is there already.
func stamp(t *timestamppb.Timestamp, unixNano int64) {
	at := time.Unix(0, unixNano)
	t.Seconds, t.Nanos = at.Unix(), int32(at.Nanosecond())
}
