package conformance

import (
	"context"
	"flag"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/optest-dev/optest/conformance/internal/drive"
	"github.com/optest-dev/optest/conformance/internal/rules"
	"github.com/optest-dev/optest/fixtures"
	"github.com/optest-dev/optest/mockserver"
)

// quick has rapid draw the same each time, write no files and not search long for
// a shorter case.
func quick(t *testing.T) {
	t.Helper()
	for name, value := range map[string]string{"rapid.nofailfile": "true", "rapid.shrinktime": "2s", "rapid.seed": "1", "rapid.checks": "30"} {
		old := flag.Lookup(name).Value.String()
		if err := flag.Set(name, value); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := flag.Set(name, old); err != nil {
				t.Error(err)
			}
		})
	}
}

// playing is a factory of mock servers; each plays the scenario whose name the
// function returns.
func playing(name func() string) func(testing.TB) Target {
	return func(tb testing.TB) Target {
		srv := mockserver.New(tb)
		desktop := "slow-success"
		if scenario := name(); scenario != "" {
			srv.Play(fixtures.Must(scenario))
			desktop = "any-desktop"
		}
		dial := srv.Client().Transport.(*http.Transport).DialContext
		return Target{
			Dial:     func(ctx context.Context) (net.Conn, error) { return dial(ctx, "tcp", "") },
			Folder:   "b1gexample0000000000",
			Desktops: Desktops{Succeeds: desktop},
		}
	}
}

// explored is the report of nothing but a random phase, about those rules.
func explored(t *testing.T, factory func(testing.TB) Target, ids ...string) *Report {
	t.Helper()
	quick(t)
	c, err := newConfig([]Option{Rules(ids...)})
	if err != nil {
		t.Fatal(err)
	}
	r := &Report{env: &rules.Env{}}
	for _, id := range ids {
		r.results = append(r.results, rules.Result{Rule: rules.Find(id), Verdict: rules.NotExercised})
	}
	r.tabulate()
	c.explore(t, factory, &session{config: c, found: drive.Found{Served: drive.Protocols}}, r)
	return r
}

func TestExplorationFindsABreachAndShortensIt(t *testing.T) {
	r := explored(t, playing(func() string { return "done-flips-back" }), "OP-08", "LRO-01", "LRO-07")
	one := r.Rule("LRO-01")
	if other := r.Rule("LRO-07"); other.Verdict == Failed {
		one = other // whichever shows first
	}
	if one.Verdict != Failed || r.Verdict != NotConformant {
		t.Fatalf("rule %s %v and report %v, want the breach found", one.ID, one.Verdict, r.Verdict)
	}
	f := one.Findings[0]
	if len(f.Trace) == 0 || len(f.Trace) > 4 {
		t.Errorf("shortest trace has %d calls, want 1 to 4", len(f.Trace))
	}
	if !strings.Contains(f.Again, "-rapid.seed") {
		t.Errorf("how to see it again %q, want a seed in it", f.Again)
	}
	t.Log(one.story())
}

func TestExplorationPassesHealthyServers(t *testing.T) {
	r := explored(t, playing(func() string { return "" }), "OP-08", "LRO-01", "LRO-02", "CXL-02")
	for _, id := range []string{"OP-08", "LRO-01", "LRO-02", "CXL-02"} {
		if one := r.Rule(id); one.Verdict != Passed || one.Exercised == 0 {
			t.Errorf("rule %s %v, exercised %d times; want it exercised and passed", id, one.Verdict, one.Exercised)
		}
	}
	if r.Verdict != Partial {
		t.Errorf("verdict %v, want %v: other rules were left out", r.Verdict, Partial)
	}
}

// A server that is broken once and never again can't be shown to be broken twice.
func TestExplorationTellsOfWhatItCantRepeat(t *testing.T) {
	var made atomic.Int64
	factory := playing(func() string {
		if made.Add(1) <= 2 {
			return "done-without-result"
		}
		return ""
	})
	r := explored(t, factory, "OP-08")
	one := r.Rule("OP-08")
	if one.Verdict != Failed || !strings.Contains(one.Findings[0].Again, "flaky") {
		t.Errorf("rule OP-08 %v, again %q; want the breach, and that it can't be repeated", one.Verdict, one.Findings[0].Again)
	}
}
