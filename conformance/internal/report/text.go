package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// Text is how a report is written as text. Its zero value is for files.
type Text struct {
	// Colour has what matters most stand out on a terminal.
	Colour bool
	// Width is how many columns there are. 0: 100.
	Width int
}

func (t Text) width() int {
	if t.Width <= 0 {
		return 100
	}
	return t.Width
}

// WriteText writes the report for a person: the verdict first, then what is broken,
// then what is not known.
func WriteText(out io.Writer, rep *optestv1.ConformanceReport, style Text) error {
	p := &textPage{sheet: sheet{style: style}, view: newView()}
	p.head(rep)
	p.findings(rep)
	p.stale(rep)
	p.notExercised(rep)
	p.notApplicable(rep)
	p.waived(rep)
	p.sensitivity(rep)
	p.passed(rep)
	p.foot(rep)
	return p.flush(out)
}

type textPage struct {
	sheet
	view *view
}

var verdictInks = map[optestv1.ConformanceReport_Verdict]ink{
	optestv1.ConformanceReport_CONFORMANT:     green,
	optestv1.ConformanceReport_NOT_CONFORMANT: red,
}

func (p *textPage) head(rep *optestv1.ConformanceReport) {
	tone, ok := verdictInks[rep.GetVerdict()]
	if !ok {
		tone = yellow
	}
	p.line(bold+";"+tone, Headline(rep))
	for _, l := range limits(rep) {
		p.wrap(noInk, "  ", "  ", l) // no line of somebody else's begins as one of ours
	}
	p.blank()
	for _, f := range facts(rep) {
		p.wrap(noInk, fmt.Sprintf("%-10s  ", f.Name), strings.Repeat(" ", 12), f.Value)
	}
}

// section begins a part of the page.
func (p *textPage) section(title string) {
	p.blank()
	p.line(bold, title)
}

// withVerdict are the rules that have come to one of those.
func withVerdict(rep *optestv1.ConformanceReport, which ...optestv1.RuleResult_Verdict) []*optestv1.RuleResult {
	var list []*optestv1.RuleResult
	for _, r := range rep.GetRules() {
		if slices.Contains(which, r.GetVerdict()) {
			list = append(list, r)
		}
	}
	return list
}

// findings are errors, then warnings, then what is not clear.
func (p *textPage) findings(rep *optestv1.ConformanceReport) {
	for _, kind := range []struct {
		verdict optestv1.RuleResult_Verdict
		word    string
		ink     ink
	}{
		{optestv1.RuleResult_FAIL, "ERROR", red},
		{optestv1.RuleResult_WARNING, "WARNING", yellow},
		{optestv1.RuleResult_INCONCLUSIVE, "UNCLEAR", yellow},
	} {
		for _, r := range withVerdict(rep, kind.verdict) {
			p.blank()
			p.b.WriteString(p.paint(bold+";"+kind.ink, r.GetId()+" "+kind.word) + "  " + p.paint(bold, plain(r.GetTitle())) + "  " + standing(r))
			p.blank()
			p.broken(r)
		}
	}
}

// standing is how much a rule weighs.
func standing(r *optestv1.RuleResult) string {
	text := levelNames[r.GetLevel()]
	if r.GetCore() {
		text += ", core"
	}
	return "(" + text + ")"
}

var levelNames = map[optestv1.RuleResult_Level]string{
	optestv1.RuleResult_LEVEL_UNSPECIFIED: "of no source",
	optestv1.RuleResult_SEED:              "documented",
	optestv1.RuleResult_PROTO:             "in the proto files",
	optestv1.RuleResult_GUIDE:             "in the API guide",
	optestv1.RuleResult_IMPLIED:           "implied by the schema",
	optestv1.RuleResult_PRACTICE:          "good practice",
}

const indent = "    "

// broken tells of one rule's breaches.
func (p *textPage) broken(r *optestv1.RuleResult) {
	p.wrap(noInk, indent, indent, "“"+plain(r.GetQuote())+"”")
	p.wrap(dim, indent, indent, plain(r.GetSource()))
	all, shown := total(r), p.view.distinct(r)
	for _, i := range shown {
		v := r.GetViolations()[i]
		p.blank()
		text := v.GetText()
		if all > 1 {
			text = fmt.Sprintf("%d of %s. %s", i+1, grouped(all), text)
		}
		p.wrap(noInk, indent, indent, paragraphs(text))
		p.evidence(r, v)
		p.reproduction(v.GetReproduction())
	}
	if more := all - uint64(len(shown)); more > 0 {
		p.blank()
		p.wrap(noInk, indent, indent, "and "+grouped(more)+" more")
	}
}

// evidence shows the calls.
func (p *textPage) evidence(r *optestv1.RuleResult, v *optestv1.Violation) {
	const inner = indent + "      "
	names := aboutFields(r.GetQuote(), r.GetSource())
	for _, x := range p.view.exhibits(v) {
		p.wrap(noInk, fmt.Sprintf("%s%-6s", indent, x.Name), inner, strings.Join([]string{x.Call, "over " + x.By + ",", x.At + ":", x.Ended}, " "))
		if x.Shows != "" {
			p.wrap(noInk, inner, inner, clipped(x.Shows, 400))
		}
		for _, row := range p.view.oddRows(x, names) {
			p.wrap(noInk, inner, inner+"  ", row)
		}
	}
}

// oddRows are the places of an answer's bytes that are odd, in words.
func (v *view) oddRows(x *exhibit, names map[string]bool) []string {
	const most = 4
	var list []string
	rows, _ := v.rows(x, names)
	for _, r := range rows {
		if r.Odd == "" {
			continue
		}
		place := fmt.Sprintf("byte %d", r.Offset)
		if r.Hex != "" {
			place += ": " + r.Hex
		}
		if list = append(list, fmt.Sprintf("%s is %s %s: %s", place, r.Field, r.Value, r.Odd)); len(list) == most {
			break
		}
	}
	return list
}

func (p *textPage) reproduction(again *optestv1.Reproduction) {
	if again == nil {
		return
	}
	const lead, inner = indent + "again ", indent + "      "
	if again.GetTrace() != "" {
		text := fmt.Sprintf("%s has the %s that show it", plain(again.GetTrace()), counted(again.GetEvents(), "call"))
		if again.GetEvents() == 1 {
			text = plain(again.GetTrace()) + " has the call that shows it"
		}
		if again.GetTest() != "" {
			text += ", " + plain(again.GetTest()) + " is a test of them"
		}
		if again.GetScript() != "" {
			text += ", " + plain(again.GetScript()) + " makes them again"
		}
		p.wrap(noInk, lead, inner, text)
	}
	if again.GetTries() > 0 {
		p.wrap(noInk, lead, inner, fmt.Sprintf("reproduced %d of %d times", again.GetReproduced(), again.GetTries()))
	}
	if again.GetScript() == "" && len(again.GetCommands()) > 0 {
		const most = 16
		p.line(noInk, lead+"in a shell:")
		for i, c := range again.GetCommands() {
			if i == most {
				p.line(noInk, inner+"# …")
				break
			}
			p.line(noInk, inner+plain(c))
		}
	}
	if again.GetNote() != "" {
		p.wrap(noInk, lead, inner, paragraphs(again.GetNote()))
	}
}
