package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/optest-dev/optest/conformance"
	"github.com/optest-dev/optest/fixtures"
)

const rulesHead = `# The rules

<!-- Made by make generate of the table of rules and the catalogue. -->

What the [conformance suite](conformance.md) holds a server to. Each rule has the sentence that it stands on, how much that binds, the
traffic that exercises it, why it accuses no healthy server, and the scenarios of [the catalogue](../fixtures/CATALOGUE.md) that break
it. A breach of practice is a warning, of all else an error. ` + "`optest rules`" + ` says the same in a terminal.
`

// groups are the rules' subjects, by the letters that their ids begin with.
var groups = []struct{ id, title string }{
	{"OP", "The Operation resource"},
	{"IMG", "The image that is made"},
	{"LRO", "The life of an operation"},
	{"CXL", "Cancel"},
	{"REQ", "Requests"},
	{"IDM", "Idempotency"},
	{"ERR", "Errors"},
	{"XP", "One server, several protocols"},
	{"CON", "Descriptors"},
}

// rulePage is the table of rules as Markdown.
func rulePage() string {
	broken := map[string][]string{}
	for s := range fixtures.All() {
		for _, id := range s.GetViolates() {
			broken[id] = append(broken[id], fmt.Sprintf("[%s](../fixtures/CATALOGUE.md#%s)", s.GetName(), s.GetName()))
		}
	}
	var b strings.Builder
	b.WriteString(rulesHead)
	for _, g := range groups {
		fmt.Fprintf(&b, "\n## %s: %s\n", g.id, g.title)
		for _, r := range conformance.AllRules() {
			if !strings.HasPrefix(r.ID, g.id+"-") {
				continue
			}
			core := ""
			if r.Core {
				core = ", core"
			}
			fmt.Fprintf(&b, "\n### %s\n\n**%s** (%s%s)\n\n> %s\n>\n> %s\n\n", r.ID, plain(r.Title), r.Level, core, plain(r.Quote), plain(r.Source))
			fmt.Fprintf(&b, "- Exercised by: %s\n- Fair because: %s\n", plain(r.Exercise), plain(r.Guard))
			if names := broken[r.ID]; len(names) > 0 {
				slices.Sort(names)
				fmt.Fprintf(&b, "- Broken by: %s\n", strings.Join(names, ", "))
			}
		}
	}
	return b.String()
}
