package main

import (
	"cmp"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/optest-dev/optest/cmd/optest/internal/catalogue"
	"github.com/optest-dev/optest/cmd/optest/internal/outline"
	"github.com/optest-dev/optest/cmd/optest/internal/terminal"
)

// listed is a scenario in the list. The JSON names are stable.
type listed struct {
	Name    string `json:"name"`
	Life    string `json:"life"`
	Outcome string `json:"outcome"`
	Summary string `json:"summary"`
	// Violates are the ids of the contract's rules that it breaks.
	Violates []string `json:"violates"`
	BuiltIn  bool     `json:"built_in"`
}

func newList() *cobra.Command {
	var paths []string
	format := formats()
	cmd := &cobra.Command{
		Use:   "list [flags]",
		Short: "List scenarios",
		Long: `List the scenarios by name: the life that each plays, what a right client
concludes from it, and a summary.

On a terminal summaries are cut to its width, and left out where it has no room
for them; in pipes and as JSON they are whole.`,
		Example: `  optest scenarios list
  optest scenarios list --format json | jq -r '.[].name'
  optest scenarios list --scenarios testdata/scenarios`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := catalogue.Open(paths)
			if err != nil {
				return err
			}
			list, err := listAll(all)
			if err != nil {
				return err
			}
			if format.Value == formatJSON {
				return printJSON(cmd.OutOrStdout(), list)
			}
			return printTable(terminal.New(cmd.OutOrStdout(), os.Getenv), list)
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	addScenarios(cmd, &paths)
	addFormat(cmd, format)
	return cmd
}

func listAll(all *catalogue.Catalogue) ([]listed, error) {
	list := []listed{}
	for _, name := range all.Names() {
		s, err := all.Find(name)
		if err != nil {
			return nil, err
		}
		list = append(list, listed{
			Name:     name,
			Life:     outline.Life(s),
			Outcome:  outline.Outcome(s),
			Summary:  s.GetSummary(),
			Violates: append([]string{}, s.GetViolates()...),
			BuiltIn:  all.BuiltIn(name),
		})
	}
	return list, nil
}

// leastSummary is the fewest columns in which a summary says something.
const leastSummary = 30

func printTable(out terminal.Output, list []listed) error {
	rows := [][4]string{{"NAME", "LIFE", "OUTCOME", "SUMMARY"}}
	for _, s := range list {
		rows = append(rows, [4]string{s.Name, s.Life, cmp.Or(s.Outcome, "-"), terminal.Plain(s.Summary)})
	}
	var widths [3]int
	for _, row := range rows {
		for i := range widths {
			widths[i] = max(widths[i], len(row[i]))
		}
	}
	const gaps = 3 * len("  ")
	room := out.Width() - widths[0] - widths[1] - widths[2] - gaps
	for i, row := range rows {
		if out.Width() > 0 && room < leastSummary {
			row[3] = ""
		}
		line := fmt.Sprintf("%-*s  %-*s  %-*s  %s", widths[0], row[0], widths[1], row[1], widths[2], row[2], row[3])
		line = terminal.Cut(strings.TrimRight(line, " "), out.Width())
		if i == 0 {
			line = out.Paint(terminal.Bold, line)
		}
		if _, err := fmt.Fprintln(out, line); err != nil {
			return err
		}
	}
	return nil
}
