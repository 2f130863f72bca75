package rules

import (
	"time"

	"google.golang.org/protobuf/reflect/protoregistry"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// Env is what is known of the server and of the run besides the events.
type Env struct {
	// Header is that of the trace.
	Header *optestv1.TraceHeader
	// Window is how long after a write a read may miss it. 0: the server is expected
	// to be linearizable (profile `strong`).
	Window time.Duration
	// Contract is the last source that counts: Seed, Proto or Guide. What is implied
	// counts always.
	Contract Level
	// World: nobody but the observer writes to where it works.
	World bool
	// Bound is how long an operation may take, 0 if nobody knows.
	Bound time.Duration

	// Desktops are known by what becomes of a copy of them.
	Desktops Desktops
	// Folder is where the run works, empty if it says none.
	Folder string
	// Subject is who calls, empty if unknown.
	Subject string
	// Auth: the server knows its callers.
	Auth bool
	// Foreign is the id of an operation of somebody else, empty if none is known.
	Foreign string

	// Untimed are spans in which rules about time do not apply.
	Untimed []Span

	// Descriptors are the server's own, from reflection, nil if they are not known.
	// They hold the contract's services and all that these refer to. Options of types
	// of their own are as they were read: unknown fields.
	Descriptors *protoregistry.Files
}

// Desktops are ids, each empty where none is known.
type Desktops struct {
	Succeeds, Fails, FailsLate, Absent string
}

// Span is a part of a trace, as offsets from its start.
type Span struct{ From, Until time.Duration }

// Eventual reports whether reads may miss a write for a while.
func (e *Env) Eventual() bool { return e.Window > 0 }

// Virtual reports whether the trace has a clock of its own.
func (e *Env) Virtual() bool { return e.Header.GetClock() == optestv1.TraceHeader_VIRTUAL }

// Timed reports whether times within the span can be trusted.
func (e *Env) Timed(from, until time.Duration) bool {
	for _, s := range e.Untimed {
		if from < s.Until && s.From < until {
			return false
		}
	}
	return true
}
