package main

import "github.com/spf13/cobra"

func newScenarios() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "scenarios",
		Short: "List, show and check scenarios",
		Long: `A scenario is one life of a long-running operation. Many are built in; files of
your own add others or, under the same name, take their place.`,
		Example: `  optest scenarios list
  optest scenarios show early-error
  optest scenarios lint testdata/scenarios`,
	})
	cmd.AddCommand(newList(), newShow(), newLint(), newSchema())
	return cmd
}

// addScenarios registers the flag for the user's files.
func addScenarios(cmd *cobra.Command, paths *[]string) {
	cmd.Flags().StringArrayVar(paths, "scenarios", nil, "`PATH` of a file or directory with scenarios of your own, on top of the built-in ones (repeatable)")
}
