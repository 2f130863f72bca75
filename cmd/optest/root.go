package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/optest-dev/optest/cmd/optest/internal/exit"
)

func newRoot() *cobra.Command {
	root := group(&cobra.Command{
		Use:   "optest",
		Short: "Mock and test long-running operations",
		Long: `optest plays the life of long-running operations to real clients: successes
that take a day, failures that show before they are final, cancels that come
too late, and servers that break their contract.

A request chooses its life by name: copy the image of the desktop
"quota-exceeded", and the operation fails with RESOURCE_EXHAUSTED.

A server is judged by its own traffic or by that of others: check, verify, proxy.

It ends with 0 if all is well, 1 if something was found or failed while
running, 2 if the command line can't be meant as it is, and 3 if a judged server
breaks nothing and not all is known of it.`,
		Example: `  # see what it does
  optest demo

  # serve gRPC, gRPC-Web, Connect and REST on one port
  optest serve

  # run a command against a server that lives as long as the command
  optest exec -- go test ./...`,
		SilenceErrors: true,
		SilenceUsage:  true,
	})
	others := root.RunE
	root.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return others(cmd, args)
		}
		// Who does not know the commands is told, and a script without one stops.
		cmd.SetOut(cmd.ErrOrStderr())
		return errors.Join(cmd.Help(), exit.Silently(exit.Usage))
	}
	root.SetFlagErrorFunc(flagError)
	root.SetUsageTemplate(usageTemplate)
	root.SetHelpCommand(newHelp())
	root.AddCommand(newServe(), newExec(), newScenarios(), newJournal(), newCheck(), newVerify(), newProxy(), newRules(), newDemo(), newVersion())
	addCompletion(root)
	return root
}

// newHelp is `optest help COMMAND`, the same as `optest COMMAND --help`.
func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND...]",
		Short: "Explain a command",
		Example: `  optest help serve
  optest help scenarios lint`,
		RunE: func(cmd *cobra.Command, args []string) error {
			about := cmd.Root()
			for _, name := range args {
				next := subcommand(about, name)
				if next == nil {
					return about.RunE(about, []string{name})
				}
				about = next
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		},
		ValidArgsFunction: completeCommands,
	}
}

func subcommand(parent *cobra.Command, name string) *cobra.Command {
	for _, c := range parent.Commands() {
		if c.Name() == name {
			return c
		}
	}
	return nil
}

// usageTemplate is for terminals of 80 columns.
const usageTemplate = `Usage:{{if .HasAvailableSubCommands}}
  {{.CommandPath}} COMMAND{{else}}
  {{.UseLine}}{{end}}{{if .HasExample}}

Examples:
{{.Example}}{{end}}{{if .HasAvailableSubCommands}}

Commands:{{range .Commands}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{end}}{{if .HasAvailableLocalFlags}}

Flags:
{{.LocalFlags.FlagUsagesWrapped 80 | trimTrailingWhitespaces}}{{end}}{{if .HasAvailableSubCommands}}

Run '{{.CommandPath}} COMMAND --help' for more about a command.{{end}}
`
