// Package report says what a run has come to: as text, as JSON, for CI systems
// and as a page. It turns what the rules have found into one message, from which
// everything else is written, so that all of them say the same. It judges only
// the sum: which rules hold is not decided here.
package report

import (
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/optest-dev/optest/conformance/internal/rules"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// Version is that of the report's format, as major.minor.
const Version = "1.0"

// Input is what a run knows at its end.
type Input struct {
	// Tool writes the report, such as `optest v1.2.0`.
	Tool string
	Time time.Time
	// Env is what the rules were told. Its header says where the events come from.
	Env            *rules.Env
	Implementation *optestv1.ConformanceReport_Implementation
	Driver         optestv1.ConformanceReport_Driver
	// Protocols are those that were spoken.
	Protocols []string

	// Outcomes are of rules of the table, each once. A rule that has none was left
	// out of the run.
	Outcomes []Outcome
	// Calls are those that were judged, as far as they are kept: a replay begins with
	// the call that has started the operation.
	Calls []*trace.Event
	// Events counts those that were judged, Forgotten the operations that the checker
	// has made room of.
	Events, Forgotten int

	// NoVerdict says why the server could not be judged at all, empty if it was.
	NoVerdict string
	// CutShort says why the run has ended early, empty if it has not.
	CutShort string
	// Limits are what else a reader of the verdict has to know, such as protocols
	// that the server does not speak.
	Limits []string

	// Used is nil for a run that asked the server nothing.
	Used  *optestv1.ConformanceReport_Used
	Drift []*optestv1.ConformanceReport_Drift
}

// Outcome is a rule's result with what else is known of it.
type Outcome struct {
	rules.Result
	// Why the rule was not exercised, if that is known.
	Why string
	// Found are the findings with how to see them again. Nil: those of the result.
	Found []Found
	// Sensitivity is nil where it was not measured.
	Sensitivity *rules.Sensitivity
}

// Found is a finding with how to see it again.
type Found struct {
	rules.Finding
	// Shortest is the shortest trace that shows the finding, nil if that is not known.
	Shortest []*trace.Event
	// Note is what else there is to say of how to see it again.
	Note string
}

// found are the findings of an outcome, the worst first.
func (o *Outcome) found() []Found {
	list := o.Found
	if list == nil {
		for _, f := range o.Findings {
			list = append(list, Found{Finding: f})
		}
	}
	return worstFirst(list)
}

// New makes the report of a run. The input stays as it is.
func New(in Input) *optestv1.ConformanceReport { return newReport(in, rules.All()) }

func newReport(in Input, table []*rules.Rule) *optestv1.ConformanceReport {
	env := in.Env
	if env == nil {
		env = &rules.Env{}
	}
	header := env.Header
	rep := &optestv1.ConformanceReport{
		Version:        Version,
		Tool:           in.Tool,
		Time:           timestamppb.New(in.Time),
		Reason:         plain(in.NoVerdict),
		CutShort:       plain(in.CutShort),
		Implementation: in.Implementation,
		Target:         plain(header.GetTarget()),
		Driver:         in.Driver,
		Contract:       contracts[env.Contract],
		ContractDigest: header.GetContract(),
		Profile:        profile(env),
		Protocols:      plainly(in.Protocols),
		Seed:           header.GetSeed(),
		Counts:         &optestv1.ConformanceReport_Counts{Events: uint64(max(0, in.Events)), OperationsForgotten: uint64(max(0, in.Forgotten))},
		Used:           proto.CloneOf(in.Used),
		Stalls:         gaps(env.Untimed),
		Drift:          in.Drift,
	}
	rep.Limits = plainly(in.Limits)
	if rep.Used != nil {
		rep.Used.LeftBehind = plainly(rep.Used.LeftBehind)
	}
	if in.Time.IsZero() {
		rep.Time = nil
	}
	outcomes := make(map[string]*Outcome, len(in.Outcomes))
	for i := range in.Outcomes {
		outcomes[in.Outcomes[i].Rule.ID] = &in.Outcomes[i]
	}
	w := witness{left: maxEvidence, replayer: newReplayer(header, in.Calls)}
	for _, rule := range table {
		o, ok := outcomes[rule.ID]
		if !ok {
			o = &Outcome{Result: rules.Result{Rule: rule, Verdict: rules.NotApplicable, Reason: "it was left out of this run"}}
		}
		rep.Rules = append(rep.Rules, o.message(&w))
	}
	settle(rep)
	return rep
}

// contracts are the last sources that count, by name.
var contracts = map[rules.Level]string{rules.Seed: "seed", rules.Proto: "proto", rules.Guide: "guide"}

func profile(env *rules.Env) string {
	if env.Eventual() {
		return "eventual (" + env.Window.String() + ")"
	}
	return "strong"
}

var (
	levels = map[rules.Level]optestv1.RuleResult_Level{
		rules.Seed: optestv1.RuleResult_SEED, rules.Proto: optestv1.RuleResult_PROTO, rules.Guide: optestv1.RuleResult_GUIDE,
		rules.Implied: optestv1.RuleResult_IMPLIED, rules.Practice: optestv1.RuleResult_PRACTICE,
	}
	verdicts = map[rules.Verdict]optestv1.RuleResult_Verdict{
		rules.Pass: optestv1.RuleResult_PASS, rules.Warned: optestv1.RuleResult_WARNING, rules.Fail: optestv1.RuleResult_FAIL,
		rules.Inconclusive: optestv1.RuleResult_INCONCLUSIVE, rules.NotExercised: optestv1.RuleResult_NOT_EXERCISED,
		rules.NotApplicable: optestv1.RuleResult_NOT_APPLICABLE,
	}
)

func (o *Outcome) message(w *witness) *optestv1.RuleResult {
	m := &optestv1.RuleResult{
		Id: o.Rule.ID, Title: o.Rule.Title, Core: o.Rule.Core, Level: levels[o.Rule.Level],
		Quote: o.Rule.Quote, Source: o.Rule.Source, Exercise: o.Rule.Exercise, Guard: o.Rule.Guard,
		Verdict: verdicts[o.Verdict], Reason: plain(o.Reason),
		Exercised: uint32(max(0, o.Exercised)), ExercisedMore: o.More,
		Errors: uint64(max(0, o.Errors)), Warnings: uint64(max(0, o.Warnings)),
	}
	if o.Verdict == rules.NotExercised && o.Why != "" {
		m.Reason = plain(o.Why)
	}
	if s := o.Sensitivity; s != nil {
		m.Sensitivity = &optestv1.RuleResult_Sensitivity{Noticed: uint32(s.Noticed), Places: uint32(s.Places)}
		for _, where := range s.Missed {
			m.Sensitivity.Missed = append(m.Sensitivity.Missed, plain(where))
		}
	}
	for _, f := range o.found() {
		m.Violations = append(m.Violations, w.violation(f))
	}
	return m
}
