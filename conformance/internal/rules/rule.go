// Package rules is the contract of long-running operations as a table: each row
// is one sentence that a server can be held to, with its source, what exercises
// it, why no healthy server is accused by it, and the machine that looks for a
// breach in what was observed. It judges and never talks to anybody.
package rules

import (
	"math/rand/v2"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// Rule is a row of the table.
type Rule struct {
	ID    string // such as OP-08
	Title string
	// Core rules make the verdict of a whole server: each must have passed.
	Core  bool
	Level Level
	// Lenient: a breach is a warning although the level would make it an error.
	Lenient bool
	// Quote is the exact sentence, Source where it stands.
	Quote, Source string
	// Sees is what an observer must see of calls for the rule to apply.
	Sees []optestv1.TraceHeader_Sight
	// World rules apply only where nobody else writes, or where the observer sees
	// everybody.
	World bool
	// Strong rules apply only where reads are never stale.
	Strong bool
	// Exercise is the traffic that the rule is exercised by.
	Exercise string
	// Guard says why no healthy server is accused.
	Guard  string
	Reduce Reduce
	// New makes the machine that looks for breaches.
	New func(*Env) Machine
	// Corrupt breaks the rule somewhere in a recorded trace.
	Corrupt Corruption
	// Static rules are judged by descriptors, not by calls.
	Static func(*Env, *Sink)
}

// Level says how much a rule's sentence binds.
type Level int

const (
	// Seed: the method's own documentation says so.
	Seed Level = iota + 1
	// Proto: the proto files or their options say so.
	Proto
	// Guide: the vendor's API guide, to which the documentation links, says so.
	Guide
	// Implied: the schema, or the specification of its encoding, implies it.
	Implied
	// Practice: what good services do. A breach is a warning.
	Practice
)

func (l Level) String() string {
	switch l {
	case Seed:
		return "documented"
	case Proto:
		return "proto"
	case Guide:
		return "guide"
	case Implied:
		return "implied"
	case Practice:
		return "practice"
	}
	return "unknown"
}

// Warns reports whether a breach is no more than a warning.
func (r *Rule) Warns() bool { return r.Level == Practice || r.Lenient }

// Reduce says which parts of a trace keep a breach a breach.
type Reduce int

const (
	// Subset: events can be left out.
	Subset Reduce = iota
	// Prefix: the trace can be cut at its end only.
	Prefix
)

// Corruption breaks the rule in one place that it draws, and says where. It
// reports false if the trace has no place where the rule can be broken.
type Corruption func(t *Tape, draw *rand.Rand) (where string, ok bool)

// Machine looks for breaches while events come in, each after all those that
// returned before it. Functions that are nil are not called.
type Machine struct {
	// Call is given every event.
	Call func(*Seen, *Sink)
	// Look is given every distinct answer about an operation, once.
	Look func(*Seen, *Sink)
	// After is given two answers about one operation of which a returned before b
	// was called: once for each pair of distinct answers, in this order, and once
	// for each answer that comes again.
	After func(a, b *Seen, sink *Sink)
	// Beside is given each pair of distinct answers about one operation, in
	// whatever order.
	Beside func(a, b *Seen, sink *Sink)
	// Leave is given each operation when nothing more will be seen of it: before End,
	// or when the checker has to forget it.
	Leave func(*Op, *Sink)
	// End is called when there are no more events.
	End func(*Sink)
}
