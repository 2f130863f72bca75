package main

import (
	"github.com/spf13/cobra"

	"github.com/optest-dev/optest/cmd/optest/internal/catalogue"
)

// addCompletion adds cobra's command that writes completion scripts.
func addCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	completion := subcommand(root, "completion")
	completion.Short = "Write a completion script for a shell"
	completion.Example = `  # for this session of bash
  source <(optest completion bash)`
	for _, shell := range completion.Commands() {
		shell.Short = "Write the completion script for " + shell.Name()
		shell.Args = noArguments
	}
	group(completion)
}

// completeScenarios completes the names of scenarios, those of the files that
// the command line names included.
func completeScenarios(paths *[]string) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		scenarios, err := catalogue.Open(*paths)
		if err != nil {
			// The files are wrong; the built-in names are still right.
			scenarios, err = catalogue.Open(nil)
		}
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		var names []cobra.Completion
		for _, name := range scenarios.Names() {
			s, err := scenarios.Find(name)
			if err != nil {
				continue
			}
			names = append(names, cobra.CompletionWithDesc(name, s.GetSummary()))
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

// completeOne completes the first argument only.
func completeOne(complete cobra.CompletionFunc) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, text string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return complete(cmd, args, text)
	}
}

// completeCommands completes the path of a command.
func completeCommands(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	parent := cmd.Root()
	for _, name := range args {
		if parent = subcommand(parent, name); parent == nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
	}
	var names []cobra.Completion
	for _, c := range parent.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, cobra.CompletionWithDesc(c.Name(), c.Short))
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeFlag registers a flag's completion. It panics for a flag that is not
// there, which is a mistake in the command.
func completeFlag(cmd *cobra.Command, name string, complete cobra.CompletionFunc) {
	if err := cmd.RegisterFlagCompletionFunc(name, complete); err != nil {
		panic(err)
	}
}
