package judge

import (
	"fmt"
	"slices"
	"testing"

	"github.com/optest-dev/optest/conformance"
	"github.com/optest-dev/optest/conformance/internal/rules"
	"github.com/optest-dev/optest/fixtures"
)

// allRules is how many there are.
const allRules = 105

// TestEveryRuleIsComplete has each rule say all that there is to say, and be broken
// by something.
func TestEveryRuleIsComplete(t *testing.T) {
	all := rules.All()
	if len(all) != allRules {
		t.Errorf("%d rules, want %d", len(all), allRules)
	}
	broken := map[string]int{}
	for _, m := range Mutants() {
		for _, id := range m.Violates {
			broken[id]++
		}
	}
	core, complete := 0, 0
	for _, r := range all {
		core += count(r.Core)
		lacks := lacking(r, broken[r.ID])
		if len(lacks) > 0 {
			t.Errorf("%s lacks %v", r.ID, lacks)
			continue
		}
		complete++
	}
	results.Lock()
	defer results.Unlock()
	results.gate(0, fmt.Sprintf("Rules, %d of them core, with title, sentence, source, exercise, guard, a way to break them in a trace, and a mutant", core), fmt.Sprint(allRules), fmt.Sprint(complete))
}

// lacking is what a rule does not have. Those about descriptors look at no calls:
// mutants of descriptors are in the tests of the rules.
func lacking(r *rules.Rule, mutants int) []string {
	var lacks []string
	for what, text := range map[string]string{"a title": r.Title, "a sentence": r.Quote, "a source": r.Source, "an exercise": r.Exercise, "a guard": r.Guard} {
		if text == "" {
			lacks = append(lacks, what)
		}
	}
	if r.Static == nil && r.Corrupt == nil {
		lacks = append(lacks, "a corruption")
	}
	if r.Static == nil && mutants == 0 {
		lacks = append(lacks, "a mutant")
	}
	slices.Sort(lacks)
	return lacks
}

// TestWaitingProvesNothing has rules about an end that never comes doubt, and
// nobody accuse: waiting longer might show it.
func TestWaitingProvesNothing(t *testing.T) {
	for name, id := range map[string]string{"never-done": "LRO-13", "cancel-hangs-forever": "CXL-08"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := fixtures.Must(name)
			r := Scripted(t, Server{Name: name, Start: func(tb testing.TB) conformance.Target { return play(tb, s, 1) }}, 1)
			doubted := false
			for _, one := range rules.Check(r.Env, rules.All(), r.Events) {
				if one.Rule.ID == id {
					doubted = one.Verdict == rules.Inconclusive
				}
				if one.Verdict == rules.Fail {
					t.Errorf("%s %v: %s", one.Rule.ID, one.Verdict, one.Findings[0].Text)
				}
			}
			if !doubted {
				t.Errorf("%s does not doubt, want %v", id, rules.Inconclusive)
			}
		})
	}
}
