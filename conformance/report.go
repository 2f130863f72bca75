package conformance

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/optest-dev/optest/conformance/internal/report"
	"github.com/optest-dev/optest/conformance/internal/rules"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// Report is what was found out about a server.
type Report struct {
	Verdict Verdict
	// Reason says why there is no verdict, or what limits it. Empty: nothing.
	Reason string

	Target   string
	Profile  string
	Contract Source
	Seed     uint64
	// Protocols are those that the server was spoken to over, Missing those that it
	// does not speak.
	Protocols []Protocol
	Missing   []Missing

	// Rules are all rules in the order of the table.
	Rules []RuleResult
	// Skipped is traffic that was left out.
	Skipped []Skipped
	Used    Used

	// Header and Events are what was seen, without the random phase of [Run].
	Header *optestv1.TraceHeader
	Events []*trace.Event

	env       *rules.Env
	results   []rules.Result // of the rules that were not left out
	driver    optestv1.ConformanceReport_Driver
	time      time.Time
	seen      int      // events, where not all of them are kept
	forgotten int      // operations
	noVerdict string   // why the server could not be judged at all
	cutShort  string   // why the run has ended early
	limits    []string // what else a reader has to know
	waivers   *optestv1.Waivers
	today     time.Time // by which waivers count
	sensed    map[string]rules.Sensitivity
	saved     *optestv1.ConformanceReport // names the files that were written
}

// Verdict is what is to be said of a server as a whole.
type Verdict int

const (
	// NoVerdict: the server could not be judged at all.
	NoVerdict = Verdict(optestv1.ConformanceReport_NO_VERDICT)
	// Conformant: every core rule was exercised and has passed.
	Conformant = Verdict(optestv1.ConformanceReport_CONFORMANT)
	// Partial: no rule is broken, but some core rule was not exercised or does not
	// apply to what was seen.
	Partial = Verdict(optestv1.ConformanceReport_PARTIAL)
	// Inconclusive: no rule is broken, but some could not be judged in time, or the run
	// has ended early.
	Inconclusive = Verdict(optestv1.ConformanceReport_INCONCLUSIVE)
	// NotConformant: a rule is broken.
	NotConformant = Verdict(optestv1.ConformanceReport_NOT_CONFORMANT)
)

func (v Verdict) String() string {
	return strings.ReplaceAll(optestv1.ConformanceReport_Verdict(v).String(), "_", " ")
}

// Missing is a protocol that the server does not speak.
type Missing struct {
	Protocol Protocol
	// Says is what it answers instead.
	Says string
}

// Skipped is a script that was not played, or not to its end, or the reflection of
// a server that shows nothing of use.
type Skipped struct {
	Script, Reason string
	// Exercises are ids of rules.
	Exercises []string
}

// Used is what a run has cost.
type Used struct {
	// Wall is how long it took, Elapsed how long by its own clock, which may be
	// virtual.
	Wall, Elapsed     time.Duration
	Requests, Creates int
	// LeftBehind are images that the run has made, or may have, and could not delete.
	LeftBehind []string
	// Stalls are spans in which the run itself was held up, so that rules about time
	// did not apply, as offsets from the header's start.
	Stalls []Span
}

// Span is a part of a trace.
type Span struct{ From, Until time.Duration }

// tabulate makes the results those of the report, and draws the verdict.
func (r *Report) tabulate() {
	r.Rules = nil
	for _, rule := range rules.All() {
		at := slices.IndexFunc(r.results, func(one rules.Result) bool { return one.Rule.ID == rule.ID })
		one := rules.Result{Rule: rule, Verdict: rules.NotApplicable, Reason: "it was left out by the option Rules"}
		if at >= 0 {
			one = r.results[at]
		}
		result := newResult(r.env, one, r.Events)
		if result.Verdict == NotExercised {
			result.Reason = r.unexercised(rule)
		}
		r.Rules = append(r.Rules, result)
	}
	r.settle()
}

// settle draws the verdict from what the rules have come to.
func (r *Report) settle() {
	m := r.Proto()
	r.Verdict = Verdict(m.GetVerdict())
	var reasons []string
	for _, reason := range append([]string{m.GetReason(), m.GetCutShort()}, r.limits...) {
		if reason != "" {
			reasons = append(reasons, reason)
		}
	}
	r.Reason = strings.Join(reasons, "; ")
}

