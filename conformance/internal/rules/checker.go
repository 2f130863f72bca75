package rules

import (
	"cmp"
	"hash/maphash"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/proto"

	"github.com/optest-dev/optest/trace"
)

// Checker holds events against rules as they come in. It is for one goroutine.
type Checker struct {
	env     *Env
	running []*running
	decoder *decoder
	ops     map[string]*Op
	images  map[string]*Op // by the id of the image that they make
	done    []*Op          // in the order in which they were seen to be done
	gone    map[uint64]Gone
	evicted int
	events  int
	hash    maphash.Seed
	lost    lostStarts
}

type running struct {
	rule    *Rule
	machine Machine
	sink    *Sink
	reason  string // why it does not apply; empty if it does
}

// Bounds of what a checker remembers. What it has to forget, it counts.
const (
	maxOps  = 1 << 14
	maxGone = 1 << 20
)

// NewChecker makes a checker of those rules that apply.
func NewChecker(env *Env, list []*Rule) *Checker {
	c := &Checker{
		env:     env,
		decoder: newDecoder(),
		ops:     map[string]*Op{},
		images:  map[string]*Op{},
		gone:    map[uint64]Gone{},
		hash:    maphash.MakeSeed(),
	}
	for _, r := range list {
		run := &running{rule: r, sink: &Sink{rule: r, exercised: map[string]struct{}{}}, reason: env.inapplicable(r)}
		if run.reason == "" && r.New != nil {
			run.machine = r.New(env)
		}
		c.running = append(c.running, run)
	}
	return c
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
	look, isNew := c.place(s)
	for _, r := range c.running {
		if r.reason != "" {
			continue
		}
		if r.machine.Call != nil {
			r.machine.Call(s, r.sink)
		}
		if isNew && r.machine.Look != nil {
			r.machine.Look(s, r.sink)
		}
	}
	// What is said of another operation, or of none, is nothing to compare.
	if look != nil && s.Answer.GetId() == s.Op.ID && s.Op.ID != "" {
		c.compare(s, look, isNew)
		s.Op.take(s, look)
		c.retire(s.Op)
	}
	c.follow(s)
}

// place finds what the event is about, and the look that its answer is, if any.
func (c *Checker) place(s *Seen) (look *Look, isNew bool) {
	s.Op = c.ops[c.subject(s)]
	s.Made = c.images[imageOf(s.Request)]
	if s.Answer == nil {
		return nil, false
	}
	if s.Op == nil {
		id := c.subject(s)
		s.Op = &Op{ID: id, began: c.events}
		if g, ok := c.gone[c.hashOf(id)]; ok {
			s.Op.Gone = &g
		}
		if id != "" {
			c.ops[id] = s.Op
			if len(c.ops) > 2*maxOps {
				c.crowded()
			}
		}
	}
	if s.Starts() {
		c.asks(s)
	}
	look, s.Fresh = s.Op.look(s)
	if look == nil {
		return &Look{First: s}, true
	}
	return look, false
}

// asks notes what the operation was started for.
func (c *Checker) asks(s *Seen) {
	op := s.Op
	if op.Start == nil {
		op.Start, op.Method, op.Request = s, s.Method, s.Request
		if lost, ok := c.lost.get(s); ok && !proto.Equal(lost, s.Request) {
			op.Request = nil
		}
	} else if s.Called < op.Start.Returned && !proto.Equal(op.Request, s.Request) {
		op.Request = nil
	}
}

// subject is the id of the operation that the call is about.
func (c *Checker) subject(s *Seen) string { return operationOf(s) }

// operationOf is the id of the operation that a call is about.
func operationOf(s *Seen) string {
	if s.Starts() {
		if s.Answer != nil {
			return s.Answer.GetId()
		}
		return ""
	}
	switch req := s.Request.(type) {
	case *operation.GetOperationRequest:
		return req.GetOperationId()
	case *operation.CancelOperationRequest:
		return req.GetOperationId()
	}
	if s.Request == nil && s.Event.Operation == "" && s.Answer != nil {
		return s.Answer.GetId()
	}
	return s.Event.Operation
}

// imageOf is the id of the image that a request is about.
func imageOf(request proto.Message) string {
	switch req := request.(type) {
	case *clouddesktop.GetDesktopImageRequest:
		return req.GetImageId()
	case *clouddesktop.UpdateDesktopImageRequest:
		return req.GetImageId()
	case *clouddesktop.DeleteDesktopImageRequest:
		return req.GetImageId()
	}
	return ""
}

