package main

import (
	"bytes"
	"encoding/json"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/optest-dev/optest/cmd/optest/internal/catalogue"
	"github.com/optest-dev/optest/cmd/optest/internal/flagvalue"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

func newShow() *cobra.Command {
	var paths []string
	format := &flagvalue.Choice{Value: formatYAML, Allowed: []string{formatYAML, formatJSON}}
	cmd := &cobra.Command{
		Use:   "show NAME [flags]",
		Short: "Show a scenario",
		Long: `Print a scenario as it is written, comments included: a good start for one of
your own. As JSON it is the message optest.v1.Scenario.`,
		Example: `  optest scenarios show early-error
  optest scenarios show early-error > my-error.yaml
  optest scenarios show mine --scenarios testdata/scenarios --format json`,
		Args: oneArgument("the name of a scenario"),
		RunE: func(cmd *cobra.Command, args []string) error {
			all, err := catalogue.Open(paths)
			if err != nil {
				return err
			}
			text, err := source(all, args[0], format.Value)
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
		ValidArgsFunction: completeOne(completeScenarios(&paths)),
	}
	addScenarios(cmd, &paths)
	addFormat(cmd, format)
	return cmd
}

func source(all *catalogue.Catalogue, name, format string) ([]byte, error) {
	if format == formatYAML {
		return all.Source(name)
	}
	s, err := all.Find(name)
	if err != nil {
		return nil, err
	}
	return indented(s)
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
