package conformance

import "github.com/optest-dev/optest/conformance/internal/rules"

// Rule is a row of the table: what a server has to do, and who says so.
type Rule struct {
	// ID is such as LRO-01.
	ID, Title string
	// Core rules make the verdict on the server.
	Core bool
	// Level says how much the sentence binds: documented, proto, guide, implied or
	// practice. Breaches of the last are warnings.
	Level string
	// Quote is the sentence, Source where it stands.
	Quote, Source string
	// Exercise is the traffic that exercises the rule, Guard why no healthy server is
	// accused by it.
	Exercise, Guard string
}

// AllRules are the rules in the order of the table.
func AllRules() []Rule {
	table := rules.All()
	list := make([]Rule, len(table))
	for i, r := range table {
		list[i] = newRule(r)
	}
	return list
}

func newRule(r *rules.Rule) Rule {
	return Rule{
		ID: r.ID, Title: r.Title, Core: r.Core, Level: r.Level.String(),
		Quote: r.Quote, Source: r.Source, Exercise: r.Exercise, Guard: r.Guard,
	}
}