// compare gives the machines the pairs that the event makes.
func (c *Checker) compare(s *Seen, look *Look, isNew bool) {
	op := s.Op
	for _, other := range op.Looks {
		if isNew {
			for _, r := range c.running {
				if r.reason == "" && r.machine.Beside != nil {
					r.machine.Beside(other.First, s, r.sink)
				}
			}
		}
		if other.First.Returned >= s.Called || look.follows(other) {
			continue
		}
		for _, r := range c.running {
			if r.reason == "" && r.machine.After != nil {
				r.machine.After(other.First, s, r.sink)
			}
		}
	}
}

// follows notes that the look was seen after another, and reports whether that was
// known.
func (l *Look) follows(other *Look) bool {
	if l == other {
		known := l.again
		l.again = true
		return known
	}
	bit := uint64(1) << (other.index % maxLooks)
	known := l.after&bit != 0
	l.after |= bit
	return known
}

// look finds the one that the answer is, and whether its bytes are new.
func (op *Op) look(s *Seen) (look *Look, fresh bool) {
	for _, l := range op.Looks {
		if slices.Contains(l.blobs, s.Event.Response) {
			return l, false
		}
	}
	for _, l := range op.Looks {
		if proto.Equal(l.First.Answer.Operation, s.Answer.Operation) {
			const most = 8
			if len(l.blobs) < most {
				l.blobs = append(l.blobs, s.Event.Response)
			}
			return l, true
		}
	}
	return nil, true
}

// take remembers the event.
func (op *Op) take(s *Seen, look *Look) {
	op.Reads++
	op.order.note(s)
	look.Last = s
	look.Count++
	if look.Count == 1 {
		look.blobs = append(look.blobs, s.Event.Response)
		look.index = len(op.Looks) + op.dropped
		if len(op.Looks) == maxLooks {
			op.Looks = slices.Delete(op.Looks, 0, 1)
			op.dropped++
			look.index = len(op.Looks) + op.dropped
			for _, l := range op.Looks {
				l.after &^= 1 << (look.index % maxLooks) // the place of the one that went
			}
		}
		op.Looks = append(op.Looks, look)
	}
	switch s.Answer.Rank() {
	case Done:
		if op.Done == nil {
			op.Done = s
		}
	case Failing:
		if op.Failing == nil {
			op.Failing = s
		}
	}
}

// follow notes what later events need to know of this one.
func (c *Checker) follow(s *Seen) {
	c.lost.note(s)
	if s.Op != nil {
		switch {
		case harmless(s):
			if len(s.Op.Harmless) < maxHarmless {
				s.Op.Harmless = append(s.Op.Harmless, s)
			}
		case s.Is(MethodCancel) && len(s.Op.Cancels) < maxCancels:
			s.Op.Cancels = append(s.Op.Cancels, s)
		}
	}
	if s.Made != nil && s.Starts() && len(s.Made.Changes) < maxChanges {
		s.Made.Changes = append(s.Made.Changes, s)
	}
	if s.Op == nil || s.Op.ID == "" || s.Answer == nil || s.Op.Method == nil || s.Op.Start == nil {
		return
	}
	// The request of a method that makes an image does not name it.
	if id := s.Answer.ImageID(); id != "" && imageOf(s.Op.Request) == "" {
		if _, ok := c.images[id]; !ok {
			c.images[id] = s.Op
		}
	}
}

// harmless reports whether a call over REST must have no effect, by its verb.
func harmless(s *Seen) bool {
	verb, _, ok := strings.Cut(s.HTTPRequest, " ")
	if !ok {
		return false
	}
	switch {
	case s.Is(MethodGet):
		return true
	case s.Is(MethodCancel):
		return verb != http.MethodGet && verb != http.MethodPost
	}
	return false
}

// retire forgets operations where there are too many: those that were done first,
// and without any the oldest.
func (c *Checker) retire(op *Op) {
	if op.Done != nil && !op.queued {
		op.queued = true
		c.done = append(c.done, op)
	}
	for len(c.ops) > maxOps && len(c.done) > 0 {
		old := c.done[0]
		c.done[0] = nil
		c.done = c.done[1:]
		if c.ops[old.ID] == old {
			c.forget(old)
		}
	}
}

// crowded forgets the half of the operations that began first.
func (c *Checker) crowded() {
	all := slices.SortedFunc(maps.Values(c.ops), func(a, b *Op) int { return cmp.Compare(a.began, b.began) })
	for _, old := range all[:len(all)/2] {
		c.forget(old)
	}
}

func (c *Checker) forget(old *Op) {
	c.evicted++
	image := old.ImageID()
	if old.Done != nil && len(c.gone) < maxGone {
		answer := old.Done.Answer
		c.gone[c.hashOf(old.ID)] = Gone{Outcome: answer.Outcome()[0], Code: answer.GetError().GetCode(), Image: c.hashOf(image)}
	}
	delete(c.ops, old.ID)
	if c.images[image] == old {
		delete(c.images, image)
	}
}

func (c *Checker) hashOf(text string) uint64 { return maphash.String(c.hash, text) }
