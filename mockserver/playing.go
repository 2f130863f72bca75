package mockserver

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"github.com/optest-dev/optest/fixtures"
	"github.com/optest-dev/optest/mockserver/engine"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// playing is a scenario in play: made ready, with its own counters.
type playing struct {
	scenario *optestv1.Scenario
	plan     *engine.Plan
	match    *matcher // nil: the scenario does not say which calls it is for
	faults   []fault
	quirks   []*quirk
	// tellsReaders: a fault is for one of several connections.
	tellsReaders bool
	creates      strikes       // of faults on create, counted over the scenario
	matched      atomic.Uint32 // calls that matched all but match.calls

	nameHeader []string                 // value of the header x-optest-scenario
	lastStep   atomic.Pointer[[]string] // value of the header x-optest-step
}

// newPlaying refuses a scenario that does not validate with everything that is
// wrong with it.
func newPlaying(s *optestv1.Scenario) (*playing, error) {
	if problems := fixtures.Validate(s); len(problems) > 0 {
		var b strings.Builder
		fmt.Fprintf(&b, "optest: scenario %q can't be played", s.GetName())
		for _, p := range problems {
			fmt.Fprintf(&b, "\n  %s: %s", p.Path, p.Message)
		}
		return nil, errors.New(b.String())
	}
	s = proto.CloneOf(s)
	p := &playing{scenario: s, plan: engine.NewPlan(s), faults: newFaults(s.GetFaults(), s.GetName()), quirks: newQuirks(s.GetFaults(), s.GetName()), nameHeader: []string{s.GetName()}}
	for _, f := range s.GetFaults() {
		p.tellsReaders = p.tellsReaders || f.GetReader().GetConnection() != 0
	}
	if m := s.GetMatch(); m != nil {
		p.match = newMatcher(m)
	}
	return p, nil
}

func (p *playing) name() string { return p.scenario.GetName() }

// stepHeader is the value of a header, made anew only when the step is another
// than in the answer before. It is not to be changed.
func (p *playing) stepHeader(step string) []string {
	if last := p.lastStep.Load(); last != nil && (*last)[0] == step {
		return *last
	}
	value := []string{step}
	p.lastStep.Store(&value)
	return value
}
