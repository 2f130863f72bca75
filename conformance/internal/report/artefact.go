package report

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/optest-dev/optest/conformance/internal/rules"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// Save writes files for each violation that is shown into a directory, which it
// makes: the shortest trace that shows it, a Go test of that trace and a script
// that makes its calls again. The report, which is that of the input, then names
// them. Findings whose shortest trace is not known are looked for in the calls,
// which are those that were judged; nil has them left out.
func Save(dir string, rep *optestv1.ConformanceReport, in Input, calls []*trace.Event) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("optest: making a directory for artefacts: %w", err)
	}
	results := make(map[string]*optestv1.RuleResult, len(rep.GetRules()))
	for _, r := range rep.GetRules() {
		results[r.GetId()] = r
	}
	replayer := newReplayer(in.Env.Header, calls)
	for i := range in.Outcomes {
		o := &in.Outcomes[i]
		r := results[o.Rule.ID]
		found := o.found()
		for _, n := range replayer.view.distinct(r) {
			if n >= len(found) {
				break // the report is that of another run
			}
			if err := replayer.save(dir, in.Env, o.Rule, n+1, shortest(in.Env, o.Rule, found[n], calls), r.GetViolations()[n]); err != nil {
				return err
			}
		}
	}
	return nil
}

// shortest is the finding with its shortest trace, if there is one.
func shortest(env *rules.Env, rule *rules.Rule, f Found, events []*trace.Event) Found {
	if f.Shortest != nil || events == nil || rule.New == nil {
		return f
	}
	f.Shortest, f.Finding = rules.Reduced(env, rule, events, f.Finding)
	return f
}

// save writes the files of a rule's n-th finding.
func (r *replayer) save(dir string, env *rules.Env, rule *rules.Rule, n int, f Found, violation *optestv1.Violation) error {
	if len(f.Shortest) == 0 {
		return nil
	}
	name := fmt.Sprintf("%s-%d", rule.ID, n)
	again := violation.GetReproduction()
	if again == nil {
		again = &optestv1.Reproduction{}
		violation.Reproduction = again
	}
	again.Trace = name + ".jsonl"
	again.Script = name + ".sh"
	again.Test = strings.ToLower(strings.ReplaceAll(name, "-", "_")) + "_test.go"
	again.Events, again.Commands = uint32(len(f.Shortest)), r.commands(f.Shortest)

	recorded := &trace.Trace{Header: proto.CloneOf(env.Header), Events: byNumber(f.Shortest), Gaps: gaps(env.Untimed)}
	if recorded.Header == nil {
		recorded.Header = &optestv1.TraceHeader{}
	}
	recorded.Header.Profile = profile(env) // the test asks the trace for it
	if err := recorded.WriteFile(filepath.Join(dir, again.Trace)); err != nil {
		return err
	}
	source, err := testOf(env, rule, n, f.Finding, again.Trace)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, again.Test), source, 0o644); err != nil {
		return fmt.Errorf("optest: writing a test: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, again.Script), script(rule, f, again.Commands), 0o755); err != nil {
		return fmt.Errorf("optest: writing a script: %w", err)
	}
	return nil
}

// gaps are spans in which times say nothing.
func gaps(untimed []rules.Span) []*optestv1.Gap {
	var list []*optestv1.Gap
	for _, s := range untimed {
		list = append(list, &optestv1.Gap{Kind: optestv1.Gap_UNTIMED, From: durationpb.New(s.From), Until: durationpb.New(s.Until)})
	}
	return list
}

// script is a file of commands.
func script(rule *rules.Rule, f Found, commands []string) []byte {
	const width = 96
	lines := []string{"#!/usr/bin/env bash", "# " + rule.ID + ": " + plain(rule.Title), "#"}
	for _, l := range broken(plain(f.Text), width) {
		lines = append(lines, "# "+l)
	}
	all := strings.Join(commands, "\n")
	var tools []string
	for _, tool := range []string{"grpcurl", "curl", "jq"} {
		if strings.Contains(all, tool+" -") {
			tools = append(tools, tool)
		}
	}
	lines = append(lines, "#", "# SERVER and TOKEN can be other ones.",
		"# A call that is refused may be what is to be shown: the script goes on.", "set -u",
		"for tool in "+strings.Join(tools, " ")+"; do", `	command -v "$tool" >/dev/null || { echo "$0: want $tool on PATH" >&2; exit 127; }`, "done", "")
	return []byte(strings.Join(append(lines, commands...), "\n") + "\n")
}

// byCall are events in the order of their calls, byNumber in that of a file.
func byCall(events []*trace.Event) []*trace.Event {
	sorted := slices.Clone(events)
	slices.SortStableFunc(sorted, func(a, b *trace.Event) int { return int(min(max(a.Called-b.Called, -1), 1)) })
	return sorted
}

func byNumber(events []*trace.Event) []*trace.Event {
	sorted := slices.Clone(events)
	slices.SortStableFunc(sorted, func(a, b *trace.Event) int {
		return int(min(max(int64(a.Number)-int64(b.Number), -1), 1))
	})
	return sorted
}
