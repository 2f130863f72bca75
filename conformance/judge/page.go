package judge

import (
	"fmt"
	"slices"
	"strings"
)

// page is what is written to a file: sections in the order of their numbers, so
// that tests may come to their ends in any order. Nothing on it depends on how fast
// a machine is.
type page struct {
	gates    []gate
	sections []section
}

// gate is a claim and what came of it.
type gate struct {
	number            int
	claim, want, came string
}

type section struct {
	number      int
	title, text string
	tables      []*table
}

func (p *page) gate(number int, claim, want, came string) {
	p.gates = append(p.gates, gate{number, claim, want, came})
}

func (p *page) section(number int, title, text string, tables ...*table) {
	p.sections = append(p.sections, section{number, title, text, tables})
}

const opening = `# The judge, judged

<!-- Made by %s. -->

A suite that finds mistakes is worth something only if it finds those that there are, and none that there are not. This page holds
the rules and the traffic of package [conformance](../conformance) to servers of which it is known what they do. %s

`

func (p *page) markdown(command string) string {
	slices.SortFunc(p.gates, func(a, b gate) int { return a.number - b.number })
	slices.SortFunc(p.sections, func(a, b section) int { return a.number - b.number })
	var b strings.Builder
	fmt.Fprintf(&b, opening, "`"+command+"`", "`"+command+"` plays it all again.")
	t := &table{columns: []string{"what", "want", "got"}}
	for _, g := range p.gates {
		t.add(g.claim, g.want, g.came)
	}
	b.WriteString(t.markdown())
	for _, s := range p.sections {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n", s.title, s.text)
		for _, t := range s.tables {
			b.WriteString("\n" + t.markdown())
		}
	}
	return b.String()
}
