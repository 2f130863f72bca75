package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/optest-dev/optest/cmd/optest/internal/exit"
	"github.com/optest-dev/optest/fixtures/scenariofile"
)

// verdict is what lint finds. The JSON names are stable.
type verdict struct {
	Files     int       `json:"files"`
	Scenarios int       `json:"scenarios"` // 0 with findings
	Findings  []finding `json:"findings"`
}

type finding struct {
	File    string `json:"file"`
	Line    int    `json:"line"`   // 0: the file as a whole
	Column  int    `json:"column"` // in characters
	Field   string `json:"field"`
	Message string `json:"message"`
}

func newLint() *cobra.Command {
	format := formats()
	cmd := &cobra.Command{
		Use:   "lint PATH... [flags]",
		Short: "Check scenario files",
		Long: `Check files, and the *.yaml and *.yml files of directories and of those below,
and print everything that is wrong with them as FILE:LINE:COLUMN: MESSAGE.

It ends with 0 if all are right, 1 if one is not, and 2 for a wrong command
line.`,
		Example: `  optest scenarios lint testdata/scenarios
  optest scenarios lint mine.yaml --format json`,
		Args: someArguments("files or directories"),
		RunE: func(cmd *cobra.Command, args []string) error {
			v, err := lint(args)
			if err != nil {
				return err
			}
			if err := v.print(cmd.OutOrStdout(), format.Value); err != nil {
				return err
			}
			if len(v.Findings) > 0 {
				return exit.Silently(exit.Failure)
			}
			return nil
		},
	}
	addFormat(cmd, format)
	return cmd
}

func lint(paths []string) (verdict, error) {
	v := verdict{Findings: []finding{}}
	scenarios, err := scenariofile.Load(paths...)
	var found scenariofile.Errors
	if err != nil && !errors.As(err, &found) {
		return v, err
	}
	v.Scenarios = len(scenarios)
	for _, e := range found {
		v.Findings = append(v.Findings, finding{e.File, e.Line, e.Column, e.Field, e.Message})
	}
	// What can't be listed is among the findings already.
	files, _ := scenariofile.Files(paths...)
	v.Files = len(files)
	return v, nil
}

func (v verdict) print(w io.Writer, format string) error {
	if format == formatJSON {
		return printJSON(w, v)
	}
	for _, f := range v.Findings {
		e := scenariofile.Error{File: f.File, Line: f.Line, Column: f.Column, Field: f.Field, Message: f.Message}
		if _, err := fmt.Fprintln(w, e.Error()); err != nil {
			return err
		}
	}
	files := counted(v.Files, "file")
	if n := len(v.Findings); n > 0 {
		_, err := fmt.Fprintf(w, "%s in %s\n", counted(n, "problem"), files)
		return err
	}
	if v.Scenarios == 1 {
		_, err := fmt.Fprintf(w, "1 scenario in %s is right\n", files)
		return err
	}
	_, err := fmt.Fprintf(w, "%d scenarios in %s are right\n", v.Scenarios, files)
	return err
}
