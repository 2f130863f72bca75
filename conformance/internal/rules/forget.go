package rules

import (
	"strings"
	"time"
)

// Gone is what is kept of an operation that was forgotten.
type Gone struct {
	// Outcome is that of the first answer that said done, by its first letter; 0 if
	// none had said so.
	Outcome byte
	// Code is that answer's error, and Done when it had returned, to the next
	// millisecond.
	Code int32
	Done time.Duration
}

// packedGone is a Gone as it is kept of a million operations: milliseconds in 38
// bits, the code in 24, the outcome in 2. What has no room there is as if nothing
// was known.
type packedGone uint64

const (
	outcomes     = "\x00ner"
	maxGoneCode  = 1<<23 - 1
	maxGoneMilli = 1<<38 - 1
)

func (g Gone) packed() packedGone {
	outcome := strings.IndexByte(outcomes, g.Outcome)
	milli := (g.Done + time.Millisecond - 1) / time.Millisecond
	if outcome < 1 || g.Code > maxGoneCode || g.Code < -maxGoneCode || milli < 0 || milli > maxGoneMilli {
		return 0
	}
	return packedGone(milli)<<26 | packedGone(uint32(g.Code)&(1<<24-1))<<2 | packedGone(outcome)
}

func (p packedGone) unpacked() Gone {
	return Gone{Outcome: outcomes[p&3], Code: int32(p>>2<<8) >> 8, Done: time.Duration(p>>26) * time.Millisecond}
}

// Bounds of what a checker remembers. What it has to forget, it counts.
const (
	maxOps  = 6_000
	maxSize = 48 << 20 // of answers, in bytes
	maxGone = 1 << 20
)

// lineup is a list of operations in the order in which they were added.
type lineup struct{ first, last *Op }

func (l *lineup) add(op *Op) {
	op.previous, op.next = l.last, nil
	if l.last != nil {
		l.last.next = op
	} else {
		l.first = op
	}
	l.last = op
}

func (l *lineup) remove(op *Op) {
	if op.previous != nil {
		op.previous.next = op.next
	} else {
		l.first = op.next
	}
	if op.next != nil {
		op.next.previous = op.previous
	} else {
		l.last = op.previous
	}
	op.previous, op.next = nil, nil
}

// meet begins to know an operation, and forgets others if there are too many: those
// that were done first or, without any, those that were seen first.
func (c *Checker) meet(id string) *Op {
	op := &Op{ID: id, unread: &c.unread}
	if p, ok := c.gone[c.hashOf(id)]; ok {
		g := p.unpacked()
		op.Gone = &g
	} else if c.blind {
		op.Gone = &Gone{} // for all that is known
	}
	if id == "" {
		return op
	}
	for len(c.ops) >= maxOps || c.size > maxSize && len(c.ops) > 0 {
		old := c.over.first
		if old == nil {
			old = c.open.first
		}
		c.forget(old)
	}
	c.ops[id] = op
	c.open.add(op)
	return op
}

// ended moves an operation that was seen to be done for the first time.
func (c *Checker) ended(op *Op) {
	c.open.remove(op)
	c.over.add(op)
}

func (c *Checker) forget(op *Op) {
	c.evicted++
	c.size -= op.size
	c.leave(op)
	left := Gone{}
	if op.Gone != nil {
		left = *op.Gone
	}
	if op.Done != nil {
		c.over.remove(op)
		left = Gone{Outcome: op.Done.Answer.Outcome()[0], Code: op.Done.Answer.GetError().GetCode(), Done: op.Done.Returned}
	} else {
		c.open.remove(op)
	}
	if len(c.gone) < maxGone {
		c.gone[c.hashOf(op.ID)] = left.packed()
	} else {
		c.blind = true
	}
	delete(c.ops, op.ID)
	for _, image := range op.images {
		if c.images[image] == op {
			delete(c.images, image)
		}
	}
}

// leave lets the machines know that nothing more will be seen of an operation.
func (c *Checker) leave(op *Op) {
	for _, r := range c.leaves {
		r.machine.Leave(op, r.sink)
	}
}

// leaveAll is leave for those that are still known.
func (c *Checker) leaveAll() {
	if len(c.leaves) == 0 {
		return
	}
	for _, list := range []lineup{c.over, c.open} {
		for op := list.first; op != nil; op = op.next {
			c.leave(op)
		}
	}
}
