package rules

import (
	"cmp"
	"hash/maphash"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/optest-dev/optest/trace"
)

// Checker holds events against rules as they come in. It is for one goroutine.
type Checker struct {
	env     *Env
	running []*running
	// Those that apply, by what they are to be given.
	calls, looks, afters, besides, leaves []*running

	decoder *decoder
	ops     map[string]*Op
	images  map[string]*Op // by the id of the image that they make
	events  int
	hash    maphash.Seed
	lost    lostStarts
	unread  unreadChanges

	open, over lineup // operations in progress, and those that were seen to be done
	gone       map[uint64]packedGone
	size       int // of the answers that are kept, in bytes
	evicted    int
	blind      bool // more were forgotten than gone holds
}

type running struct {
	rule    *Rule
	machine Machine
	sink    *Sink
	reason  string // why it does not apply; empty if it does
}

// NewChecker makes a checker of those rules that apply.
func NewChecker(env *Env, list []*Rule) *Checker {
	c := &Checker{
		env:     env,
		decoder: newDecoder(),
		ops:     map[string]*Op{},
		images:  map[string]*Op{},
		gone:    map[uint64]packedGone{},
		hash:    maphash.MakeSeed(),
	}
	for _, r := range list {
		run := &running{rule: r, sink: &Sink{rule: r, place: len(c.running), exercised: map[string]struct{}{}}, reason: env.inapplicable(r)}
		if run.reason == "" && r.New != nil {
			run.machine = r.New(env)
		}
		c.running = append(c.running, run)
		c.give(run)
	}
	return c
}

// give sorts a rule by what its machine is to be given.
func (c *Checker) give(r *running) {
	add := func(list *[]*running, wanted bool) {
		if wanted {
			*list = append(*list, r)
		}
	}
	add(&c.calls, r.machine.Call != nil)
	add(&c.looks, r.machine.Look != nil)
	add(&c.afters, r.machine.After != nil)
	add(&c.besides, r.machine.Beside != nil)
	add(&c.leaves, r.machine.Leave != nil)
}

// Check is a checker's results for a whole trace, in whatever order its events
// are.
func Check(env *Env, list []*Rule, events []*trace.Event) []Result {
	c := NewChecker(env, list)
	for _, e := range InOrder(events) {
		c.Observe(e)
	}
	return c.End()
}

// InOrder are the events by the time of their return.
func InOrder(events []*trace.Event) []*trace.Event {
	sorted := slices.Clone(events)
	slices.SortStableFunc(sorted, func(a, b *trace.Event) int { return cmp.Compare(a.Returned, b.Returned) })
	return sorted
}

// Observe takes an event in. Events come in the order of their return.
func (c *Checker) Observe(e *trace.Event) { c.observe(c.decoder.see(e)) }

// observe takes an event in that no checker has placed yet.
func (c *Checker) observe(s *Seen) {
	c.events++
	c.place(s)
	for _, r := range c.calls {
		r.machine.Call(s, r.sink)
	}
	if s.look != nil {
		c.answer(s)
	}
	c.follow(s)
}

// answer holds an answer about an operation against what was seen of it before.
func (c *Checker) answer(s *Seen) {
	look, isNew := s.look, s.look.Count == 0
	if isNew {
		for _, r := range c.looks {
			r.machine.Look(s, r.sink)
		}
	}
	// What is said of another operation, or of none, is nothing to compare.
	if !about(s) {
		return
	}
	c.compare(s, look, isNew)
	done, size := s.Op.Done != nil, s.Op.size
	s.Op.take(s, look)
	c.size += s.Op.size - size
	if !done && s.Op.Done != nil {
		c.ended(s.Op)
	}
}

// place finds what the event is about, and the look that its answer is, if any.
func (c *Checker) place(s *Seen) {
	id := operationOf(s)
	s.Op = c.ops[id]
	if image := imageOf(s.Request); image != "" {
		s.Made = c.images[image]
	}
	if s.Answer == nil {
		return
	}
	if s.Op == nil {
		s.Op = c.meet(id)
	}
	if s.Starts() {
		c.asks(s)
	}
	s.look, s.Fresh = s.Op.look(s)
	if s.look == nil {
		s.look = &Look{First: s}
	}
}

// asks notes what the operation was started for.
func (c *Checker) asks(s *Seen) {
	op := s.Op
	if op.Start == nil {
		op.Start, op.Method, op.Request = s, s.Method, s.Request
		op.Doubtful = !c.env.World && !c.env.afresh(s)
		if lost, ok := c.lost.get(s); ok && !proto.Equal(lost, s.Request) {
			op.Request = nil
		}
	} else if s.Called < op.Start.Returned && !proto.Equal(op.Request, s.Request) {
		op.Request = nil
	}
}

// compare gives the machines the pairs that the event makes.
func (c *Checker) compare(s *Seen, look *Look, isNew bool) {
	op := s.Op
	for _, other := range op.Looks {
		if isNew {
			for _, r := range c.besides {
				r.machine.Beside(other.First, s, r.sink)
			}
		}
		if other.First.Returned >= s.Called || look.follows(other) {
			continue
		}
		for _, r := range c.afters {
			r.machine.After(other.First, s, r.sink)
		}
	}
}

// follow notes what later events need to know of this one.
func (c *Checker) follow(s *Seen) {
	c.lost.note(s)
	switch {
	case harmless(s):
		op := s.Op
		if op == nil && s.Request == nil {
			op = c.ops[pathOperation(s)]
		}
		if op != nil {
			op.noteHarmless(s)
		}
	case s.Is(MethodCancel) && s.Op != nil && len(s.Op.Cancels) < maxCancels:
		s.Op.Cancels = append(s.Op.Cancels, s)
	}
	if s.Made != nil && s.Starts() && len(s.Made.Changes) < maxChanges {
		s.Made.Changes = append(s.Made.Changes, s)
	}
	c.unread.note(s)
	if s.Op == nil || s.Op.ID == "" || s.Answer == nil || s.Op.Method == nil || s.Op.Start == nil {
		return
	}
	if id := s.Answer.ImageID(); id != "" && creates(s.Op.Start) {
		if _, ok := c.images[id]; !ok && len(s.Op.images) < maxNamed {
			c.images[id] = s.Op
			s.Op.images = append(s.Op.images, id)
		}
	}
}

func (c *Checker) hashOf(text string) uint64 { return maphash.String(c.hash, text) }
