// Package judging is what the commands that give a verdict on a server have in
// common: what the server is held to, and how the verdict is told.
package judging

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/optest-dev/optest/cmd/optest/internal/exit"
	"github.com/optest-dev/optest/cmd/optest/internal/flagvalue"
	"github.com/optest-dev/optest/cmd/optest/internal/terminal"
	"github.com/optest-dev/optest/cmd/optest/internal/waivers"
	"github.com/optest-dev/optest/conformance"
)

// Settings are flags.
type Settings struct {
	Profile     Profile
	Contract    flagvalue.Choice
	Only        []string
	Require     flagvalue.Choice
	Waivers     string
	Sensitivity bool
	Format      flagvalue.Choice
	Out         string
	Desktops    conformance.Desktops
	Folder      string
}

// places is how often each rule is broken on purpose for its sensitivity.
const places = 20

// Flags adds the flags.
func (s *Settings) Flags(flags *pflag.FlagSet) {
	s.Contract = flagvalue.Choice{Value: "guide", Allowed: []string{"seed", "proto", "guide"}}
	s.Require = flagvalue.Choice{Value: "none", Allowed: []string{"none", "core"}}
	s.Format = flagvalue.Choice{Value: "text", Allowed: []string{"text", "json", "junit", "html"}}
	flags.StringVar(&s.Desktops.Succeeds, "desktop", "", "`ID` of a desktop whose copy succeeds")
	flags.StringVar(&s.Desktops.Fails, "desktop-fails", "", "`ID` of one whose copy fails at once")
	flags.StringVar(&s.Desktops.FailsLate, "desktop-fails-late", "", "`ID` of one whose copy shows an error before it is done")
	flags.StringVar(&s.Desktops.Absent, "desktop-absent", "", "`ID` of one that does not exist")
	flags.StringVar(&s.Folder, "folder", "", "`ID` of the folder in which images are made")
	flags.Var(&s.Profile, "profile", "what reads may miss: strong, or eventual and for how long (default strong on this machine, else eventual=5s)")
	flags.Var(&s.Contract, "contract", "last document that counts: the method's page, the proto files or the guide")
	flags.StringArrayVar(&s.Only, "only", nil, "`RULES` to judge by, such as OP-08 or 'LRO-*' (repeatable)")
	flags.Var(&s.Require, "require", "core: end with 1 if a core rule was not exercised")
	flags.StringVar(&s.Waivers, "waivers", "", "`FILE` of failures that are known, as YAML")
	flags.BoolVar(&s.Sensitivity, "sensitivity", false, "break the calls that were seen on purpose, and tell which rules notice")
	flags.Var(&s.Format, "format", "how to tell the verdict")
	flags.StringVar(&s.Out, "out", "", "`DIR` for all formats, the trace, and files to see each violation again")
}

// Complete adds the completions of the flags.
func (s *Settings) Complete(complete func(name string, f cobra.CompletionFunc)) {
	words := func(list ...string) cobra.CompletionFunc {
		return cobra.FixedCompletions(list, cobra.ShellCompDirectiveNoFileComp)
	}
	for _, name := range []string{"desktop", "desktop-fails", "desktop-fails-late", "desktop-absent", "folder"} {
		complete(name, cobra.NoFileCompletions)
	}
	complete("profile", words("strong", "eventual", "eventual=5s"))
	complete("contract", words(s.Contract.Allowed...))
	complete("require", words(s.Require.Allowed...))
	complete("format", words(s.Format.Allowed...))
	complete("only", CompleteRules)
	complete("out", func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return nil, cobra.ShellCompDirectiveFilterDirs
	})
}

// Options are what the library is to be told.
func (s *Settings) Options() []conformance.Option {
	opts := []conformance.Option{conformance.Contract(conformance.Source(s.Contract.Value))}
	if s.Profile.set {
		if s.Profile.window > 0 {
			opts = append(opts, conformance.Eventual(s.Profile.window))
		} else {
			opts = append(opts, conformance.Strong())
		}
	}
	if len(s.Only) > 0 {
		opts = append(opts, conformance.Rules(s.Only...))
	}
	return opts
}

// Tell writes the reports, the verdict of each last, and returns the error that
// ends the program with its code.
func (s *Settings) Tell(stdout io.Writer, getenv func(string) string, reports ...*conformance.Report) error {
	code := exit.OK
	for i, r := range reports {
		if s.Waivers != "" {
			known, err := waivers.Load(s.Waivers)
			if err != nil {
				return exit.Misuse(err)
			}
			r.Waive(known, time.Now())
		}
		if s.Sensitivity {
			r.Sense(places)
		}
		if s.Out != "" {
			dir := s.Out
			if len(reports) > 1 {
				dir = filepath.Join(dir, fmt.Sprint(i+1))
			}
			if err := save(r, dir); err != nil {
				return fmt.Errorf("--out %q: %w", s.Out, err)
			}
		}
		if err := s.write(r, terminal.New(stdout, getenv)); err != nil {
			return err
		}
		code = worse(code, s.code(r))
	}
	if code == exit.OK {
		return nil
	}
	return exit.Silently(code)
}

// code is what the report ends the program with.
func (s *Settings) code(r *conformance.Report) int {
	code := r.ExitCode()
	if code != exit.OK && s.Require.Value == "core" && r.Verdict != conformance.NoVerdict {
		for _, rule := range r.Rules {
			if rule.Core && rule.Verdict == conformance.NotExercised {
				return exit.Failure
			}
		}
	}
	return code
}

// worse is the code that a script should not miss.
func worse(a, b int) int {
	if a == exit.Failure || b == exit.Failure {
		return exit.Failure
	}
	return max(a, b)
}

func (s *Settings) write(r *conformance.Report, out terminal.Output) error {
	switch s.Format.Value {
	case "json":
		return r.WriteJSON(out)
	case "junit":
		return r.WriteJUnit(out)
	case "html":
		return r.WriteHTML(out)
	}
	if out.Colour {
		return r.WriteColoured(out, out.Width())
	}
	return r.WriteText(out)
}

// save writes everything into a directory.
func save(r *conformance.Report, dir string) error {
	if err := r.Save(dir); err != nil {
		return err
	}
	for name, write := range map[string]func(io.Writer) error{
		"report.txt": r.WriteText, "report.json": r.WriteJSON, "report.xml": r.WriteJUnit, "report.html": r.WriteHTML,
	} {
		if err := create(filepath.Join(dir, name), write); err != nil {
			return err
		}
	}
	return r.WriteTrace(filepath.Join(dir, "trace.jsonl"))
}

func create(path string, write func(io.Writer) error) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := write(file); err != nil {
		_ = file.Close() // the first error counts
		return err
	}
	return file.Close()
}
