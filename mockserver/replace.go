package mockserver

import (
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/optest-dev/optest/fixtures"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// given are the scenarios that every session starts with.
type given struct {
	scenarios []*optestv1.Scenario
	byDefault *optestv1.Scenario // nil: there is none
}

// given is what the options or the latest Replace have said.
func (s *Server) given() given {
	if g := s.replaced.Load(); g != nil {
		return *g
	}
	return given{s.config.scenarios, s.config.byDefault}
}

// Replace puts scenarios in the place of those that the server was started with
// (see [Scenarios]), or that an earlier Replace has put there, in all sessions.
// Operations that have begun go on as they began, and a scenario that is the same
// keeps its counters. What Play, Script and clients have added stays.
//
// The scenario of [Default] is replaced by that of the same name. Where it was
// one of those replaced and is none of the new ones, it is the catalogue's of that
// name.
//
// Replace does all of it or, with an error that says all that is wrong, nothing.
func (s *Server) Replace(scenarios ...*optestv1.Scenario) error {
	var errs []error
	for _, scenario := range scenarios {
		_, err := newPlaying(scenario)
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	next := given{scenarios: make([]*optestv1.Scenario, 0, len(scenarios))}
	for _, scenario := range scenarios {
		next.scenarios = append(next.scenarios, proto.CloneOf(scenario))
	}
	// No session begins meanwhile with what is being replaced.
	s.sessions.mu.Lock()
	defer s.sessions.mu.Unlock()
	var err error
	if next.byDefault, err = s.given().nextDefault(next.scenarios); err != nil {
		return err
	}
	all := []*session{s.root.Load()}
	for _, ss := range s.sessions.named {
		all = append(all, ss)
	}
	for _, ss := range all {
		if err := ss.repertoire.give(next); err != nil {
			return err // never: they have validated
		}
	}
	s.replaced.Store(&next)
	return nil
}

// nextDefault is the default beside new scenarios.
func (g given) nextDefault(scenarios []*optestv1.Scenario) (*optestv1.Scenario, error) {
	name := g.byDefault.GetName()
	named := func(s *optestv1.Scenario) bool { return s.GetName() == name }
	switch i := slices.IndexFunc(scenarios, named); {
	case name == "":
		return g.byDefault, nil
	case i >= 0:
		return scenarios[i], nil
	case !slices.ContainsFunc(g.scenarios, named):
		return g.byDefault, nil
	}
	if s, ok := fixtures.Get(name); ok {
		return s, nil
	}
	return nil, fmt.Errorf("optest: the default scenario %q is not among the new ones, want it there", name)
}

// give puts scenarios in the place of those given before. They come after what
// has been added since. It is not called concurrently.
func (r *repertoire) give(g given) error {
	list, err := r.ready(g.scenarios)
	if err != nil {
		return err
	}
	byDefault := r.givenDefault
	if byDefault == nil || !proto.Equal(byDefault.scenario, g.byDefault) {
		byDefault = nil
		if g.byDefault != nil {
			if byDefault, err = newPlaying(g.byDefault); err != nil {
				return err
			}
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	gone := map[*playing]bool{r.givenDefault: true}
	for _, p := range r.given {
		gone[p] = true
		if r.named[p.name()] == p {
			delete(r.named, p.name())
		}
	}
	r.matched, r.index = slices.DeleteFunc(r.matched, func(p *playing) bool { return gone[p] }), nil
	if r.byDefault == asDefault(r.givenDefault) {
		r.byDefault = asDefault(byDefault)
	}
	if byDefault != nil && byDefault.match != nil {
		r.matched = append(r.matched, byDefault)
	}
	for _, p := range slices.Backward(list) {
		if _, taken := r.named[p.name()]; taken {
			continue // by a later one, or by one that was added since
		}
		if p.name() != "" {
			r.named[p.name()] = p
		}
		if p.match != nil {
			r.matched = append(r.matched, p)
		}
	}
	r.given, r.givenDefault = list, byDefault
	return nil
}

// ready makes scenarios ready to be played, those that are the same as before
// with the counters that they have.
func (r *repertoire) ready(scenarios []*optestv1.Scenario) ([]*playing, error) {
	before := map[string]*playing{}
	for _, p := range r.given {
		if p.name() != "" {
			before[p.name()] = p
		}
	}
	list := make([]*playing, 0, len(scenarios))
	for _, s := range scenarios {
		p, ok := before[s.GetName()]
		if !ok || !proto.Equal(p.scenario, s) {
			var err error
			if p, err = newPlaying(s); err != nil {
				return nil, err
			}
		}
		list = append(list, p)
	}
	return list, nil
}

// asDefault is what stands for a scenario as the default: nothing where it says
// which calls it is for.
func asDefault(p *playing) *playing {
	if p == nil || p.match != nil {
		return nil
	}
	return p
}
