package judging

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/optest-dev/optest/cmd/optest/internal/suggest"
	"github.com/optest-dev/optest/conformance"
)

// Choose are the rules that one of the patterns matches, such as OP-08 or LRO-*,
// in the order of the table; all without a pattern. One that matches nothing is an
// error.
func Choose(patterns []string) ([]conformance.Rule, error) {
	all := conformance.AllRules()
	if len(patterns) == 0 {
		return all, nil
	}
	chosen := make([]bool, len(all))
	for _, pattern := range patterns {
		found := false
		for i, r := range all {
			ok, err := path.Match(strings.ToUpper(pattern), r.ID)
			if err != nil {
				return nil, fmt.Errorf("rule %q, want an id or a pattern such as LRO-*: %w", pattern, err)
			}
			chosen[i] = chosen[i] || ok
			found = found || ok
		}
		if !found {
			var ids []string
			for _, r := range all {
				ids = append(ids, r.ID)
			}
			if meant := suggest.Meant(strings.ToUpper(pattern), "", ids); meant != "" {
				return nil, fmt.Errorf("unknown rule %q, %s", pattern, meant)
			}
			return nil, fmt.Errorf("unknown rule %q, want an id or a pattern such as LRO-*: optest rules lists them", pattern)
		}
	}
	kept := all[:0]
	for i, r := range all {
		if chosen[i] {
			kept = append(kept, r)
		}
	}
	return kept, nil
}

// CompleteRules completes patterns of groups of rules, and ids.
func CompleteRules(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var groups, ids []cobra.Completion
	for _, r := range conformance.AllRules() {
		group, _, _ := strings.Cut(r.ID, "-")
		if !slices.Contains(groups, group+"-*") {
			groups = append(groups, group+"-*")
		}
		ids = append(ids, cobra.CompletionWithDesc(r.ID, r.Title))
	}
	return append(groups, ids...), cobra.ShellCompDirectiveNoFileComp
}
