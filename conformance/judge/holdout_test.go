package judge

import (
	"fmt"
	"slices"
	"testing"

	"github.com/optest-dev/optest/conformance/judge/holdout"
)

// TestHoldOuts has servers accused that break the contract in ways which no rule
// was written for. Their score is told by itself: the mutants of the catalogue are
// what the rules have grown with.
func TestHoldOuts(t *testing.T) {
	servers := slices.DeleteFunc(holdout.Servers(), func(h holdout.Server) bool { return !chosen(h.Name) })
	servers = spread(servers, *some)
	told := newProgress("hold-outs", len(servers))
	found := make([][]Accusation, len(servers))
	t.Run("servers", func(t *testing.T) {
		for i, h := range servers {
			t.Run(h.Name, func(t *testing.T) {
				t.Parallel()
				found[i] = Scripted(t, Server{Name: h.Name, Start: h.Start}, 1).Accusations()
				if by(found[i], h.Breaks) == nil {
					t.Errorf("%s says nothing, want an accusation; those that speak: %v", h.Breaks, ids(found[i], nil))
				}
				told.step()
			})
		}
	})
	shown := &table{columns: []string{"hold-out", "breaks", "noticed", "also", "calls"}}
	written := &table{columns: []string{"hold-out", "what it does", "seen at", "breaks", "noticed", "also accused by"}}
	noticed, first := 0, 0
	taught := ""
	for i, h := range servers {
		if h.Taught == "" {
			first++
		} else {
			taught += fmt.Sprintf("\n- `%s`: %s", h.Name, h.Taught)
		}
		verdict, calls := "no", 0
		if a := by(found[i], h.Breaks); a != nil {
			noticed++
			verdict, calls = "yes", a.Calls
		}
		also := list(ids(found[i], []string{h.Breaks}))
		shown.add(h.Name, h.Breaks, verdict, also, calls)
		written.add(h.Name, h.Does, h.Seen, h.Breaks, verdict, also)
	}
	t.Logf("hold-outs, %d of %d noticed, %d when they were first played:\n%v", noticed, len(servers), first, shown)
	results.Lock()
	defer results.Unlock()
	results.gate(4, "Hold-outs, which no rule was written for, noticed", "told by itself", fmt.Sprintf("%d of %d when they were first played, %d now", first, len(servers), noticed))
	results.section(3, "Hold-outs", "Mistakes that servers have been seen to make, written without a look at the rules, on grpc-go and net/http. What was not noticed at first has changed a rule:\n"+taught, written)
}
