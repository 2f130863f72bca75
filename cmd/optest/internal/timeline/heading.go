package timeline

import (
	"strings"

	"github.com/optest-dev/optest/cmd/optest/internal/outline"
	"github.com/optest-dev/optest/cmd/optest/internal/terminal"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// Heading is the scenario's name, its life in a few words and its summary, for
// where a drawing stands alone.
func Heading(s *optestv1.Scenario, width int, signs Signs) []Line {
	d := &drawing{width: max(narrowest, min(width, Widest)), signs: signs}
	d.add(Span{terminal.Bold, d.plain(s.GetName())}, Span{"", ": " + outline.Life(s)})
	for _, line := range Wrap(d.plain(s.GetSummary()), d.width) {
		d.add(Span{"", line})
	}
	return d.lines
}

// plain is text without quotes.
func (d *drawing) plain(text string) string {
	return strings.Map(func(r rune) rune {
		if d.signs == ASCII && r > '~' {
			return '?'
		}
		return r
	}, terminal.Plain(text))
}
