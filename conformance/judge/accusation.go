package judge

import (
	"slices"

	"github.com/optest-dev/optest/conformance/internal/rules"
	"github.com/optest-dev/optest/trace"
)

// Accusation is what a rule has against a server.
type Accusation struct {
	Rule    *rules.Rule
	Verdict rules.Verdict
	// Finding is the first of those that weigh most.
	Finding rules.Finding
	// Calls had returned when it could be seen for the first time, and Script is
	// what was played then.
	Calls  int
	Script string
}

// patient are rules about an end that never comes: waiting proves nothing, so that
// they say no more than that time has run out.
var patient = []string{"LRO-13", "CXL-08"}

// Accusations holds what was seen against all rules.
func (r *Run) Accusations() []Accusation {
	var list []Accusation
	order := rules.InOrder(r.Events)
	place := make(map[*trace.Event]int, len(order))
	for i, e := range order {
		place[e] = i + 1
	}
	for _, one := range rules.Check(r.Env, rules.All(), r.Events) {
		if !accuses(one) || len(one.Findings) == 0 {
			continue
		}
		a := Accusation{Rule: one.Rule, Verdict: one.Verdict, Calls: len(order)}
		for _, f := range one.Findings {
			last := 0
			for _, e := range f.Evidence {
				last = max(last, place[e])
			}
			a.Calls = min(a.Calls, last)
			if a.Finding.Text == "" || f.Kind > a.Finding.Kind {
				a.Finding = f
			}
		}
		a.Script = r.scriptAt(a.Calls)
		list = append(list, a)
	}
	return list
}

func accuses(one rules.Result) bool {
	return one.Verdict == rules.Fail || one.Verdict == rules.Warned || one.Verdict == rules.Inconclusive && slices.Contains(patient, one.Rule.ID)
}

// by is the accusation by the rule with that id, nil without one.
func by(list []Accusation, id string) *Accusation {
	i := slices.IndexFunc(list, func(a Accusation) bool { return a.Rule.ID == id })
	if i < 0 {
		return nil
	}
	return &list[i]
}

// ids are those of the rules, each with a mark where it does no more than warn or
// doubt.
func ids(list []Accusation, except []string) []string {
	var names []string
	for _, a := range list {
		if slices.Contains(except, a.Rule.ID) {
			continue
		}
		names = append(names, a.Rule.ID+map[rules.Verdict]string{rules.Warned: "w", rules.Inconclusive: "?"}[a.Verdict])
	}
	return names
}
