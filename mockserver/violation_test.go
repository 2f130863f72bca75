package mockserver_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/optest-dev/optest/fixtures"
	"github.com/optest-dev/optest/mockserver"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// mutant is a broken server that one of the contract's rules must notice.
type mutant struct {
	rule, name string
	fixture    string // what a server plays as its default to be it
	see        see
	want       string
	token      string // that the server requires
	order      string // the fixture that shows the opposite, where the mutant's own without its faults does not
}

// TestMutantsShowOnTheWire holds the catalogue of mutants: each that a rule names
// has a fixture, and whoever looks at the wire sees it there and does not see it
// on a server that is in order.
func TestMutantsShowOnTheWire(t *testing.T) {
	for _, m := range mutants {
		s, ok := fixtures.Get(m.fixture)
		if !ok {
			t.Errorf("%s %s: %s is no fixture", m.rule, m.name, m.fixture)
			continue
		}
		if !slices.Contains(s.GetViolates(), m.rule) && m.fixture != "never-done" {
			t.Errorf("%s %s: %s violates %v, want the rule among them", m.rule, m.name, m.fixture, s.GetViolates())
		}
		t.Run(m.rule+"/"+strings.ReplaceAll(m.name, " ", "-"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := m.see(m.server(t, s))
				if got != m.want {
					t.Errorf("%s shows\n%s\nwant\n%s", m.fixture, got, m.want)
				}
				t.Logf("%s\t%s\t%s\t%s", m.rule, m.name, m.fixture, got)
			})
			synctest.Test(t, func(t *testing.T) {
				if got := m.see(m.server(t, m.inOrder(s))); got == m.want {
					t.Errorf("a server in order shows the same: %s", got)
				}
			})
		})
	}
}

// Every mutant that a rule names is in the table, and so is every fixture that
// violates a rule, here or in the catalogue of faults.
func TestMutantsAreComplete(t *testing.T) {
	looked := map[string]bool{}
	for _, e := range effects {
		looked[e.fixture] = true
	}
	there := map[string]bool{}
	for _, m := range mutants {
		looked[m.fixture] = true
		there[m.rule+" "+m.name] = true
	}
	for _, n := range named {
		for _, name := range n.mutants {
			if !there[n.rule+" "+name] {
				t.Errorf("%s names the mutant %s, which is not in the table", n.rule, name)
			}
		}
	}
	for s := range fixtures.All() {
		if len(s.GetViolates()) > 0 && !looked[s.GetName()] {
			t.Errorf("nobody looks at what %s shows, which violates %v", s.GetName(), s.GetViolates())
		}
	}
}

// server plays the scenario as its default.
func (m mutant) server(t *testing.T, s *optestv1.Scenario) *watcher {
	t.Helper()
	var opts []mockserver.Option
	if m.token != "" {
		opts = append(opts, mockserver.Token(m.token))
	}
	srv := mockserver.New(t, opts...)
	srv.Play(s)
	w := &watcher{t: t, srv: srv, fixture: "desktop", began: time.Now()}
	w.connect()
	return w
}

// inOrder is what the mutant's server is held against.
func (m mutant) inOrder(s *optestv1.Scenario) *optestv1.Scenario {
	if m.order != "" {
		return fixtures.Must(m.order)
	}
	return inOrder(s)
}

// inOrder is the scenario without what is wrong with the server. What only lets
// a quirk show stays.
func inOrder(s *optestv1.Scenario) *optestv1.Scenario {
	if len(s.GetFaults()) == 0 {
		return mockserver.Running(40 * time.Second).Succeed()
	}
	s = proto.CloneOf(s)
	n := len(s.GetFaults())
	s.Faults = slices.DeleteFunc(s.GetFaults(), func(f *optestv1.Fault) bool { return f.GetQuirk() != nil })
	if len(s.GetFaults()) == n {
		s.Faults = nil
	}
	return s
}
