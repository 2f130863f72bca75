package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/optest-dev/optest/cmd/optest/internal/catalogue"
	"github.com/optest-dev/optest/cmd/optest/internal/flagvalue"
	"github.com/optest-dev/optest/cmd/optest/internal/terminal"
	"github.com/optest-dev/optest/cmd/optest/internal/timeline"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

const formatTimeline = "timeline"

func newShow() *cobra.Command {
	var paths []string
	format := &flagvalue.Choice{Value: formatText, Allowed: []string{formatText, formatTimeline, formatYAML, formatJSON}}
	cmd := &cobra.Command{
		Use:   "show NAME [flags]",
		Short: "Show a scenario",
		Long: `Draw the life of a scenario, and below it print it as it is written, comments
included. The drawing is a comment, so that all of it is a scenario file and a
good start for one of your own.

The drawing says when which step comes and what the operation shows from then
on, what goes wrong (✗) on which calls, what Cancel does, and what a right
client concludes. Terminals that are not UTF-8 get it in ASCII.

  text      the drawing and the file
  timeline  the drawing alone
  yaml      the file alone
  json      the message optest.v1.Scenario`,
		Example: `  optest scenarios show early-error
  optest scenarios show early-error --format yaml > my-error.yaml
  optest scenarios show mine --scenarios testdata/scenarios --format json`,
		Args: oneArgument("the name of a scenario"),
		RunE: func(cmd *cobra.Command, args []string) error {
			all, err := catalogue.Open(paths)
			if err != nil {
				return err
			}
			return show(terminal.New(cmd.OutOrStdout(), os.Getenv), all, args[0], format.Value)
		},
		ValidArgsFunction: completeOne(completeScenarios(&paths)),
	}
	addScenarios(cmd, &paths)
	addFormat(cmd, format)
	return cmd
}

func show(out terminal.Output, all *catalogue.Catalogue, name, format string) error {
	s, err := all.Find(name)
	if err != nil {
		return err
	}
	switch format {
	case formatJSON:
		text, err := indented(s)
		if err != nil {
			return err
		}
		_, err = out.Write(text)
		return err
	case formatTimeline:
		return drawn(out, s)
	}
	source, err := all.Source(name)
	if err != nil {
		return err
	}
	if format == formatText {
		if err := commented(out, s); err != nil {
			return err
		}
		source = bytes.TrimPrefix(source, []byte("\uFEFF")) // it may only begin a file
	}
	_, err = out.Write(source)
	return err
}

// drawn draws the scenario under a heading.
func drawn(out terminal.Output, s *optestv1.Scenario) error {
	width, signs := cmp.Or(out.Width(), timeline.Widest), signsFor(out)
	lines := slices.Concat(timeline.Heading(s, width, signs), []timeline.Line{nil}, timeline.Draw(s, width, signs))
	for _, line := range lines {
		if err := paint(out, line); err != nil {
			return err
		}
	}
	return nil
}

// commented draws the scenario as a YAML comment, and an empty line.
func commented(out terminal.Output, s *optestv1.Scenario) error {
	const mark = "#"
	width := cmp.Or(out.Width(), timeline.Widest+len(mark+" ")) - len(mark+" ")
	for _, line := range timeline.Draw(s, width, signsFor(out)) {
		before := timeline.Span{Style: terminal.Dim, Text: mark}
		if len(line) > 0 {
			before.Text += " "
		}
		if err := paint(out, slices.Concat(timeline.Line{before}, line)); err != nil {
			return err
		}
	}
	_, err := io.WriteString(out, "\n")
	return err
}

func signsFor(out terminal.Output) timeline.Signs {
	if out.ASCII {
		return timeline.ASCII
	}
	return timeline.Unicode
}

func paint(out terminal.Output, line timeline.Line) error {
	var b bytes.Buffer
	for _, span := range line {
		b.WriteString(out.Paint(span.Style, span.Text))
	}
	_, err := fmt.Fprintln(out, b.String())
	return err
}

// indented is the message as JSON. Protojson varies its spaces on purpose, so
// they are made anew.
func indented(s *optestv1.Scenario) ([]byte, error) {
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(s)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil {
		return nil, err
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}
