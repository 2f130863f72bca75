package main

import (
	"github.com/spf13/cobra"

	"github.com/optest-dev/optest/fixtures"
)

func newSchema() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Write the JSON Schema of scenario files",
		Long: `Write the JSON Schema (draft 2020-12) of scenario files, with which editors
complete fields and underline mistakes. It is about the form of a file: what a
scenario comes to is for "optest scenarios lint" to say.

Editors with the YAML language server look for it in the file's first line:

  # yaml-language-server: $schema=scenario.schema.json`,
		Example: `  optest scenarios schema > scenario.schema.json`,
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := cmd.OutOrStdout().Write(fixtures.Schema())
			return err
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
}
