package drive

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/optest-dev/optest/conformance/internal/rules"
)

// Plan is what a run works on and with what.
type Plan struct {
	Endpoint Endpoint
	// Desktops are known by what becomes of a copy of them. Without one, what needs
	// it is left out.
	Desktops rules.Desktops
	// Folder is where images are made. Empty: requests name none.
	Folder string
	// Auth: calls without the endpoint's token are to be refused.
	Auth bool
	// Foreign is the id of an operation of somebody else, empty if none is known.
	Foreign string
	// Protocols are those to speak, in this order.
	Protocols []Protocol
	// Seed settles what is drawn.
	Seed uint64
	// Budget is nil for a server that belongs to the run and answers in virtual time.
	Budget *Budget
	// Prefix begins the names of all images.
	Prefix string
	// Bound is how long an operation may take.
	Bound time.Duration
	// Progress is told what the run is doing, if it is not nil.
	Progress func(Progress)
}

// Progress is how far a run has come.
type Progress struct {
	// Doing is the name of the script, or of the phase.
	Doing string
	// Script of Scripts, counted from 1. Both are 0 outside the scripted phase.
	Script, Scripts   int
	Requests, Creates int
	Elapsed           time.Duration
}

// World is a server with those who talk to it, and what they have found out. It
// is for one script at a time; what a script starts at once may use it together.
type World struct {
	plan     Plan
	recorder *Recorder
	ledger   *ledger // never nil; without a bound in virtual time
	start    time.Time
	found    Found

	mu     sync.Mutex
	conns  map[string]*Conn
	debts  []*debt
	names  int
	spans  map[string]span // of operations, by desktop
	folder string          // of an image that was made, where the plan has none
	keys   map[string]bool // of calls that may make an image
	lost   int             // calls in a row that nothing came back from
	over   error           // why the run has to end
}

// span is what is known of how long the operations of a desktop take.
type span struct {
	// After so long one was not done, and after so long it was.
	running, done time.Duration
	// Endless: one was never done.
	endless bool
}

// virtualRate is requests a second in virtual time, where none takes any: without
// it, all that a server does would happen at one moment.
const virtualRate = 1000

// Open makes a world. Close it.
func Open(plan Plan, recorder *Recorder) *World {
	budget := Budget{Rate: virtualRate}
	if plan.Budget != nil {
		budget = *plan.Budget
	}
	if plan.Bound <= 0 {
		plan.Bound = 24 * time.Hour
	}
	return &World{
		plan:     plan,
		recorder: recorder,
		ledger:   newLedger(budget),
		start:    time.Now(),
		found:    Found{Served: plan.Protocols},
		conns:    map[string]*Conn{},
		spans:    map[string]span{},
		keys:     map[string]bool{},
	}
}

// Close ends all connections.
func (w *World) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		c.Close()
	}
}

// live reports whether the server's time is everybody's, and requests cost.
func (w *World) live() bool { return w.plan.Budget != nil }

// many scales how often something is done to what the run may cost: as often as
// asked where requests are free, and seldom where they are rare.
func (w *World) many(n int) int {
	b := w.plan.Budget
	switch {
	case b == nil:
		return n
	case b.Rate <= 0 || b.Rate >= 100:
		return n
	case b.Rate >= 20:
		return max(1, min(n, 3+n/3))
	}
	return max(1, min(n, 2+n/10))
}

// sparing reports whether requests are rare.
func (w *World) sparing() bool { return w.many(100) < 100 }

// Over says why the run has ended early, nil if it has not.
func (w *World) Over() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.over
}

// end ends the run: calls from now on do nothing.
func (w *World) end(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over == nil {
		w.over = err
	}
}

// Used is how many requests were sent and images made.
func (w *World) Used() (requests, creates int) { return w.ledger.used() }

// Elapsed is how long the run has taken, by its own clock.
func (w *World) Elapsed() time.Duration { return time.Since(w.start) }

func (w *World) tell(p Progress) {
	if w.plan.Progress == nil {
		return
	}
	p.Requests, p.Creates = w.ledger.used()
	p.Elapsed = w.Elapsed()
	w.plan.Progress(p)
}

// readers is how many there are. Each has connections of its own.
const readers = 3

// conn is a reader's connection for a protocol. Readers are counted from 0.
func (w *World) conn(reader int, p Protocol) *Conn {
	who := fmt.Sprintf("reader-%d", reader%readers+1)
	return w.dial(who, p, w.plan.Endpoint)
}

func (w *World) dial(who string, p Protocol, e Endpoint) *Conn {
	w.mu.Lock()
	defer w.mu.Unlock()
	name := who + "/" + p.String()
	c, ok := w.conns[name]
	if !ok {
		c = Dial(e, p, w.recorder, name, who)
		c.pace = w.ledger.pace
		w.conns[name] = c
	}
	return c
}

// protocols are those that the server speaks.
func (w *World) protocols() []Protocol { return w.found.Served }

// speaks reports whether the server speaks one.
func (w *World) speaks(p Protocol) bool { return slices.Contains(w.found.Served, p) }

// main is a connection for calls of which it does not matter how they are made.
func (w *World) main() *Conn { return w.conn(0, w.protocols()[0]) }

// turn is one of all connections: they take turns, first the readers, then the
// protocols.
func (w *World) turn(n int) *Conn {
	list := w.protocols()
	return w.conn(n, list[n/readers%len(list)])
}

// everyone are all connections.
func (w *World) everyone() []*Conn {
	var list []*Conn
	for n := range readers * len(w.protocols()) {
		list = append(list, w.turn(n))
	}
	return list
}

// where is a folder that images are in, empty if none is known.
func (w *World) where() string {
	if w.plan.Folder != "" {
		return w.plan.Folder
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.folder
}

// name is a new one for an image.
func (w *World) name(kind string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.names++
	return fmt.Sprintf("%s%s-%d", w.plan.Prefix, kind, w.names)
}
