package judge

import (
	"fmt"
	"slices"
	"testing"

	"github.com/optest-dev/optest/conformance/internal/rules"
	"github.com/optest-dev/optest/conformance/judge/zoo"
)

// TestSensitivity breaks what the mock server has answered in many places and has
// each rule notice. Where mutants show what the traffic is worth, this shows what
// the rules are.
func TestSensitivity(t *testing.T) {
	z := zoo.Servers()[0]
	r := Scripted(t, Server{Name: z.Name, Window: z.Window, Start: z.Start}, 1)
	checked := rules.Check(r.Env, rules.All(), r.Events)
	sensed := rules.Sense(r.Env, r.Events, checked, 1, *places)
	shown := &table{columns: []string{"rule", "exercised", "noticed", "places", "missed"}}
	written := &table{columns: []string{"rule", "noticed of what was broken"}}
	good, all := 0, 0
	for _, one := range checked {
		s, ok := sensed[one.Rule.ID]
		switch {
		case one.Exercised == 0:
			t.Errorf("%s %v: not exercised by the scripts: %s", one.Rule.ID, one.Verdict, one.Reason)
			continue
		case one.Rule.Corrupt == nil:
			continue
		case !ok || s.Places == 0:
			t.Errorf("%s: the trace has no place where it can be broken", one.Rule.ID)
			continue
		}
		all++
		enough := s.Noticed*100 >= s.Places*95
		good += count(enough)
		shown.add(one.Rule.ID, one.Exercised, s.Noticed, s.Places, fmt.Sprint(s.Missed))
		written.add(one.Rule.ID+" "+one.Rule.Title, share(enough))
		if !enough {
			t.Errorf("%s: noticed in %d of %d places, want 95 %%: missed %v", one.Rule.ID, s.Noticed, s.Places, s.Missed)
		}
	}
	slices.SortStableFunc(shown.rows, func(a, b []string) int { return count(a[4] != "[]") - count(b[4] != "[]") })
	t.Logf("sensitivity on a trace of %d calls:\n%v", len(r.Events), shown)
	results.Lock()
	defer results.Unlock()
	results.gate(5, "Exercised rules that notice 95 % of the places where a healthy trace is broken on purpose", "all", fmt.Sprintf("%d of %d", good, all))
	results.section(6, "Sensitivity", fmt.Sprintf("Each rule is broken in up to %d places of what the mock server has answered to all scripts.", *places), written)
}

func share(enough bool) string {
	if enough {
		return "95 % or more"
	}
	return "less"
}
