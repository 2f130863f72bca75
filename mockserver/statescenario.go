package mockserver

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/optest-dev/optest/fixtures"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// scenario is the place of p in the state.
func (s *saving) scenario(p *playing) uint32 {
	place, ok := s.places[p]
	if !ok {
		place = uint32(len(s.playings))
		s.places[p] = place
		s.playings = append(s.playings, p)
		s.state.Scenarios = append(s.state.Scenarios, &optestv1.SavedScenario{Scenario: proto.CloneOf(p.scenario)})
	}
	return place
}

func (s *saving) scenarios(list []*playing) []uint32 {
	var places []uint32
	for _, p := range list {
		places = append(places, s.scenario(p))
	}
	return places
}

// repertoire writes the scenarios in play. Those that the session was started
// with are in their order, before all others.
func (s *saving) repertoire(r *repertoire) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.given {
		s.state.Scenarios[s.scenario(p)].Given = true
	}
	if r.givenDefault != nil {
		s.state.GivenDefault = proto.Uint32(s.scenario(r.givenDefault))
	}
	for _, p := range inNameOrder(r.named) {
		s.state.Scenarios[s.scenario(p)].Put = true
	}
	for _, p := range inNameOrder(r.catalogue) {
		s.state.Scenarios[s.scenario(p)].FromCatalogue = true
	}
	if r.byDefault != nil {
		s.state.DefaultScenario = proto.Uint32(s.scenario(r.byDefault))
	}
	s.state.Script = s.scenarios(r.script)
	s.state.Matching = s.scenarios(r.matched)
}

func inNameOrder(named map[string]*playing) []*playing {
	return slices.SortedFunc(maps.Values(named), func(a, b *playing) int { return cmp.Compare(a.name(), b.name()) })
}

// count writes the scenario's counters. The caller holds the store's lock.
func (p *playing) count(to *optestv1.SavedScenario) {
	to.Matched = p.matched.Load()
	to.Faults = savedStrikes(p.creates)
	to.Quirks = savedQuirks(p.quirks)
}

// scenarios reads state.scenarios.
func (l *loading) scenarios() error {
	most := l.session.store.limit + maxScenarios // each operation may live by one of its own
	if n := len(l.state.GetScenarios()); n > most {
		return invalid("state.scenarios", "got %d, want at most %d: as many as operations are kept, and %d", n, most, maxScenarios)
	}
	r := l.session.repertoire
	for i, saved := range l.state.GetScenarios() {
		path := element("state.scenarios", i)
		p, err := newPlaying(saved.GetScenario())
		if err != nil {
			return invalid(path+".scenario", "%s", strings.TrimPrefix(err.Error(), "optest: "))
		}
		l.playings = append(l.playings, p)
		p.matched.Store(saved.GetMatched())
		if p.creates, err = loadedStrikes(saved.GetFaults(), p.faults, path+".faults"); err != nil {
			return err
		}
		if err := loadQuirks(saved.GetQuirks(), p.quirks, path+".quirks"); err != nil {
			return err
		}
		if saved.GetPut() {
			if err := take(r.named, p, path+".put"); err != nil {
				return err
			}
		}
		if saved.GetFromCatalogue() {
			if err := take(r.catalogue, p, path+".from_catalogue"); err != nil {
				return err
			}
		}
		if saved.GetGiven() {
			r.given = append(r.given, p)
		}
		if r.instant == nil && p.name() == "instant" && proto.Equal(p.scenario, fixtures.Must("instant")) {
			r.instant = p // it has no counters, so it does not matter which of several this is
		}
	}
	if n := len(r.named); n > maxScenarios {
		return invalid("state.scenarios", "got %d that were put, want at most %d", n, maxScenarios)
	}
	return nil
}

// take gives p a name that requests ask for it by.
func take(names map[string]*playing, p *playing, path string) error {
	name := p.name()
	if name == "" {
		return invalid(path, "got a scenario without a name, want the one that requests ask for it by")
	}
	if _, ok := names[name]; ok {
		return invalid(path, "got a second scenario %s, want one of each name", quoted(name))
	}
	names[name] = p
	return nil
}

// repertoire reads what state.scenarios are in play for.
func (l *loading) repertoire() error {
	r := l.session.repertoire
	var err error
	if place := l.state.DefaultScenario; place != nil {
		if r.byDefault, err = l.scenario(*place, "state.default_scenario"); err != nil {
			return err
		}
		if r.byDefault.match != nil {
			return invalid("state.default_scenario", "got %d, whose scenario says which calls it is for, want one that does not, or it in matching", *place)
		}
	}
	if place := l.state.GivenDefault; place != nil {
		if r.givenDefault, err = l.scenario(*place, "state.given_default"); err != nil {
			return err
		}
	}
	if n, most := len(l.state.GetScript()), l.session.store.limit+maxScenarios; n > most {
		return invalid("state.script", "got %d, want at most %d", n, most)
	}
	for i, place := range l.state.GetScript() {
		p, err := l.scenario(place, element("state.script", i))
		if err != nil {
			return err
		}
		r.script = append(r.script, p)
	}
	seen := map[uint32]bool{}
	for i, place := range l.state.GetMatching() {
		p, err := l.scenario(place, element("state.matching", i))
		switch {
		case err != nil:
			return err
		case seen[place]:
			return invalid(element("state.matching", i), "got %d a second time, want each scenario once", place)
		case p.match == nil:
			return invalid(element("state.matching", i), "got %d, whose scenario does not say which calls it is for, want one with match", place)
		}
		seen[place] = true
		r.matched = append(r.matched, p)
	}
	return nil
}
