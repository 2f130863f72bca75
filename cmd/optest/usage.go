package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/optest-dev/optest/cmd/optest/internal/exit"
	"github.com/optest-dev/optest/cmd/optest/internal/suggest"
)

// misused is an error that the help of cmd explains.
func misused(cmd *cobra.Command, format string, args ...any) error {
	return exit.Misuse(&misuse{cmd.CommandPath(), fmt.Errorf(format, args...)})
}

type misuse struct {
	path string // of the command
	err  error
}

func (e *misuse) Error() string { return e.err.Error() }
func (e *misuse) Unwrap() error { return e.err }

// explains is the command whose help explains the error: that which was run,
// unless the error says another.
func explains(cmd *cobra.Command, err error) string {
	var m *misuse
	if errors.As(err, &m) {
		return m.path
	}
	return cmd.CommandPath()
}

// flagError says what is wrong with a flag in the program's own words.
func flagError(cmd *cobra.Command, err error) error {
	var (
		strange *pflag.NotExistError
		invalid *pflag.InvalidValueError
		bare    *pflag.ValueRequiredError
	)
	switch {
	case errors.As(err, &strange) && strange.GetSpecifiedShortnames() != "":
		return misused(cmd, "unknown flag -%s", strange.GetSpecifiedName())
	case errors.As(err, &strange):
		name := strange.GetSpecifiedName()
		return misused(cmd, "%s", unknown("unknown flag --"+name, name, "--", flagNames(cmd)))
	case errors.As(err, &invalid) && invalid.GetFlag().Value.Type() == "bool":
		return misused(cmd, "--%s %q, want true or false", invalid.GetFlag().Name, invalid.GetValue())
	case errors.As(err, &invalid):
		return misused(cmd, "--%s %q, %w", invalid.GetFlag().Name, invalid.GetValue(), invalid.Unwrap())
	case errors.As(err, &bare):
		return misused(cmd, "--%s without a value, want %s", bare.GetFlag().Name, valueName(bare.GetFlag()))
	}
	return misused(cmd, "%w", err)
}

// valueName is what help calls a flag's value.
func valueName(f *pflag.Flag) string {
	name, _ := pflag.UnquoteUsage(f)
	return name
}

func flagNames(cmd *cobra.Command) []string {
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	return names
}

// unknown is a message about a name that is none of those.
func unknown(what, name, prefix string, names []string) string {
	if meant := suggest.Meant(name, prefix, names); meant != "" {
		return what + ", " + meant
	}
	return what
}

// group makes a command that only holds others: it can't be run itself.
func group(cmd *cobra.Command) *cobra.Command {
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var names []string
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				names = append(names, c.Name())
			}
		}
		if len(args) == 0 {
			return misused(cmd, "no command, want %s", suggest.Or(names))
		}
		path := strings.TrimPrefix(cmd.CommandPath()+" "+args[0], cmd.Root().Name()+" ")
		return misused(cmd, "%s", unknown(fmt.Sprintf("unknown command %q", path), args[0], "", names))
	}
	return cmd
}

// noArguments is for commands that have flags only.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return misused(cmd, "argument %q, want none", args[0])
	}
	return nil
}

func oneArgument(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return misused(cmd, "%s, want one, %s", counted(len(args), "argument"), what)
		}
		return nil
	}
}

func someArguments(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return misused(cmd, "no arguments, want %s", what)
		}
		return nil
	}
}
