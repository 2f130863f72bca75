package rules

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// Tape is a recorded trace for a corruption to break. The events that it was made
// from stay as they are.
type Tape struct {
	Env    *Env
	Events []*trace.Event // in the order of their return
	seen   []*Seen
}

// NewTape copies a trace.
func NewTape(env *Env, events []*trace.Event) *Tape {
	return newTape(env, newDecoder(), InOrder(events))
}

func newTape(env *Env, d *decoder, sorted []*trace.Event) *Tape {
	t := &Tape{Env: env, Events: slices.Clone(sorted)}
	for _, e := range t.Events {
		t.seen = append(t.seen, d.see(e))
	}
	return t
}

// Copy is another tape with the same events.
func (t *Tape) Copy() *Tape {
	return &Tape{Env: t.Env, Events: slices.Clone(t.Events), seen: slices.Clone(t.seen)}
}

// At is the event at a place as it was recorded. It knows no operation: nothing
// was compared yet.
func (t *Tape) At(i int) *Seen { return t.seen[i] }

// Where are the places of all events that the function holds for.
func (t *Tape) Where(is func(*Seen) bool) []int {
	var places []int
	for i, s := range t.seen {
		if is(s) {
			places = append(places, i)
		}
	}
	return places
}

// Pick draws a place of those that the function holds for.
func (t *Tape) Pick(draw *rand.Rand, is func(*Seen) bool) (place int, ok bool) {
	places := t.Where(is)
	if len(places) == 0 {
		return 0, false
	}
	return places[draw.IntN(len(places))], true
}

// Pair draws two answers about one operation of which the first had returned
// before the second was called.
func (t *Tape) Pair(draw *rand.Rand, is func(a, b *Seen) bool) (first, second int, ok bool) {
	type pair struct{ a, b int }
	var pairs []pair
	byOp := map[string][]int{}
	for i, s := range t.seen {
		if s.Answer == nil {
			continue
		}
		id := operationOf(s)
		for _, j := range byOp[id] {
			if a := t.seen[j]; a.Returned < s.Called && is(a, s) {
				pairs = append(pairs, pair{j, i})
			}
		}
		byOp[id] = append(byOp[id], i)
	}
	if len(pairs) == 0 {
		return 0, 0, false
	}
	p := pairs[draw.IntN(len(pairs))]
	return p.a, p.b, true
}

// Change replaces an event by a changed copy.
func (t *Tape) Change(i int, change func(*trace.Event)) {
	e := *t.Events[i]
	change(&e)
	t.Events[i] = &e
}

// Edit changes the operation that an event answered with.
func (t *Tape) Edit(i int, edit func(*operation.Operation)) bool {
	s := t.seen[i]
	if s.Answer == nil {
		return false
	}
	m := proto.CloneOf(s.Answer.Operation)
	edit(m)
	return t.Respond(i, m)
}

// Respond has an event answer with another message, in its codec.
func (t *Tape) Respond(i int, m proto.Message) bool {
	raw, ok := encoded(m, t.Events[i].ResponseCodec)
	if ok {
		t.Change(i, func(e *trace.Event) { e.Response = trace.NewBlob(raw) })
	}
	return ok
}

// Ask has an event ask for another message, in its codec.
func (t *Tape) Ask(i int, m proto.Message) bool {
	raw, ok := encoded(m, t.Events[i].RequestCodec)
	if ok {
		t.Change(i, func(e *trace.Event) { e.Request = trace.NewBlob(raw) })
	}
	return ok
}

func encoded(m proto.Message, codec optestv1.Event_Codec) ([]byte, bool) {
	var raw []byte
	var err error
	switch codec {
	case optestv1.Event_PROTO:
		raw, err = proto.Marshal(m)
	case optestv1.Event_JSON:
		raw, err = protojson.Marshal(m)
	default:
		return nil, false
	}
	return raw, err == nil
}

// Raw changes the bytes of an event's response.
func (t *Tape) Raw(i int, change func([]byte) []byte) {
	t.Change(i, func(e *trace.Event) {
		var raw []byte
		if e.Response != nil {
			raw = slices.Clone(e.Response.Bytes())
		}
		e.Response = trace.NewBlob(change(raw))
	})
}

// Fail has an event end with a status.
func (t *Tape) Fail(i int, f trace.Failure) {
	t.Change(i, func(e *trace.Event) {
		e.Outcome, e.Failure, e.Response = optestv1.Event_FAILED, &f, nil
	})
}

// Add adds an event after all others, a moment later. It is numbered.
func (t *Tape) Add(e trace.Event) {
	var number uint64
	var end time.Duration
	for _, other := range t.Events {
		number, end = max(number, other.Number), max(end, other.Returned)
	}
	took := e.Returned - e.Called
	e.Number, e.Called = number+1, end+time.Millisecond
	e.Returned = e.Called + max(took, time.Microsecond)
	t.Events = append(t.Events, &e)
}
