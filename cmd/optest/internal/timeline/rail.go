package timeline

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/optest-dev/optest/cmd/optest/internal/terminal"
	"github.com/optest-dev/optest/mockserver/engine"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// moment is a time or a poll at which something may change, and what the
// operation is from then on.
type moment struct {
	label string
	state engine.State
	says  []string // beside what the operation shows
	marks []string // faults, beside those of its phase
}

// life draws the operation as it is without a Cancel. Where steps come by time
// and by polls their order is open, so that each kind has a line of its own.
func (d *drawing) life() {
	byTime, byPoll := d.timed(), d.polled()
	switch {
	case len(byPoll) == 0:
		d.rail("", engine.State{}, byTime, ending{})
	case len(byTime) == 1:
		d.rail("", engine.State{}, slices.Concat(byTime, byPoll), ending{})
	default:
		d.rail("By time", engine.State{}, byTime, ending{open: "or by polls"})
		d.rail("By polls, whichever comes first", byTime[0].state, byPoll, ending{open: "or by time"})
	}
}

// timed are the moments of the timeline alone, beginning with creation.
func (d *drawing) timed() []moment {
	ages := []time.Duration{0}
	for _, step := range d.scenario.GetTimeline() {
		if step.GetPoll() == 0 {
			ages = append(ages, step.GetAt().AsDuration())
		}
	}
	slices.Sort(ages)
	var list []moment
	for _, age := range slices.Compact(ages) {
		list = append(list, moment{label: span(age), state: d.plan.At(age, engine.Life{})})
	}
	return list
}

// polled are the moments of a client whose polls all come at once.
func (d *drawing) polled() []moment {
	var polls []uint32
	for _, step := range d.scenario.GetTimeline() {
		if step.GetPoll() > 0 {
			polls = append(polls, step.GetPoll())
		}
	}
	slices.Sort(polls)
	var list []moment
	for i, n := range polls {
		life := engine.Life{Reached: make([]time.Duration, i+1)}
		list = append(list, moment{label: fmt.Sprintf("poll %d", n), state: d.plan.At(0, life)})
	}
	return list
}

// ending is what a line says where the operation is not done at its end.
type ending struct{ open string }

const (
	roomy = 12 // so many moments still have space between them
	most  = 60 // more are left out in the middle
	tail  = 10 // that are kept at the end
)

// rail draws a line of moments, after the state before.
func (d *drawing) rail(caption string, before engine.State, list []moment, end ending) {
	if caption != "" {
		d.caption(caption)
	}
	labels := 0
	for _, m := range list {
		labels = max(labels, len(m.label))
	}
	r := &rail{drawing: d, labels: max(labels, len("poll 1"))}
	for i, m := range list {
		if len(list) > most && i == most-tail {
			r.row("", d.signs.Ellipsis, "", "", fmt.Sprintf("%d more", len(list)-most))
		}
		if len(list) <= most || i < most-tail || i >= len(list)-tail {
			if i > 0 && len(list) <= roomy && !r.spaced {
				r.space()
			}
			r.moment(m, before, i == 0)
		}
		before = m.state
	}
	if before.Phase.Done() {
		return
	}
	if !r.spaced {
		r.space()
	}
	switch {
	case end.open != "" && !d.scenario.GetNeverDone():
		r.row("", d.signs.Never, "", "", end.open)
	default:
		r.row("", d.signs.Never, "", "never done", "")
	}
}

// rail is a line being drawn.
type rail struct {
	*drawing
	labels int          // columns before the line
	phase  engine.Phase // of the last moment
	spaced bool         // the last row was none of a moment
}

// words is the width of the phases' names.
const words = len("succeeded")

func (r *rail) moment(m moment, before engine.State, first bool) {
	turned := before.Step == "" || m.state.Phase != before.Phase
	sign, word := r.signs.Shown, ""
	if turned {
		sign = r.signs.Change
	}
	if m.state.Phase.Done() {
		sign = r.signs.End
	}
	if turned || first {
		word = m.state.Phase.String()
	}
	r.phase = m.state.Phase
	r.row(m.label, sign, style(m.state.Phase, turned), word, append(m.says, r.texts().shows(before, m.state)...)...)
	r.spaced = false
	for _, text := range m.marks {
		r.mark(text)
	}
	if turned || first {
		r.faults(m.state.Phase, first)
	}
}

// faults draws those that belong to calls from here on.
func (r *rail) faults(phase engine.Phase, first bool) {
	from := faultPhase(phase)
	if first {
		from = optestv1.Fault_PHASE_UNSPECIFIED
	}
	for p := from; p <= faultPhase(phase); p++ {
		for _, text := range r.take(place{phase: p}) {
			r.mark(text)
		}
	}
}

func (r *rail) mark(text string) {
	indent := strings.Repeat(" ", r.labels+1)
	for i, line := range Wrap(text, r.width-r.labels-len(" | x ")) {
		sign := "  "
		if i == 0 {
			sign = r.signs.Fault + " "
		}
		r.add(Span{"", indent}, r.line(), Span{"", " "}, Span{terminal.Red, sign + line})
	}
	r.spaced = true
}

func (r *rail) space() { r.add(Span{"", strings.Repeat(" ", r.labels+1)}, r.line()) }

// line is the part of the rail beside text.
func (r *rail) line() Span {
	switch r.phase {
	case engine.Running:
		return Span{terminal.Dim, r.signs.Running}
	case engine.Failing:
		return Span{style(engine.Failing, true), r.signs.Failing}
	}
	return Span{"", " "}
}

// row draws a row with what is said in it: on one line, or, where that has no
// room for all, each on lines of its own.
func (r *rail) row(label, sign string, s terminal.Style, word string, says ...string) {
	room := r.width - (r.labels + len(" * ") + words + 2)
	lines := Wrap(strings.Join(says, ", "), room)
	if len(lines) > 1 {
		lines = nil
		for _, text := range says {
			lines = append(lines, Wrap(text, room)...)
		}
	}
	first := ""
	if len(lines) > 0 {
		first, lines = lines[0], lines[1:]
	}
	r.add(
		Span{"", fmt.Sprintf("%*s ", r.labels, label)}, Span{s, sign}, Span{"", " "},
		Span{s, word}, Span{"", strings.Repeat(" ", max(0, words-len(word))+2) + first})
	for _, line := range lines {
		r.add(Span{"", strings.Repeat(" ", r.labels+1)}, r.line(), Span{"", strings.Repeat(" ", words+3) + line})
	}
	r.spaced = true
}

func style(p engine.Phase, turned bool) terminal.Style {
	if !turned {
		return ""
	}
	switch p {
	case engine.Failing:
		return terminal.Yellow
	case engine.Failed:
		return terminal.Red
	case engine.Succeeded:
		return terminal.Green
	}
	return terminal.Bold
}
