package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/optest-dev/optest/cmd/optest/internal/exit"
	"github.com/optest-dev/optest/cmd/optest/internal/lint"
	"github.com/optest-dev/optest/fixtures/scenariofile"
)

// verdict is what lint finds. The JSON names are stable.
type verdict struct {
	Files     int       `json:"files"`
	Scenarios int       `json:"scenarios"` // 0 with errors
	Findings  []finding `json:"findings"`
}

type finding struct {
	File     string   `json:"file"`
	Line     int      `json:"line"`   // 0: the file as a whole
	Column   int      `json:"column"` // in characters
	Severity severity `json:"severity"`
	Field    string   `json:"field"`
	Message  string   `json:"message"`
}

// severity is how bad a finding is.
type severity string

const (
	isError   severity = "error"   // the file can't be played
	isWarning severity = "warning" // it can, and is likely not what was meant
)

func newLint() *cobra.Command {
	format := formats()
	var strict bool
	cmd := &cobra.Command{
		Use:   "lint PATH... [flags]",
		Short: "Check scenario files",
		Long: `Check files, and the *.yaml and *.yml files of directories and of those below,
and print everything that is wrong with them as FILE:LINE:COLUMN: MESSAGE.

What can be played and is likely a mistake is a warning: a step that is never
reached or changes nothing, a fault that never fires or has no effect, an
"expect" that the timeline contradicts, "violates" where nothing breaks the
contract.

It ends with 0 if all are right, warnings or not, 1 if one is not, and 2 for a
wrong command line. With --strict a warning is 1 as well.`,
		Example: `  optest scenarios lint testdata/scenarios
  optest scenarios lint --strict testdata/scenarios
  optest scenarios lint mine.yaml --format json`,
		Args: someArguments("files or directories"),
		RunE: func(cmd *cobra.Command, args []string) error {
			v, err := check(args)
			if err != nil {
				return err
			}
			if err := v.print(cmd.OutOrStdout(), format.Value); err != nil {
				return err
			}
			if v.count(isError) > 0 || strict && v.count(isWarning) > 0 {
				return exit.Silently(exit.Failure)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&strict, "strict", false, "end with 1 for warnings, too")
	addFormat(cmd, format)
	return cmd
}

// check reads the files. Warnings are given for the scenarios with which nothing
// is wrong, whatever is with others.
func check(paths []string) (verdict, error) {
	v := verdict{Findings: []finding{}}
	documents, err := scenariofile.LoadDocuments(paths...)
	var found scenariofile.Errors
	if err != nil && !errors.As(err, &found) {
		return v, err
	}
	for _, e := range found {
		v.Findings = append(v.Findings, finding{e.File, e.Line, e.Column, isError, e.Field, e.Message})
	}
	for _, d := range documents {
		v.Findings = append(v.Findings, warnings(d)...)
	}
	if len(found) == 0 {
		v.Scenarios = len(documents)
	}
	// What can't be listed is among the findings already.
	files, _ := scenariofile.Files(paths...)
	v.Files = len(files)
	return v, nil
}

// warnings are those about a document, by place.
func warnings(d scenariofile.Document) []finding {
	var list []finding
	for _, p := range lint.Scenario(d.Scenario) {
		line, column := d.Place(p.Path)
		list = append(list, finding{d.File, line, column, isWarning, p.Path, p.Message})
	}
	slices.SortStableFunc(list, func(a, b finding) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return list
}

func (v verdict) count(s severity) int {
	n := 0
	for _, f := range v.Findings {
		if f.Severity == s {
			n++
		}
	}
	return n
}

func (v verdict) print(w io.Writer, format string) error {
	if format == formatJSON {
		return printJSON(w, v)
	}
	for _, f := range v.Findings {
		e := scenariofile.Error{File: f.File, Line: f.Line, Column: f.Column, Field: f.Field, Message: f.Message}
		if f.Severity == isWarning {
			e.Field, e.Message = "", string(isWarning)+": "+f.Field+": "+f.Message
		}
		if _, err := fmt.Fprintln(w, e.Error()); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(w, v.summary())
	return err
}

func (v verdict) summary() string {
	files, warnings := counted(v.Files, "file"), ""
	if n := v.count(isWarning); n > 0 {
		warnings = ", " + counted(n, "warning")
	}
	switch n := v.count(isError); {
	case n > 0:
		return fmt.Sprintf("%s in %s%s", counted(n, "problem"), files, warnings)
	case v.Scenarios == 1:
		return fmt.Sprintf("1 scenario in %s is right%s", files, warnings)
	}
	return fmt.Sprintf("%d scenarios in %s are right%s", v.Scenarios, files, warnings)
}
