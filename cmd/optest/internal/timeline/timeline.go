// Package timeline draws the life of a scenario as text: when which step comes
// and what the operation shows from then on, as the engine says it, and beside
// it what goes wrong, what Cancel does and what a right client concludes.
//
//	  0s ● running
//	     │
//	 20s ● failing    error RESOURCE_EXHAUSTED "Image quota is exceeded"
//	     ┊
//	  1m ■ failed     error RESOURCE_EXHAUSTED "Image quota is exceeded"
//
//	Cancel   ends it at once with CANCELLED, while it is running
//	Expect   FAILED with RESOURCE_EXHAUSTED, not before 1m
package timeline

import (
	"strings"

	"github.com/optest-dev/optest/cmd/optest/internal/terminal"
	"github.com/optest-dev/optest/mockserver/engine"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// Span is a part of a line in one style, "" for none.
type Span struct {
	Style terminal.Style
	Text  string
}

// Line is a line of a drawing, without its end. It does not end in spaces.
type Line []Span

func (l Line) String() string {
	var b strings.Builder
	for _, s := range l {
		b.WriteString(s.Text)
	}
	return b.String()
}

// Signs are the characters that a drawing is made of, each one column wide.
type Signs struct {
	Change, Shown, End string // a step that changes the phase, one that does not, and the last one
	Running, Failing   string // the line between steps
	Never              string // where there is no last step
	Fault              string
	Ellipsis           string
}

var (
	// Unicode is for whatever shows UTF-8.
	Unicode = Signs{"●", "○", "■", "│", "┊", "▼", "✗", "…"}
	// ASCII is for the rest. Texts of the scenario are escaped.
	ASCII = Signs{"*", "o", "#", "|", ":", "v", "x", "~"}
)

// Widest is the number of columns that a drawing takes at most, so that it has
// room behind a comment's mark on a terminal of 80.
const Widest = 78

// narrowest leaves some room for text.
const narrowest = 40

// Draw draws a scenario that fixtures.Validate accepts, in lines of at most
// width columns. Text of the scenario is made fit for a terminal.
func Draw(s *optestv1.Scenario, width int, signs Signs) []Line {
	d := &drawing{
		scenario: s,
		plan:     engine.NewPlan(s),
		width:    max(narrowest, min(width, Widest)),
		signs:    signs,
	}
	d.marks = placed(s, d.texts())
	d.match()
	d.life()
	d.cancelled()
	d.notes()
	return d.lines
}

type drawing struct {
	scenario *optestv1.Scenario
	plan     *engine.Plan
	width    int
	signs    Signs
	marks    map[place][]string // faults that are not drawn yet
	lines    []Line
}

func (d *drawing) add(spans ...Span) {
	for n := len(spans); n > 0; n-- {
		last := &spans[n-1]
		if last.Text = strings.TrimRight(last.Text, " "); last.Text != "" {
			break
		}
		spans = spans[:n-1]
	}
	d.lines = append(d.lines, Line(spans))
}

// gap is an empty line between two parts.
func (d *drawing) gap() {
	if n := len(d.lines); n > 0 && len(d.lines[n-1]) > 0 {
		d.add()
	}
}

// take returns the faults of a place, which are drawn once.
func (d *drawing) take(p place) []string {
	defer delete(d.marks, p)
	return d.marks[p]
}

// caption names a part.
func (d *drawing) caption(text string) {
	d.gap()
	d.add(Span{terminal.Bold, text})
}
