package judge

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/optest-dev/optest/conformance"
	"github.com/optest-dev/optest/conformance/internal/rules"
)

// kill is what has come of a mutant.
type kill struct {
	Mutant
	accusations []Accusation
	missing     []string // rules that it breaks and that say nothing
	calls       []int    // until it was first accused by one that it breaks, sorted, one for each run that kills
	runs        int
	script      string
	took        time.Duration
	shortest    []int // calls of the counterexamples
}

// TestKillMatrix has each mutant accused by each rule that it breaks, and most of
// them by a few calls.
func TestKillMatrix(t *testing.T) {
	list := spread(slices.DeleteFunc(Mutants(), func(m Mutant) bool { return !chosen(m.Name) }), *some)
	runs := 0
	for _, m := range list {
		runs += m.runs()
	}
	told := newProgress("mutants", runs)
	kills := make([]*kill, len(list))
	t.Run("mutants", func(t *testing.T) {
		for i, m := range list {
			t.Run(m.Name, func(t *testing.T) {
				t.Parallel()
				kills[i] = m.kill(t, told)
			})
		}
	})
	tellKills(t, kills)
}

// spread is so many of a list, from its beginning to its end; all for 0.
func spread[E any](list []E, n int) []E {
	if n <= 0 || n >= len(list) {
		return list
	}
	some := make([]E, n)
	for i := range some {
		some[i] = list[i*len(list)/n]
	}
	return some
}

// runs are more than one for what shows with a probability.
func (m Mutant) runs() int {
	if m.Unsure {
		return max(1, *unsure)
	}
	return 1
}

// kill plays a mutant. One that always shows has to be accused in its one run, by
// the scripts alone.
func (m Mutant) kill(t *testing.T, told *progress) *kill {
	k := &kill{Mutant: m, runs: m.runs()}
	silent := map[string]int{}
	for seed := range uint64(k.runs) {
		seed++
		began := time.Now()
		r := Scripted(t, Server{Name: m.Name, Start: func(tb testing.TB) conformance.Target { return m.Start(tb, seed) }}, seed)
		accusations := r.Accusations()
		if k.took = max(k.took, time.Since(began)); seed == 1 {
			k.accusations = accusations
		}
		calls := 0
		for _, id := range m.Violates {
			a := by(accusations, id)
			if a == nil {
				silent[id]++
				continue
			}
			if calls == 0 || a.Calls < calls {
				calls, k.script = a.Calls, a.Script
			}
			if seed == 1 {
				shortest, _ := rules.Reduced(r.Env, a.Rule, r.Events, a.Finding)
				k.shortest = append(k.shortest, max(len(shortest), 1))
			}
		}
		if calls > 0 {
			k.calls = append(k.calls, calls)
		}
		told.step()
	}
	slices.Sort(k.calls)
	for _, id := range m.Violates {
		if n := silent[id]; n > k.runs/100 {
			k.missing = append(k.missing, id)
			t.Errorf("%s says nothing in %d of %d runs, want an accusation; those that speak: %v", id, n, k.runs, ids(k.accusations, nil))
		}
	}
	return k
}

func tellKills(t *testing.T, kills []*kill) {
	t.Helper()
	shown := &table{columns: []string{"mutant", "breaks", "silent", "also", "calls", "script", "ms"}}
	written := &table{columns: []string{"mutant", "breaks", "noticed by", "first in the script", "also accused by"}}
	certain, unsure := &table{columns: []string{"mutant", "runs", "noticed"}}, 0
	var killed, sure int
	var calls []int
	for _, k := range kills {
		also := ids(k.accusations, k.Violates)
		median := quantile(k.calls, 0.5)
		shown.add(k.Name, strings.Join(k.Violates, " "), strings.Join(k.missing, " "), strings.Join(also, " "), median, k.script, k.took.Milliseconds())
		noticed := slices.DeleteFunc(slices.Clone(k.Violates), func(id string) bool { return slices.Contains(k.missing, id) })
		written.add(k.Name, strings.Join(k.Violates, ", "), strings.Join(noticed, ", "), k.script, strings.Join(also, ", "))
		calls = append(calls, k.calls...)
		if k.Unsure {
			unsure++
			certain.add(k.Name, k.runs, len(k.calls))
			continue
		}
		sure++
		if len(k.missing) == 0 {
			killed++
		}
	}
	slices.Sort(calls)
	t.Logf("mutants:\n%v", shown)
	t.Logf("killed: %d of %d mutants that always show; with a probability:\n%v", killed, sure, certain)
	t.Logf("calls until the first accusation by a rule that is broken: median %d, 95 %% within %d", quantile(calls, 0.5), quantile(calls, 0.95))
	alone, many := review(kills)
	t.Logf("rules that are the only one to accuse no mutant: %v\nmutants that more than %d rules accuse: %v", alone, tooMany, many)
	results.Lock()
	defer results.Unlock()
	results.gate(1, "Mutants that always show, accused by every rule that they break, by the scripts alone", "all", fmt.Sprintf("%d of %d", killed, sure))
	for _, k := range kills {
		if k.Unsure {
			results.gate(2, fmt.Sprintf("Runs of `%s`, which shows with a probability, in which it is accused", k.Name), "99 of 100", fmt.Sprintf("%d of %d", len(k.calls), k.runs))
		}
	}
	results.section(2, "Mutants", "Each is a scenario of the [catalogue](../fixtures/CATALOGUE.md) that the mock server plays. A w marks rules that no more than warn, a ? those that say that time has run out.", written)
	results.section(5, "For review", fmt.Sprintf("Of what a rule notices, others may notice more. These rules are never the only one: %s.\n\nThese mutants are accused by more than %d rules: %s.", list(alone), tooMany, list(many)))
	if n := results.counterexamples(kills); n > shortest {
		t.Errorf("calls of a counterexample %d in the median, want at most %d", n, shortest)
	}
}

const shortest = 4

const tooMany = 6

// review lists rules without which each mutant would be noticed all the same, and
// mutants that many rules notice.
func review(kills []*kill) (rulesOfNone, mutantsOfMany []string) {
	only := map[string]bool{}
	for _, k := range kills {
		if len(k.accusations) == 1 {
			only[k.accusations[0].Rule.ID] = true
		}
		if len(k.accusations) > tooMany {
			mutantsOfMany = append(mutantsOfMany, fmt.Sprintf("%s (%d)", k.Name, len(k.accusations)))
		}
	}
	for _, r := range rules.All() {
		if !only[r.ID] {
			rulesOfNone = append(rulesOfNone, r.ID)
		}
	}
	return rulesOfNone, mutantsOfMany
}

func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// counterexamples tells how few calls show that a mutant is broken, and returns
// the median. They are cut down when the server is no more, so that it gets no call
// for it.
func (p *page) counterexamples(kills []*kill) (median int) {
	var sizes []int
	for _, k := range kills {
		sizes = append(sizes, k.shortest...)
	}
	slices.Sort(sizes)
	counted := map[int]int{}
	for _, n := range sizes {
		counted[n]++
	}
	t := &table{columns: []string{"calls", "counterexamples"}}
	for n := 1; len(sizes) > 0 && n <= sizes[len(sizes)-1]; n++ {
		if counted[n] > 0 {
			t.add(n, counted[n])
		}
	}
	median = quantile(sizes, 0.5)
	p.gate(6, "Calls of a counterexample, median", fmt.Sprintf("at most %d", shortest), fmt.Sprintf("%d, of %d counterexamples", median, len(sizes)))
	p.section(4, "Counterexamples", "What shows a mutant to be broken, cut down to the fewest calls found. No call is made for that: the server is no more.", t)
	return median
}
