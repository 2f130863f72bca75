package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/optest-dev/optest/cmd/optest/internal/exit"
	"github.com/optest-dev/optest/fixtures/scenariofile"
)

// run is the program. It returns the code to end with.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot()
	// Cobra takes the process's own arguments for nil.
	root.SetArgs(append([]string{}, args...))
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	report(stderr, cmd, err)
	return exit.Of(err)
}

// report tells the user what is wrong. There is no one to tell if that fails.
func report(stderr io.Writer, cmd *cobra.Command, err error) {
	if err == nil || err.Error() == "" {
		return
	}
	var inFiles scenariofile.Errors
	if errors.As(err, &inFiles) {
		// Each of its lines begins with a file and a line, for editors to follow.
		_, _ = fmt.Fprintf(stderr, "%v\noptest: %s in the scenario files, want none\n", inFiles, counted(len(inFiles), "problem"))
		return
	}
	_, _ = fmt.Fprintf(stderr, "optest: %s\n", strings.TrimPrefix(err.Error(), "optest: "))
	if exit.Of(err) == exit.Usage {
		_, _ = fmt.Fprintf(stderr, "Run '%s --help' for how to use it.\n", explains(cmd, err))
	}
}

// counted is "1 problem", "2 problems".
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
