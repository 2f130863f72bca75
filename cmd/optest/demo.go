package main

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/optest-dev/optest/cmd/optest/internal/demo"
	"github.com/optest-dev/optest/cmd/optest/internal/terminal"
)

func newDemo() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Show three lives of an operation in a few seconds",
		Long: `Start mock servers on free loopback ports, play a slow success, an early error
with its roll-back and an operation that is never done to a real gRPC client,
and show each of its polls: when by the server's clock, in what state and why.

On a terminal one line shows the polls of one state. With NO_COLOR or CI in the
environment, and in pipes, each poll is a line.`,
		Example: `  optest demo
  optest demo | cat`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return demo.Run(cmd.Context(), terminal.New(cmd.OutOrStdout(), os.Getenv), program(os.Args[0]))
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
}

// program is how the user can call the program again. What `go run` builds is
// gone by then.
func program(name string) string {
	if !strings.ContainsRune(name, filepath.Separator) || strings.Contains(name, "go-build") {
		return "optest"
	}
	return name
}
