package report

import (
	"cmp"
	"fmt"
	"slices"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

const (
	// mostChoices bounds the operations that a reader can choose from.
	mostChoices = 200
	// mostOverviewArcs bounds the findings that are drawn into the whole run.
	mostOverviewArcs = 40
)

// overview is the picture of the whole run with at most so many bars.
func (v *view) overview(rep *optestv1.ConformanceReport, tr *trace.Trace, byNumber map[uint64]*trace.Event, most int) *runView {
	if tr == nil || len(tr.Events) == 0 {
		return nil
	}
	pairs, cited, hrefs := v.citations(rep, byNumber)
	// Bars of many readers may need more room than there is.
	const least, widest, unit = 958, 4000, 3
	list := v.bars(tr.Events, cited)
	a, width := newAxis(moments(list), least, widest, unit)
	joined := leastBar + 1
	drawn := crowded(list, a, joined)
	for len(drawn) > most && joined < width {
		joined *= 1.2
		drawn = crowded(list, a, joined)
	}
	list = drawn
	d := v.draw(list, a, width, "All calls of the run.", false)
	choices, number := v.choices(tr, rep, byNumber)
	byEvent := map[*trace.Event]*bar{}
	for _, b := range list {
		href := ""
		if b.cited {
			byEvent[b.events[0]] = b
			href = hrefs[b.events[0]]
		}
		d.add(b, href, number)
	}
	for _, p := range pairs[:min(len(pairs), mostOverviewArcs)] {
		if from, to := byEvent[p.from], byEvent[p.to]; from != nil && to != nil && from != to {
			d.arc(from, to, p.title)
		}
	}
	// Cited bars come last, so that others don't hide them.
	slices.SortStableFunc(d.pic.Bars, func(a, b drawnBar) int { return cmp.Compare(len(a.Href), len(b.Href)) })
	return &runView{Picture: d.pic, Ops: choices, Calls: len(tr.Events)}
}

type citation struct {
	from, to *trace.Event
	title    string
}

// citations are the events of the trace that are evidence, in pairs, and where the
// page shows them.
func (v *view) citations(
	rep *optestv1.ConformanceReport, byNumber map[uint64]*trace.Event,
) (pairs []citation, cited map[*trace.Event]bool, hrefs map[*trace.Event]string) {
	cited, hrefs = map[*trace.Event]bool{}, map[*trace.Event]string{}
	const most = 400 // bars that join no others
	for _, b := range v.brokenRules(rep) {
		for _, n := range b.Shown {
			m := b.Rule.GetViolations()[n]
			var last *trace.Event
			for _, shown := range events(m) {
				e := byNumber[shown.Number]
				if e == nil || e.Called != shown.Called || e.Method != shown.Method || len(cited) == most {
					continue
				}
				cited[e] = true
				if hrefs[e] == "" {
					hrefs[e] = "#" + anchor(b.Rule)
				}
				if last != nil {
					pairs = append(pairs, citation{last, e, b.Rule.GetId() + ": " + plain(b.Rule.GetTitle())})
				}
				last = e
			}
		}
	}
	return pairs, cited, hrefs
}

// choices are the operations that a reader can choose from, those with findings
// first, and the number of each.
func (v *view) choices(tr *trace.Trace, rep *optestv1.ConformanceReport, byNumber map[uint64]*trace.Event) ([]opChoice, map[string]int) {
	type tally struct {
		id              string
		calls, findings int
	}
	by := map[string]*tally{}
	var all []*tally
	for _, e := range tr.Events {
		id := v.operationOf(e)
		if id == "" {
			continue
		}
		if by[id] == nil {
			by[id] = &tally{id: id}
			all = append(all, by[id])
		}
		by[id].calls++
	}
	for _, b := range v.brokenRules(rep) {
		for _, m := range b.Rule.GetViolations() {
			for _, shown := range firstOf(events(m)) {
				if e := byNumber[shown.Number]; e != nil && by[v.operationOf(e)] != nil {
					by[v.operationOf(e)].findings++
				}
			}
		}
	}
	slices.SortStableFunc(all, func(a, b *tally) int { return cmp.Compare(b.findings, a.findings) })
	var list []opChoice
	number := map[string]int{}
	for i, t := range all[:min(len(all), mostChoices)] {
		number[t.id] = i + 1
		text := fmt.Sprintf("%s: %s", clipped(plain(t.id), 40), counted(t.calls, "call"))
		if t.findings > 0 {
			text += ", " + counted(t.findings, "finding")
		}
		list = append(list, opChoice{i + 1, text})
	}
	return list, number
}

func firstOf(list []*trace.Event) []*trace.Event { return list[:min(1, len(list))] }
