package timeline

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/code"

	"github.com/optest-dev/optest/cmd/optest/internal/terminal"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// match says which calls play the scenario, where it does.
func (d *drawing) match() {
	m := d.scenario.GetMatch()
	if m == nil {
		return
	}
	t := d.texts()
	text := "methods that create a resource"
	if m.GetMethod() != "" {
		text = t.word(m.GetMethod())
	}
	text += t.headers(" with ", m.GetFields()) + t.headers(" with header ", m.GetHeaders())
	if from, to := max(1, m.GetCalls().GetFrom()), m.GetCalls().GetTo(); from == to {
		text += fmt.Sprintf(", call %d", from)
	} else if to > 0 {
		text += fmt.Sprintf(", calls %d-%d", from, to)
	} else if from > 1 {
		text += fmt.Sprintf(", calls from %d on", from)
	}
	d.note("Match", text)
	d.gap()
}

// notes are what stands below the picture.
func (d *drawing) notes() {
	d.gap()
	if d.scenario.GetExpect().GetCancelAt() == nil {
		d.note("Cancel", d.policy())
	}
	for _, text := range d.rest() {
		d.fault(text)
	}
	if text := expectation(d.scenario.GetExpect()); text != "" {
		d.note("Expect", text)
	}
	if rules := d.scenario.GetViolates(); len(rules) > 0 {
		d.note("Violates", strings.Join(rules, ", "))
	}
}

// rest are the faults that have no place in the picture: on Cancel, or in a phase
// that the operation comes to after it only.
func (d *drawing) rest() []string {
	places := make([]place, 0, len(d.marks))
	for p := range d.marks {
		places = append(places, p)
	}
	slices.SortFunc(places, func(a, b place) int { return int(a.phase) - int(b.phase) })
	var list []string
	for _, p := range places {
		list = append(list, d.marks[p]...)
	}
	return list
}

func expectation(e *optestv1.Expect) string {
	if e == nil {
		return ""
	}
	text := strings.ReplaceAll(e.GetOutcome().String(), "_", " ")
	if e.GetCode() != code.Code_OK && e.GetCode().String() != text {
		text += " with " + e.GetCode().String()
	}
	if at := e.GetNotBefore().AsDuration(); at > 0 {
		text += ", not before " + span(at)
	}
	return text
}

const heading = len("Violates ")

func (d *drawing) note(name, text string) {
	d.listed(Span{terminal.Bold, fmt.Sprintf("%-*s", heading, name)}, "", text)
}

func (d *drawing) fault(text string) {
	d.listed(Span{terminal.Red, fmt.Sprintf("%*s ", heading-1, d.signs.Fault)}, terminal.Red, text)
}

func (d *drawing) listed(name Span, s terminal.Style, text string) {
	for i, line := range Wrap(text, d.width-heading) {
		if i > 0 {
			name = Span{"", strings.Repeat(" ", heading)}
		}
		d.add(name, Span{s, line})
	}
}
