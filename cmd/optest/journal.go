package main

import (
	"iter"

	"github.com/spf13/cobra"

	"github.com/optest-dev/optest/trace"
)

func newJournal() *cobra.Command {
	return &cobra.Command{
		Use:   "journal FILE...",
		Short: "Show recorded calls as a table",
		Long: `Show the calls in a file as a table: one that serve or exec has written
(--journal-out), any other trace of optest, also compressed (.gz), or a binary
log of gRPC.

A file that ends in the middle, because its program was stopped, is shown up to
there, with an error and 1 as the exit code.`,
		Example: `  optest serve --journal-out calls.jsonl
  optest journal calls.jsonl`,
		Args: someArguments("FILE"),
		RunE: func(cmd *cobra.Command, files []string) error {
			for _, file := range files {
				traces, err := trace.Load(file, trace.NewRedactor())
				for _, t := range traces {
					if e := trace.WriteTable(cmd.OutOrStdout(), events(t)); e != nil {
						return e
					}
				}
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func events(t *trace.Trace) iter.Seq2[*trace.Event, error] {
	return func(yield func(*trace.Event, error) bool) {
		for _, e := range t.Events {
			if !yield(e, nil) {
				return
			}
		}
	}
}
