package report

import (
	"fmt"
	"slices"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// distinct are the places of the violations of a rule that a reader is shown. The
// later ones of a rule are mostly the first one again: they have a call or an
// operation with it in common.
func (v *view) distinct(r *optestv1.RuleResult) []int {
	var places []int
	seen := map[string]bool{}
	for i, m := range r.GetViolations() {
		var about []string
		for _, e := range events(m) {
			about = append(about, fmt.Sprint("#", e.Number))
			if id := v.readOperation(e); id != "" {
				about = append(about, id)
			}
		}
		again := slices.ContainsFunc(about, func(name string) bool { return seen[name] })
		for _, name := range about {
			seen[name] = true
		}
		if again {
			continue
		}
		if places = append(places, i); len(places) == mostDistinct {
			break
		}
	}
	return places
}
