package main

import (
	"encoding/json"
	"io"

	"github.com/spf13/cobra"

	"github.com/optest-dev/optest/cmd/optest/internal/flagvalue"
)

const (
	formatText = "text"
	formatYAML = "yaml"
	formatJSON = "json"
)

// formats is for people by default, and for programs with --format json.
func formats() *flagvalue.Choice {
	return &flagvalue.Choice{Value: formatText, Allowed: []string{formatText, formatJSON}}
}

func addFormat(cmd *cobra.Command, format *flagvalue.Choice) {
	cmd.Flags().Var(format, "format", "how to write the result")
	completeFlag(cmd, "format", cobra.FixedCompletions(format.Allowed, cobra.ShellCompDirectiveNoFileComp))
}

func printJSON[T any](w io.Writer, value T) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}
