package report

import (
	"fmt"
	"strings"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// star marks core rules in lists.
func star(r *optestv1.RuleResult) string {
	if r.GetCore() {
		return r.GetId() + " *"
	}
	return r.GetId()
}

const (
	listed8  = "  %-8s  "
	under    = "            "
	starNote = "(* core)"
)

// item begins with a rule and goes on under its title.
func (p *textPage) item(r *optestv1.RuleResult, text string) {
	p.wrap(noInk, fmt.Sprintf(listed8, star(r)), under, text)
}

func (p *textPage) notExercised(rep *optestv1.ConformanceReport) {
	list := withVerdict(rep, optestv1.RuleResult_NOT_EXERCISED)
	if len(list) == 0 {
		return
	}
	p.section(fmt.Sprintf("NOT EXERCISED: %s, and the traffic that would do it %s", counted(len(list), "rule"), starNote))
	for _, r := range list {
		p.item(r, plain(r.GetTitle()))
		p.wrap(noInk, under+"> ", under+"  ", plain(r.GetExercise()))
		if r.GetReason() != "" {
			p.wrap(dim, under+"  ", under+"  ", plain(r.GetReason()))
		}
	}
}

// notApplicable has the rules by reason: many share one.
func (p *textPage) notApplicable(rep *optestv1.ConformanceReport) {
	list := withVerdict(rep, optestv1.RuleResult_NOT_APPLICABLE)
	if len(list) == 0 {
		return
	}
	p.section(fmt.Sprintf("NOT APPLICABLE: %s, and why %s", counted(len(list), "rule"), starNote))
	for _, g := range byReason(list) {
		p.wrap(noInk, "  ", "  ", g.Reason+":")
		p.wrap(noInk, indent, indent, strings.Join(g.Rules, ", "))
	}
}

type reasonGroup struct {
	Reason string
	Rules  []string
}

func byReason(list []*optestv1.RuleResult) []reasonGroup {
	var groups []reasonGroup
	at := map[string]int{}
	for _, r := range list {
		reason := plain(r.GetReason())
		if reason == "" {
			reason = "no reason is given"
		}
		i, ok := at[reason]
		if !ok {
			i = len(groups)
			at[reason] = i
			groups = append(groups, reasonGroup{Reason: reason})
		}
		groups[i].Rules = append(groups[i].Rules, star(r))
	}
	return groups
}

func (p *textPage) waived(rep *optestv1.ConformanceReport) {
	list := withVerdict(rep, optestv1.RuleResult_WAIVED)
	if len(list) == 0 {
		return
	}
	p.section(fmt.Sprintf("WAIVED: %s, broken as is known %s", counted(len(list), "rule"), starNote))
	for _, r := range list {
		p.item(r, plain(r.GetTitle())+": "+counted(r.GetErrors(), "error"))
		p.wrap(noInk, under, under, plain(r.GetReason()))
	}
}

// stale are waivers that fail the run.
func (p *textPage) stale(rep *optestv1.ConformanceReport) {
	list := stale(rep)
	if len(list) == 0 {
		return
	}
	p.blank()
	p.line(bold+";"+red, "WAIVERS TO BE REMOVED: they fail this run")
	for _, w := range list {
		p.wrap(noInk, fmt.Sprintf(listed8, plain(w.GetWaiver().GetRule())), under, staleText(w))
	}
}

func staleText(w *optestv1.WaiverResult) string {
	text := strings.ToLower(words(w.GetState().String())) + ": " + plain(w.GetReason())
	if why := plain(w.GetWaiver().GetReason()); why != "" {
		text += fmt.Sprintf(" (it was for: %s)", why)
	}
	return text
}

// sensitivity says which of the passes mean much.
func (p *textPage) sensitivity(rep *optestv1.ConformanceReport) {
	s := sensed(rep)
	if s.Tried == 0 {
		return
	}
	p.section("SENSITIVITY: this run's own calls, with each rule broken in them on purpose")
	p.wrap(noInk, "  ", "  ", fmt.Sprintf("%d of %s would have noticed everywhere.", s.Everywhere, counted(s.Tried, "rule")))
	for _, r := range s.Weak {
		p.item(r, noticed(r))
	}
}

// sensing is how sensitive the rules were.
type sensing struct {
	Tried, Everywhere int
	Weak              []*optestv1.RuleResult
}

func sensed(rep *optestv1.ConformanceReport) sensing {
	var s sensing
	for _, r := range rep.GetRules() {
		n := r.GetSensitivity()
		if n == nil {
			continue
		}
		s.Tried++
		if n.GetPlaces() > 0 && n.GetNoticed() == n.GetPlaces() {
			s.Everywhere++
		} else {
			s.Weak = append(s.Weak, r)
		}
	}
	return s
}

func noticed(r *optestv1.RuleResult) string {
	n := r.GetSensitivity()
	if n.GetPlaces() == 0 {
		return "these calls have no place where it could be broken. To have one: " + plain(r.GetExercise())
	}
	text := fmt.Sprintf("would have noticed in %d of %s", n.GetNoticed(), counted(n.GetPlaces(), "place"))
	if len(n.GetMissed()) > 0 {
		text += ", not at " + plain(n.GetMissed()[0])
	}
	if 2*n.GetNoticed() < n.GetPlaces() {
		text += ". To have it notice more: " + plain(r.GetExercise())
	}
	return text
}

// passed has the rules with how often they were exercised.
func (p *textPage) passed(rep *optestv1.ConformanceReport) {
	list := withVerdict(rep, optestv1.RuleResult_PASS)
	if len(list) == 0 {
		return
	}
	p.section(fmt.Sprintf("PASSED: %s, each with how often it was exercised", counted(len(list), "rule")))
	var cells []string
	for _, r := range list {
		cells = append(cells, r.GetId()+" "+times(r))
	}
	p.wrap(noInk, "  ", "  ", strings.Join(cells, ", "))
}

func times(r *optestv1.RuleResult) string {
	text := grouped(uint64(r.GetExercised()))
	if r.GetExercisedMore() {
		text += "+"
	}
	return text
}

// foot is what is no fault of the server, and what was left in it.
func (p *textPage) foot(rep *optestv1.ConformanceReport) {
	if left := rep.GetUsed().GetLeftBehind(); len(left) > 0 {
		p.section(fmt.Sprintf("LEFT BEHIND: %s that could not be deleted", counted(len(left), "image")))
		for _, id := range left {
			p.wrap(noInk, "  ", "  ", plain(id))
		}
	}
	if len(rep.GetDrift()) > 0 {
		p.section("DRIFT: where the contract's documents differ, which is no fault of the server")
		for _, d := range rep.GetDrift() {
			p.wrap(noInk, fmt.Sprintf(listed8, plain(d.GetId())), under, plain(d.GetText()))
		}
	}
}
