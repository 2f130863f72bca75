package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/optest-dev/optest/cmd/optest/internal/exit"
	"github.com/optest-dev/optest/cmd/optest/internal/flagvalue"
	"github.com/optest-dev/optest/cmd/optest/internal/judging"
	"github.com/optest-dev/optest/cmd/optest/internal/terminal"
	"github.com/optest-dev/optest/conformance"
)

// checking are the flags of check that no other command has.
type checking struct {
	judging.Settings
	protocols []string
	budget    judging.Budget
	seed      flagvalue.Seed
	tokenEnv  string
	subject   string
	foreign   string
	own       bool
	prefix    string
}

func newCheck() *cobra.Command {
	c := &checking{seed: 1}
	cmd := &cobra.Command{
		Use:   "check URL",
		Short: "Judge a server by calls of our own",
		Long: `Exercise a server and hold what it answers against the rules of the contract:
gRPC, gRPC-Web, Connect and REST as far as it speaks them. Images that the run
makes are deleted at its end; Ctrl-C ends it sooner, deletes them all the same
and tells what is known by then.

The server is only known from outside, so it has to be told which desktops can
be copied with which end: without them, rules about failures are NOT EXERCISED.

It ends with 0 for a conformant server, 1 where a rule is broken or a waiver has
to go, 2 for a wrong command line, and 3 where nothing is broken and not all is
known.`,
		Example: `  # the mock itself
  optest serve --speed 60x &
  optest check http://127.0.0.1:8080 --desktop slow-success \
    --desktop-fails quota-exceeded --desktop-fails-late early-error \
    --desktop-absent no-such-desktop

  # a service that costs money: five images at most, two requests a second
  optest check https://desktops.example.com --token-env TOKEN \
    --folder b1g… --own-folder --desktop fv4… --budget '2/s, 5 creates, 30m'`,
		Args: oneArgument("the URL of a server such as http://127.0.0.1:8080"),
		RunE: func(cmd *cobra.Command, args []string) error { return c.run(cmd, args[0]) },
	}
	cmd.Flags().SortFlags = false
	c.Flags(cmd.Flags())
	cmd.Flags().BoolVar(&c.own, "own-folder", false, "nobody else uses the folder; images may be made and deleted there")
	cmd.Flags().StringVar(&c.tokenEnv, "token-env", "", "`NAME` of the environment variable with the token")
	cmd.Flags().StringVar(&c.subject, "subject", "", "`ID` of whom the token belongs to")
	cmd.Flags().StringVar(&c.foreign, "foreign", "", "`ID` of an operation that the token must not reach")
	cmd.Flags().StringSliceVar(&c.protocols, "protocols", nil, "`LIST` of grpc, grpc-web, connect, connect-json, rest (default all)")
	cmd.Flags().Var(&c.budget, "budget", "what the run may cost, such as '2/s, 5 creates, 10m' (default 2/s, 1 create, 15m; much more on this machine)")
	cmd.Flags().Var(&c.seed, "seed", "settles what the run draws")
	cmd.Flags().StringVar(&c.prefix, "name-prefix", "optest-", "`TEXT` that names of images begin with")
	complete := func(name string, f cobra.CompletionFunc) { completeFlag(cmd, name, f) }
	c.Complete(complete)
	for _, name := range []string{"token-env", "subject", "foreign", "budget", "seed", "name-prefix"} {
		complete(name, cobra.NoFileCompletions)
	}
	var protocols []string
	for _, p := range conformance.AllProtocols() {
		protocols = append(protocols, string(p))
	}
	complete("protocols", cobra.FixedCompletions(protocols, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (c *checking) run(cmd *cobra.Command, url string) error {
	target := conformance.Target{URL: url, Folder: c.Folder, Desktops: c.Desktops, Foreign: c.foreign, Subject: c.subject}
	if c.tokenEnv != "" {
		if target.Token = os.Getenv(c.tokenEnv); target.Token == "" {
			return misused(cmd, "--token-env %q: there is no such environment variable, or it is empty", c.tokenEnv)
		}
	}
	progress := terminal.NewProgress(terminal.New(cmd.ErrOrStderr(), os.Getenv))
	live := terminal.New(cmd.ErrOrStderr(), os.Getenv).Live
	last := time.Time{}
	opts := append(c.Options(),
		conformance.Seed(uint64(c.seed)), conformance.Within(c.budget.Budget), conformance.Prefix(c.prefix),
		conformance.Observe(func(p conformance.Progress) {
			// A line every few seconds where lines stay, a few a second where they do not.
			pause := 10 * time.Second
			if live {
				pause = 200 * time.Millisecond
			}
			if time.Since(last) < pause {
				return
			}
			last = time.Now()
			_ = progress.Update("", told(p)) // a broken stderr is no reason to end
		}),
	)
	if len(c.protocols) > 0 {
		var list []conformance.Protocol
		for _, p := range c.protocols {
			list = append(list, conformance.Protocol(p))
		}
		opts = append(opts, conformance.Protocols(list...))
	}
	if c.own {
		opts = append(opts, conformance.OwnFolder())
	}
	report, err := conformance.Check(cmd.Context(), target, opts...)
	_ = progress.Keep()
	if report == nil {
		return exit.Misuse(err)
	}
	if told := c.Tell(cmd.OutOrStdout(), os.Getenv, report); err == nil {
		return told
	}
	return err
}

// told is how far the run has come, in a line.
func told(p conformance.Progress) string {
	where := p.Doing
	if p.Scripts > 0 {
		where = fmt.Sprintf("%d of %d %s", p.Script, p.Scripts, p.Doing)
	}
	return fmt.Sprintf("optest: %s, %d requests, %d creates, %v", where, p.Requests, p.Creates, p.Elapsed.Round(time.Second))
}
