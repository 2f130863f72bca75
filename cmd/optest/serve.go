package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/optest-dev/optest/cmd/optest/internal/mock"
	"github.com/optest-dev/optest/mockserver"
)

func newServe() *cobra.Command {
	settings := mock.NewSettings()
	cmd := &cobra.Command{
		Use:   "serve [flags]",
		Short: "Serve the mock to clients in any language",
		Long: `Serve gRPC, gRPC-Web, Connect and REST on one port until SIGINT or SIGTERM.

The first line on stdout is "optest: serving http://HOST:PORT", written when the
server really answers. Each call is a line on stderr.

A request's desktop_id names the scenario that its operation lives by; others
play --default. When a file of --scenarios changes, all are read again: what is
wrong is a line on stderr, and the scenarios from before stay. Operations that
have begun go on as they began.

The first signal lets calls under way end, for up to --grace: 0 is the exit code
if they do, 1 if they had to be cut off. A second signal ends the program at
once. A failure to start is 1, a wrong command line 2.`,
		Example: `  # on a free port, a minute in a second
  optest serve --listen 127.0.0.1:0 --speed 60x

  # with scenarios of your own, one of them for requests that name none
  optest serve --scenarios testdata/scenarios --default slow-success

  # for clients that speak TLS only
  optest serve --tls self --tls-root-out root.pem

  # for other machines
  OPTEST_TOKEN=secret optest serve --listen 0.0.0.0:8080`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return serve(cmd, settings) },
	}
	cmd.Flags().SortFlags = false
	settings.Flags(cmd.Flags())
	settings.GraceFlag(cmd.Flags())
	settings.Complete(cmd, completeScenarios(&settings.Scenarios))
	completeFlag(cmd, "grace", cobra.NoFileCompletions)
	return cmd
}

func serve(cmd *cobra.Command, settings *mock.Settings) error {
	saveMemory()
	srv, err := settings.Start(cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	// Watched before anybody knows of the server: a change may come at once.
	stop, err := reloading(cmd.ErrOrStderr(), settings, srv)
	if err != nil {
		return errors.Join(err, srv.Close())
	}
	if err := announce(cmd, srv); err != nil {
		return errors.Join(err, stop(), srv.Close())
	}
	<-cmd.Context().Done()
	if err := stop(); err != nil {
		return errors.Join(err, srv.Close())
	}
	if settings.Log.Value == mock.LogText {
		cmd.PrintErrf("optest: waiting up to %v for calls under way, a second signal ends at once\n", settings.Grace.Value)
	}
	return drain(srv, settings)
}

// saveMemory has the garbage collected sooner than Go does by default: a mock runs
// beside what it is there for, and its memory counts more than a few percent of
// its CPU.
func saveMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(70)
	}
}

// announce writes the line that others wait for. A signal that comes before is
// no error: serve ends as it would after.
func announce(cmd *cobra.Command, srv *mockserver.Server) error {
	if err := mock.Probe(cmd.Context(), srv); err != nil {
		if cmd.Context().Err() != nil {
			return nil
		}
		return err
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "optest: serving %s\n", mock.URL(srv))
	return err
}

func drain(srv *mockserver.Server, settings *mock.Settings) error {
	ctx, cancel := context.WithTimeout(context.Background(), settings.Grace.Value)
	defer cancel()
	err := srv.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("--grace %v is over, calls under way were cut off", settings.Grace.Value)
	}
	return err
}
