package report

import (
	"fmt"
	"slices"
	"strings"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

var findingViews = map[optestv1.RuleResult_Verdict]struct{ class, word string }{
	optestv1.RuleResult_FAIL:         {"fail", "broken"},
	optestv1.RuleResult_WARNING:      {"warn", "warning"},
	optestv1.RuleResult_INCONCLUSIVE: {"unclear", "unclear"},
	optestv1.RuleResult_WAIVED:       {"waived", "waived"},
}

// brokenRules are the rules that have found something, the worst first. Their
// violations come later: they may be too much.
func (v *view) brokenRules(rep *optestv1.ConformanceReport) []brokenView {
	var list []brokenView
	for _, verdict := range []optestv1.RuleResult_Verdict{
		optestv1.RuleResult_FAIL, optestv1.RuleResult_WARNING, optestv1.RuleResult_INCONCLUSIVE, optestv1.RuleResult_WAIVED,
	} {
		for _, r := range withVerdict(rep, verdict) {
			if verdict == optestv1.RuleResult_WAIVED && len(r.GetViolations()) == 0 {
				continue
			}
			shown := v.distinct(r)
			list = append(list, brokenView{
				Rule: r, Class: findingViews[verdict].class, Sign: cellViews[verdict].Sign, Word: findingViews[verdict].word, Standing: strings.Trim(standing(r), "()"),
				Shown: shown, More: total(r) - uint64(len(shown)),
			})
		}
	}
	return list
}

// violation is one with all that the page has of it. The trace may be nil.
func (v *view) violation(r *optestv1.RuleResult, n int, tr *trace.Trace, byNumber map[uint64]*trace.Event) violationView {
	m := r.GetViolations()[n]
	view := v.brief(r, n)
	view.Short = false
	view.Again = m.GetReproduction()
	view.Base = fmt.Sprintf("%s-%d", anchor(r), n+1)
	names := aboutFields(r.GetQuote(), r.GetSource())
	var cited []*trace.Event
	for _, x := range v.exhibits(m) {
		view.Exhibits = append(view.Exhibits, v.shown(x, names, fmt.Sprintf("%s-%d", view.Base, x.event.Number)))
		e := x.event
		// The trace has the same event with whole messages.
		if same := byNumber[e.Number]; same != nil && same.Called == e.Called && same.Method == e.Method {
			e = same
		}
		cited = append(cited, e)
	}
	view.Picture = v.witness(cited, tr, view.Base)
	return view
}

// brief is a violation without what takes room.
func (v *view) brief(r *optestv1.RuleResult, n int) violationView {
	const longest = 4000
	return violationView{Number: n + 1, Text: strings.Split(bounded(paragraphs(r.GetViolations()[n].GetText()), longest), "\n"), Short: true}
}

// shown is an exhibit with its answer's bytes.
func (v *view) shown(x *exhibit, names map[string]bool, anchor string) exhibitView {
	const longest = 4000
	e := x.event
	view := exhibitView{
		exhibit: x, Anchor: anchor, State: aspectOf(v.state(e)), Bytes: e.ResponseCodec == optestv1.Event_PROTO,
		RequestHeader: clippedFields(e.RequestHeader), AnswerHdr: clippedFields(append(append(trace.Fields{}, e.ResponseHeader...), e.Trailer...)),
	}
	x.Asked, x.Shows = clipped(x.Asked, 600), clipped(x.Shows, 600)
	if view.Rows, view.Whole = v.rows(x, names); len(view.Rows) > 0 {
		return view
	}
	if body := e.Response.Bytes(); readable(body) {
		view.Body = bounded(paragraphs(string(body[:min(len(body), longest)])), longest)
	} else if len(body) > 0 {
		const shown = 256
		view.Body = fmt.Sprintf("% x", body[:min(len(body), shown)])
	}
	view.Whole = len(e.Response.Bytes()) <= longest && !e.Response.Cut()
	return view
}

func clippedFields(list trace.Fields) []trace.Field {
	const most = 30
	var fields []trace.Field
	for _, f := range list[:min(len(list), most)] {
		fields = append(fields, trace.Field{Name: clipped(plain(f.Name), 100), Value: clipped(plain(f.Value), 300)})
	}
	return fields
}

// witness is the picture of the calls around a violation's evidence: those about
// the same operations.
func (v *view) witness(cited []*trace.Event, tr *trace.Trace, base string) *picture {
	if len(cited) == 0 {
		return nil
	}
	isCited := map[*trace.Event]bool{}
	ops := map[string]bool{}
	for _, e := range cited {
		isCited[e] = true
		if id := v.operationOf(e); id != "" {
			ops[id] = true
		}
	}
	events := cited
	if tr != nil {
		events = nil
		for _, e := range tr.Events {
			if isCited[e] || ops[v.operationOf(e)] {
				events = append(events, e)
			}
		}
		for _, e := range cited {
			if !slices.Contains(events, e) {
				events = append(events, e)
			}
		}
	}
	if len(events) == 1 {
		return nil // there is nothing beside it
	}
	const most, pageWidth, unit = 60, 912, 7
	all := v.bars(events, isCited)
	list := near(all, most)
	a, width := newAxis(moments(list), pageWidth, pageWidth, unit)
	d := v.draw(list, a, width, "The calls about the same operation. What is evidence stands out.", true)
	byEvent := map[*trace.Event]*bar{}
	for _, b := range list {
		href := ""
		if b.cited {
			href = fmt.Sprintf("#%s-%d", base, b.events[0].Number)
			byEvent[b.events[0]] = b
		}
		d.add(b, href, nil)
	}
	for i := 1; i < len(cited); i++ {
		from, to := byEvent[cited[i-1]], byEvent[cited[i]]
		if from != nil && to != nil && from != to {
			d.arc(from, to, fmt.Sprintf("from #%d to #%d", cited[i-1].Number, cited[i].Number))
		}
	}
	d.stamps(list, startOf(tr))
	if n := len(all) - len(list); n > 0 {
		d.pic.LeftOut = counted(n, "call") + " further away are not drawn"
	}
	return d.pic
}
