package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/optest-dev/optest/cmd/optest/internal/exit"
	"github.com/optest-dev/optest/cmd/optest/internal/judging"
	"github.com/optest-dev/optest/conformance"
)

func newVerify() *cobra.Command {
	settings := &judging.Settings{}
	own := false
	cmd := &cobra.Command{
		Use:   "verify FILE...",
		Short: "Judge a server by calls that were recorded",
		Long: `Hold recorded calls against the rules of the contract: a trace of optest, also
compressed (.gz), such as one that serve, exec, proxy or a hook in a client has
written, or a binary log of gRPC. Nothing is sent to anybody.

What the observer did not see, such as frames in a log of messages, is NOT
APPLICABLE; what no call was about is NOT EXERCISED, with the calls that would
be. Neither is a pass.

It ends with 0 for a conformant server, 1 where a rule is broken or a waiver has
to go, 2 for a wrong command line, and 3 where nothing is broken and not all is
known.`,
		Example: `  optest serve --journal-out calls.jsonl
  optest verify calls.jsonl

  # as a page with a picture of the calls
  optest verify --format html calls.jsonl > report.html

  # which rules would have noticed?
  optest verify --sensitivity calls.jsonl`,
		Args: someArguments("FILE"),
		RunE: func(cmd *cobra.Command, files []string) error {
			opts := append(settings.Options(), conformance.About(conformance.Target{Folder: settings.Folder, Desktops: settings.Desktops}))
			if own {
				opts = append(opts, conformance.OwnFolder())
			}
			reports, err := conformance.VerifyFiles(files, opts...)
			if err != nil && len(reports) == 0 {
				return exit.Misuse(err)
			}
			if told := settings.Tell(cmd.OutOrStdout(), os.Getenv, reports...); err == nil {
				return told
			}
			return err
		},
	}
	cmd.Flags().SortFlags = false
	settings.Flags(cmd.Flags())
	cmd.Flags().BoolVar(&own, "own-folder", false, "nobody but those who were recorded has written to the folder")
	settings.Complete(func(name string, f cobra.CompletionFunc) { completeFlag(cmd, name, f) })
	return cmd
}