// limit is for a run that has ended early. One that was planned to, to save costs,
// has no other verdict than what the rules have come to.
func (r *Report) limit(reason string, planned bool) {
	if planned {
		r.limits = append(r.limits, reason)
	} else {
		r.cutShort = reason
	}
	r.settle()
}

// unexercised says why nothing was seen of what a rule is about, if traffic for it
// was left out.
func (r *Report) unexercised(rule *rules.Rule) string {
	var why []string
	for _, sk := range r.Skipped {
		if slices.Contains(sk.Exercises, rule.ID) {
			why = append(why, fmt.Sprintf("%s was left out: %s", sk.Script, sk.Reason))
		}
	}
	const most = 2
	return strings.Join(why[:min(most, len(why))], "; ")
}

// Proto is the report as a message.
func (r *Report) Proto() *optestv1.ConformanceReport {
	if r.saved != nil {
		return proto.CloneOf(r.saved)
	}
	m := report.New(r.input())
	if r.waivers != nil {
		report.Apply(m, r.waivers, r.today)
	}
	return m
}

func (r *Report) input() report.Input {
	in := report.Input{
		Tool: tool, Time: r.time, Env: r.env, Driver: r.driver, Calls: r.Events, Events: max(r.seen, len(r.Events)), Forgotten: r.forgotten,
		NoVerdict: r.noVerdict, CutShort: r.cutShort, Limits: slices.Clone(r.limits),
		Used: &optestv1.ConformanceReport_Used{
			Wall: durationpb.New(r.Used.Wall), Elapsed: durationpb.New(r.Used.Elapsed),
			Requests: uint64(r.Used.Requests), Creates: uint64(r.Used.Creates), LeftBehind: r.Used.LeftBehind,
		},
	}
	if in.Driver == optestv1.ConformanceReport_DRIVER_UNSPECIFIED {
		in.Driver = optestv1.ConformanceReport_TRACE
	}
	for _, p := range r.Protocols {
		in.Protocols = append(in.Protocols, string(p))
	}
	for _, m := range r.Missing {
		in.Limits = append(in.Limits, fmt.Sprintf("the server does not speak %s: %s", m.Protocol, m.Says))
	}
	for _, one := range r.results {
		if result := r.Rule(one.Rule.ID); result != nil {
			o := result.outcome(one)
			if s, ok := r.sensed[one.Rule.ID]; ok {
				o.Sensitivity = &s
			}
			in.Outcomes = append(in.Outcomes, o)
		}
	}
	return in
}

// Rule returns the result of the rule with that id, nil if there is no such rule.
func (r *Report) Rule(id string) *RuleResult {
	for i := range r.Rules {
		if r.Rules[i].ID == id {
			return &r.Rules[i]
		}
	}
	return nil
}

// String is the verdict in one line.
func (r *Report) String() string {
	line := report.Headline(r.Proto())
	if r.Reason != "" {
		line += "; " + r.Reason
	}
	return line
}

// Err is nil unless a rule is broken or the server could not be judged. It has one
// line for each broken rule.
func (r *Report) Err() error {
	var list []error
	if r.Verdict == NoVerdict {
		list = append(list, fmt.Errorf("optest: the server can't be judged: %s", r.Reason))
	}
	for _, one := range r.Rules {
		if one.Verdict == Failed {
			list = append(list, fmt.Errorf("optest: %s: %s", one.ID, one.Findings[0].Text))
		}
	}
	return errors.Join(list...)
}

// WriteText writes the report for a person: the verdict first, then what is
// broken, then what is not known.
func (r *Report) WriteText(w io.Writer) error {
	return report.WriteText(w, r.Proto(), report.Text{})
}

// WriteJSON writes the report as the JSON of [optestv1.ConformanceReport].
func (r *Report) WriteJSON(w io.Writer) error { return report.WriteJSON(w, r.Proto()) }

// WriteJUnit writes the report for CI systems, with a test case for each rule.
func (r *Report) WriteJUnit(w io.Writer) error { return report.WriteJUnit(w, r.Proto()) }
