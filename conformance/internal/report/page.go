package report

import (
	"fmt"
	"html/template"
	"slices"
	"strings"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// page is what the template shows. What comes from outside is plain and clipped.
type page struct {
	Policy   string
	Style    template.CSS
	Script   template.JS
	Title    string
	Headline string
	Verdict  verdictView
	Limits   []string
	Tiles    []tile
	Facts    []fact
	Groups   []group
	Broken   []brokenView
	// Briefly: of some findings not all is shown, for the page's size.
	Briefly       bool
	Run           *runView
	Stale         []namedText
	NotExercised  []*optestv1.RuleResult
	NotApplicable []reasonGroup
	Waived        []*optestv1.RuleResult
	Sensing       sensing
	Passed        []*optestv1.RuleResult
	LeftBehind    []string
	Drift         []namedText
}

type verdictView struct{ Class, Sign, Text string }

var verdictViews = map[optestv1.ConformanceReport_Verdict]verdictView{
	optestv1.ConformanceReport_CONFORMANT:     {"good", "✓", "Conformant"},
	optestv1.ConformanceReport_NOT_CONFORMANT: {"bad", "✗", "Not conformant"},
	optestv1.ConformanceReport_PARTIAL:        {"open", "◐", "Partial"},
	optestv1.ConformanceReport_INCONCLUSIVE:   {"open", "?", "Inconclusive"},
	optestv1.ConformanceReport_NO_VERDICT:     {"open", "–", "No verdict"},
}

// tile is a number that matters.
type tile struct {
	Number, Of, Name, Class string
}

// group is the rules of one group, such as LRO.
type group struct {
	Name  string
	Cells []cell
}

// cell is a rule at a glance.
type cell struct {
	ID, Number, Class, Sign, Title string
	Core                           bool
	Href                           string
}

var cellViews = map[optestv1.RuleResult_Verdict]verdictView{
	optestv1.RuleResult_PASS:           {"pass", "✓", "passed"},
	optestv1.RuleResult_WARNING:        {"warn", "!", "passed with warnings"},
	optestv1.RuleResult_FAIL:           {"fail", "✗", "broken"},
	optestv1.RuleResult_INCONCLUSIVE:   {"unclear", "?", "unclear"},
	optestv1.RuleResult_NOT_EXERCISED:  {"idle", "○", "not exercised"},
	optestv1.RuleResult_NOT_APPLICABLE: {"none", "–", "not applicable"},
	optestv1.RuleResult_WAIVED:         {"waived", "~", "waived"},
}

type namedText struct{ Name, Text string }

// brokenView is a rule with what was found.
type brokenView struct {
	Rule     *optestv1.RuleResult
	Class    string
	Sign     string
	Word     string
	Standing string
	// Shown are the places of the violations that the page has.
	Shown      []int
	Violations []violationView
	// More are not shown.
	More uint64
}

// violationView is one finding.
type violationView struct {
	Number  int
	Text    []string
	Picture *picture
	// Base begins the anchors of its exhibits.
	Base     string
	Exhibits []exhibitView
	Again    *optestv1.Reproduction
	// Short: what belongs to it is left out.
	Short bool
}

type exhibitView struct {
	*exhibit
	Anchor string
	State  aspect
	Rows   []row
	// Bytes: the rows have places in the encoded message.
	Bytes bool
	// Whole: all of the message is in the rows.
	Whole bool
	// Body is an answer that is no message.
	Body                     string
	RequestHeader, AnswerHdr []trace.Field
}

// Pad is how far a row is indented, in ems.
func (r row) Pad() string { return fmt.Sprintf("%d.%d", r.Depth*12/10, r.Depth*12%10) }

// runView is the picture of the whole run.
type runView struct {
	Picture *picture
	Ops     []opChoice
	Calls   int
}

type opChoice struct {
	Number int
	Text   string
}

func newPage(rep *optestv1.ConformanceReport) *page {
	p := &page{
		Headline: Headline(rep), Verdict: verdictViews[rep.GetVerdict()], Facts: facts(rep), Groups: groups(rep),
		NotExercised:  withVerdict(rep, optestv1.RuleResult_NOT_EXERCISED),
		NotApplicable: byReason(withVerdict(rep, optestv1.RuleResult_NOT_APPLICABLE)),
		Waived:        withVerdict(rep, optestv1.RuleResult_WAIVED),
		Passed:        withVerdict(rep, optestv1.RuleResult_PASS),
		Sensing:       sensed(rep),
		Tiles:         tiles(rep.GetCounts()),
	}
	p.Title = p.Headline
	if t := rep.GetTarget(); t != "" {
		p.Title = plain(t) + ": " + p.Title
	}
	const most = 100
	for _, l := range limits(rep) {
		p.Limits = append(p.Limits, clipped(plain(l), 500))
	}
	for _, w := range stale(rep) {
		p.Stale = append(p.Stale, namedText{plain(w.GetWaiver().GetRule()), clipped(staleText(w), 500)})
	}
	for _, id := range rep.GetUsed().GetLeftBehind() {
		p.LeftBehind = append(p.LeftBehind, clipped(plain(id), 100))
	}
	for _, d := range rep.GetDrift() {
		p.Drift = append(p.Drift, namedText{plain(d.GetId()), clipped(plain(d.GetText()), 500)})
	}
	p.Limits, p.Stale = p.Limits[:min(len(p.Limits), most)], p.Stale[:min(len(p.Stale), most)]
	p.LeftBehind, p.Drift = p.LeftBehind[:min(len(p.LeftBehind), most)], p.Drift[:min(len(p.Drift), most)]
	return p
}

func tiles(n *optestv1.ConformanceReport_Counts) []tile {
	list := []tile{
		{grouped(n.GetErrors()), "", "errors", "bad"},
		{grouped(n.GetWarnings()), "", "warnings", "warn"},
		{grouped(uint64(n.GetCoreExercised())), "of " + grouped(uint64(n.GetCore())), "core rules exercised", ""},
		{grouped(uint64(n.GetPassed() + n.GetWarned())), "of " + grouped(uint64(n.GetRules())), "rules passed", ""},
	}
	for i := range list[:2] {
		if list[i].Number == "0" {
			list[i].Class = ""
		}
	}
	if n.GetInconclusive() > 0 {
		list = append(list, tile{grouped(uint64(n.GetInconclusive())), "", "unclear", "warn"})
	}
	if n.GetWaived() > 0 {
		list = append(list, tile{grouped(uint64(n.GetWaived())), "", "waived", "warn"})
	}
	return list
}

// groups are all rules at a glance.
func groups(rep *optestv1.ConformanceReport) []group {
	var list []group
	for _, r := range rep.GetRules() {
		name, number, _ := strings.Cut(plain(r.GetId()), "-")
		at := slices.IndexFunc(list, func(g group) bool { return g.Name == name })
		if at < 0 {
			at = len(list)
			list = append(list, group{Name: name})
		}
		view := cellViews[r.GetVerdict()]
		c := cell{
			ID: plain(r.GetId()), Number: number, Class: view.Class, Sign: view.Sign, Core: r.GetCore(),
			Title: fmt.Sprintf("%s %s: %s", plain(r.GetId()), clipped(plain(r.GetTitle()), 120), view.Text),
		}
		c.Href = "#" + anchor(r)
		list[at].Cells = append(list[at].Cells, c)
	}
	return list
}

// anchor is where the page has the rule.
func anchor(r *optestv1.RuleResult) string { return "rule-" + plain(r.GetId()) }
