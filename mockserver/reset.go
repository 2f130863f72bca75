package mockserver

import (
	"maps"
	"slices"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// Reset forgets everything that has happened: operations and their resources,
// idempotency keys, what Play, Script and Inject have set, counters, calls, and
// what Advance has added. Scenarios that the server was started with stay. Calls
// under way end as if nothing had happened.
func (s *Server) Reset() {
	if err := s.reset(s.root.Load(), optestv1.ResetRequest_ALL, ""); err != nil {
		s.mistake(err) // the scenarios that have validated before do so again
	}
}

// reset forgets a part of the session, or only what belongs to a scenario.
func (s *Server) reset(ss *session, scope optestv1.ResetRequest_Scope, scenario string) error {
	all := scope == optestv1.ResetRequest_ALL || scope == optestv1.ResetRequest_SCOPE_UNSPECIFIED
	if all && scenario == "" {
		return s.renew(ss.name)
	}
	if all || scope == optestv1.ResetRequest_OPERATIONS {
		ss.forget(scenario)
	}
	if all || scope == optestv1.ResetRequest_COUNTERS {
		ss.recount(scenario)
	}
	if scope == optestv1.ResetRequest_FAULTS {
		ss.injected.clear()
	}
	if scope == optestv1.ResetRequest_CALLS {
		ss.journal.clear()
	}
	return nil
}

// forget drops the operations that live by a scenario, all for an empty name,
// with their resources and keys.
func (ss *session) forget(scenario string) {
	ss.store.mu.Lock()
	defer ss.store.mu.Unlock()
	gone := func(op *longRunning) bool { return scenario == "" || op.playing.name() == scenario }
	left := slices.DeleteFunc(ss.store.inOrder(), gone)
	clear(ss.store.operations)
	ss.store.latest = nil
	for _, op := range left {
		ss.store.follow(op)
	}
	maps.DeleteFunc(ss.store.keys, func(_ keyed, op *longRunning) bool { return gone(op) })
	if scenario == "" {
		ss.store.burnt = nil
	}
	ss.images.restore(left)
}

// recount begins to count anew, as if no call had matched a scenario or been hit
// by its faults.
func (ss *session) recount(scenario string) {
	ss.store.mu.Lock()
	defer ss.store.mu.Unlock()
	for _, p := range ss.repertoire.everything() {
		if scenario == "" || p.name() == scenario {
			p.matched.Store(0)
			p.creates = nil
			recountQuirks(p.quirks)
		}
	}
	for _, op := range ss.store.operations {
		if scenario == "" || op.playing.name() == scenario {
			op.recount()
		}
	}
	ss.injected.recount(scenario)
}

func (in *injections) recount(scenario string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, one := range in.list {
		if scenario == "" || one.scenario == scenario {
			one.counts = nil
			recountQuirks(one.quirks)
		}
	}
}
