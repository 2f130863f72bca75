package judge

import (
	"fmt"
	"testing"

	"github.com/optest-dev/optest/conformance"
	"github.com/optest-dev/optest/conformance/internal/rules"
	"github.com/optest-dev/optest/conformance/judge/honest"
	"github.com/optest-dev/optest/conformance/judge/zoo"
)

// TestSensitivity breaks what healthy servers have answered in many places and has
// each rule notice. Where mutants show what the traffic is worth, this shows what
// the rules are. The scripts have to exercise all rules on the mock server.
func TestSensitivity(t *testing.T) {
	enough := map[string]bool{} // by rule, on all servers
	played := []struct {
		name  string
		start func(testing.TB) conformance.Target
	}{{"the mock server", zoo.Servers()[0].Start}, {"a server on grpc-go", plain}}
	if *some > 0 {
		played = played[:1]
	}
	for i, p := range played {
		name := p.name
		r := Scripted(t, Server{Name: name, Start: p.start}, 1)
		checked := rules.Check(r.Env, rules.All(), r.Events)
		sensed := rules.Sense(r.Env, r.Events, checked, 1, *places)
		shown := &table{columns: []string{"rule", "exercised", "noticed", "places", "missed"}}
		for _, one := range checked {
			s := sensed[one.Rule.ID]
			switch {
			case one.Exercised == 0 && i == 0:
				t.Errorf("%s %v: not exercised by the scripts: %s", one.Rule.ID, one.Verdict, one.Reason)
				continue
			case one.Exercised == 0 || one.Rule.Corrupt == nil:
				continue
			case s.Places == 0:
				t.Errorf("%s: what %s has answered has no place where it can be broken", one.Rule.ID, name)
				continue
			}
			good := s.Noticed*100 >= s.Places*95
			if known, ok := enough[one.Rule.ID]; !ok || known {
				enough[one.Rule.ID] = good
			}
			shown.add(one.Rule.ID, one.Exercised, s.Noticed, s.Places, fmt.Sprint(s.Missed))
			if !good {
				t.Errorf("%s: of %s, noticed in %d of %d places, want 95 %%: missed %v", one.Rule.ID, name, s.Noticed, s.Places, s.Missed)
			}
		}
		t.Logf("sensitivity on %d calls to %s:\n%v", len(r.Events), name, shown)
	}
	written := &table{columns: []string{"rule", "noticed of what was broken"}}
	good := 0
	for _, r := range rules.All() {
		if is, ok := enough[r.ID]; ok {
			good += count(is)
			written.add(r.ID+" "+r.Title, share(is))
		}
	}
	results.Lock()
	defer results.Unlock()
	results.gate(5, "Exercised rules that notice 95 % of the places where a healthy trace is broken on purpose", "all", fmt.Sprintf("%d of %d", good, len(enough)))
	results.section(6, "Sensitivity", fmt.Sprintf("Each rule is broken in up to %d places of what the mock server and one on grpc-go that shares nothing with it have answered to all scripts.", *places), written)
}

// plain is the honest service as it is.
func plain(tb testing.TB) conformance.Target { return honest.New().Start(tb) }

func share(enough bool) string {
	if enough {
		return "95 % or more"
	}
	return "less"
}
