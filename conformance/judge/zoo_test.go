package judge

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/optest-dev/optest/conformance/internal/rules"
	"github.com/optest-dev/optest/conformance/judge/zoo"
)

// steps are those of a random case.
const steps = 40

// TestHealthyZoo has no server of the zoo accused. One that does not show in what
// it is odd would prove nothing.
func TestHealthyZoo(t *testing.T) {
	servers := spread(slices.DeleteFunc(zoo.Servers(), func(z zoo.Server) bool { return !chosen(z.Name) }), *some)
	told := newProgress("healthy servers", len(servers)**seeds)
	alarms := make([]alarm, len(servers))
	t.Run("servers", func(t *testing.T) {
		for i, z := range servers {
			t.Run(z.Name, func(t *testing.T) {
				t.Parallel()
				alarms[i] = alarmsOf(t, z, told)
			})
		}
	})
	tell(t, servers, alarms)
}

// alarm is how often a healthy server was accused.
type alarm struct {
	runs, calls      int
	errors, warnings int // runs with some
}

func alarmsOf(t *testing.T, z zoo.Server, told *progress) alarm {
	var a alarm
	s := Server{Name: z.Name, Window: z.Window, Start: z.Start}
	for seed := range uint64(*seeds) {
		seed++
		var accused, warned bool
		runs := []*Run{Scripted(t, s, seed)}
		for n := range uint64(*randoms) {
			runs = append(runs, Random(t, s, seed<<16+n, steps))
		}
		if seed == 1 && !shows(runs[0], z.Name) {
			t.Errorf("of %d calls none shows that the server is odd, want some", len(runs[0].Events))
		}
		for n, r := range runs {
			if r.Over != nil {
				t.Fatalf("seed %d, part %d: the run has ended: %v", seed, n, r.Over)
			}
			a.calls += len(r.Events)
			for _, one := range r.Accusations() {
				if slices.Contains(z.Told, one.Rule.ID) && one.Verdict == rules.Warned {
					continue
				}
				accused = accused || one.Verdict == rules.Fail
				warned = warned || one.Verdict != rules.Fail
				t.Errorf("seed %d, part %d: %s %v in script %q: %s", seed, n, one.Rule.ID, one.Verdict, one.Script, one.Finding.Text)
			}
		}
		a.runs++
		a.errors += count(accused)
		a.warnings += count(warned)
		told.step()
	}
	return a
}

func count(is bool) int {
	if is {
		return 1
	}
	return 0
}

// allowed says why a server may be as it is.
func allowed(z zoo.Server) string {
	if len(z.Told) == 0 {
		return z.Allowed
	}
	return z.Allowed + "; warnings of " + strings.Join(z.Told, ", ") + " tell of it and do not count"
}

func tell(t *testing.T, servers []zoo.Server, alarms []alarm) {
	t.Helper()
	shown := &table{columns: []string{"server", "runs", "calls", "accused", "warned", "accused of 1,000", "at most (95 %)"}}
	written := &table{columns: []string{"server", "what is odd about it", "why it may", "runs", "accused", "warned"}}
	var all alarm
	for i, z := range servers {
		a := alarms[i]
		shown.add(z.Name, a.runs, a.calls, a.errors, a.warnings, fmt.Sprintf("%.1f", 1000*float64(a.errors)/float64(a.runs)), fmt.Sprintf("%.2f %%", 100*upperBound(a.errors, a.runs)))
		written.add(z.Name, z.Odd, allowed(z), a.runs, a.errors, a.warnings)
		all.runs += a.runs
		all.calls += a.calls
		all.errors += a.errors
		all.warnings += a.warnings
	}
	bound := fmt.Sprintf("%.2f %%", 100*upperBound(all.errors, all.runs))
	shown.add("all", all.runs, all.calls, all.errors, all.warnings, fmt.Sprintf("%.1f", 1000*float64(all.errors)/float64(all.runs)), bound)
	t.Logf("healthy servers, each run all scripts and %d random cases of %d steps:\n%v", *randoms, steps, shown)
	results.Lock()
	defer results.Unlock()
	results.gate(3, "Healthy servers accused", "0", fmt.Sprintf("%d of %d runs of %d servers, so at most %s of runs (95 %% confidence)", all.errors, all.runs, len(servers), bound))
	results.section(1, "Healthy servers", fmt.Sprintf("Each run is of all scripts and of %d random cases, with a seed of its own. None may be accused.", *randoms), written)
}
