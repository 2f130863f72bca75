package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/optest-dev/optest/cmd/optest/internal/exit"
	"github.com/optest-dev/optest/cmd/optest/internal/judging"
	"github.com/optest-dev/optest/cmd/optest/internal/terminal"
	"github.com/optest-dev/optest/cmd/optest/internal/timeline"
	"github.com/optest-dev/optest/conformance"
	"github.com/optest-dev/optest/fixtures"
)

// explained is a rule for programs. The JSON names are stable.
type explained struct {
	ID       string `json:"id"`
	Title    string `json:"title"`
	Core     bool   `json:"core"`
	Level    string `json:"level"`
	Quote    string `json:"quote"`
	Source   string `json:"source"`
	Exercise string `json:"exercise"`
	Guard    string `json:"guard"`
	// Broken are the names of scenarios that break it.
	Broken []string `json:"broken_by"`
}

func newRules() *cobra.Command {
	format := formats()
	cmd := &cobra.Command{
		Use:   "rules [RULE...] [flags]",
		Short: "Explain the rules that servers are judged by",
		Long: `List the rules of the contract, or explain those that are named: the sentence that
a rule stands on and where it stands, how much it binds, the traffic that
exercises the rule, why it accuses no healthy server, and the built-in scenarios
that break it.

A breach of a rule that is documented, in the protos, in the guide or implied by
the schema is an error; one of practice is a warning. Core rules, marked with *,
make a server CONFORMANT.`,
		Example: `  optest rules
  optest rules LRO-08
  optest rules 'CXL-*' --format json | jq -r '.[].quote'`,
		RunE: func(cmd *cobra.Command, patterns []string) error {
			rules, err := judging.Choose(patterns)
			if err != nil {
				return exit.Misuse(err)
			}
			out := terminal.New(cmd.OutOrStdout(), os.Getenv)
			switch {
			case format.Value == formatJSON:
				return printJSON(out, explain(rules))
			case len(patterns) == 0:
				return printRules(out, rules)
			}
			return printExplained(out, explain(rules))
		},
		ValidArgsFunction: judging.CompleteRules,
	}
	addFormat(cmd, format)
	return cmd
}

func explain(rules []conformance.Rule) []explained {
	broken := map[string][]string{}
	for s := range fixtures.All() {
		for _, id := range s.GetViolates() {
			broken[id] = append(broken[id], s.GetName())
		}
	}
	list := make([]explained, len(rules))
	for i, r := range rules {
		list[i] = explained{
			ID: r.ID, Title: r.Title, Core: r.Core, Level: r.Level, Quote: r.Quote, Source: r.Source,
			Exercise: r.Exercise, Guard: r.Guard, Broken: slices.Sorted(slices.Values(broken[r.ID])),
		}
		if list[i].Broken == nil {
			list[i].Broken = []string{}
		}
	}
	return list
}

func printRules(out terminal.Output, rules []conformance.Rule) error {
	if _, err := fmt.Fprintln(out, out.Paint(terminal.Bold, "RULE     BINDS       TITLE")); err != nil {
		return err
	}
	for _, r := range rules {
		mark := " "
		if r.Core {
			mark = "*"
		}
		if _, err := fmt.Fprintln(out, terminal.Cut(fmt.Sprintf("%-7s%s %-11s %s", r.ID, mark, r.Level, r.Title), out.Width())); err != nil {
			return err
		}
	}
	return nil
}

func printExplained(out terminal.Output, rules []explained) error {
	columns := 96
	if out.Width() > 0 {
		columns = max(40, min(columns, out.Width())-len("  "))
	}
	for i, r := range rules {
		var b strings.Builder
		if i > 0 {
			b.WriteByte('\n')
		}
		core := ""
		if r.Core {
			core = ", core"
		}
		b.WriteString(out.Paint(terminal.Bold, r.ID+"  "+r.Title) + "\n")
		for _, part := range [][2]string{
			{"", "“" + r.Quote + "”"},
			{"", r.Source + "; " + r.Level + core},
			{"exercised by  ", r.Exercise},
			{"fair because  ", r.Guard},
			{"broken by     ", strings.Join(r.Broken, ", ")},
		} {
			if part[1] == "" {
				continue
			}
			for j, line := range timeline.Wrap(part[1], columns-len(part[0])) {
				lead := part[0]
				if j > 0 {
					lead = strings.Repeat(" ", len(lead))
				}
				b.WriteString("  " + lead + line + "\n")
			}
		}
		if _, err := fmt.Fprint(out, b.String()); err != nil {
			return err
		}
	}
	return nil
}
