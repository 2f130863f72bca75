package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/optest-dev/optest/cmd/optest/internal/child"
	"github.com/optest-dev/optest/cmd/optest/internal/exit"
	"github.com/optest-dev/optest/cmd/optest/internal/flagvalue"
	"github.com/optest-dev/optest/cmd/optest/internal/mock"
	"github.com/optest-dev/optest/mockserver"
)

func newExec() *cobra.Command {
	settings := mock.NewSettings()
	settings.Listen = "127.0.0.1:0"
	settings.TLS = flagvalue.TLS{SelfSigned: true}
	settings.Log.Value = mock.LogOff
	cmd := &cobra.Command{
		Use:   "exec [flags] -- COMMAND [ARGUMENT...]",
		Short: "Run a command against a mock of its own",
		Long: `Serve the mock on a free port, with TLS beside plaintext, for as long as a
command runs. The command has these variables in its environment:

  OPTEST_URL    http://HOST:PORT
  OPTEST_ADDR   HOST:PORT
  OPTEST_TOKEN  the token that calls must carry, if there is one

and with --tls self, all with the file of the root that the server's
certificate stands on:

  SSL_CERT_FILE                     Go on Linux, OpenSSL and what is built on it
  NODE_EXTRA_CA_CERTS               Node
  GRPC_DEFAULT_SSL_ROOTS_FILE_PATH  gRPC in C++, Python, Ruby, PHP and Node

SSL_CERT_FILE takes the place of the system's roots: the command may trust no
other servers then. With --tls off, or certificates of your own, the three are
left as they are.

Standard input, output and error are the command's own, and it gets the signals
that optest gets. The exit code is the command's, 128+N if signal N ended it,
127 if it is not found and 126 if it can't be executed; 1 if the server does
not start, 2 for a wrong command line.`,
		Example: `  optest exec -- go test ./...
  optest exec -- sh -c 'grpcurl -plaintext "$OPTEST_ADDR" list'
  optest exec --speed 60x --scenarios testdata/scenarios -- npm test`,
		Args: someArguments("a command after --"),
		RunE: func(cmd *cobra.Command, args []string) error { return execute(cmd, settings, args) },
	}
	cmd.Flags().SortFlags = false
	// Flags after the command's name are the command's.
	cmd.Flags().SetInterspersed(false)
	settings.Flags(cmd.Flags())
	settings.Complete(cmd, completeScenarios(&settings.Scenarios))
	return cmd
}

func execute(cmd *cobra.Command, settings *mock.Settings, args []string) (err error) {
	// From here on signals are for the command, which gets those that come before
	// it runs as well.
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, child.Signals...)
	defer signal.Stop(signals)

	path, err := child.Find(args[0])
	if err != nil {
		return err
	}
	srv, err := settings.Start(cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	defer cut(srv)
	environment, remove, err := environment(srv, settings)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()

	command := exec.Command(path, args[1:]...)
	command.Args[0] = args[0]
	command.Env = append(os.Environ(), environment...)
	command.Stdin, command.Stdout, command.Stderr = cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()
	code, err := child.Run(command, signals)
	if err == nil && code != 0 {
		return exit.Silently(code)
	}
	return err
}

// cut stops a server whose clients have gone, without waiting for them.
func cut(srv *mockserver.Server) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	// It fails if the command has left something running that still calls, which
	// is not this program's to report.
	_ = srv.Shutdown(ctx)
}

// environment is what the command gets beside its own, and how to remove the
// file that it names.
func environment(srv *mockserver.Server, settings *mock.Settings) (list []string, remove func() error, err error) {
	list = []string{"OPTEST_URL=" + mock.URL(srv), "OPTEST_ADDR=" + mock.Address(srv)}
	if settings.Token != "" {
		list = append(list, mock.TokenVariable+"="+settings.Token)
	}
	if srv.RootPEM() == nil {
		return list, func() error { return nil }, nil
	}
	dir, err := os.MkdirTemp("", "optest-") // readable by this user only
	if err != nil {
		return nil, nil, fmt.Errorf("the root's file: %w", err)
	}
	remove = func() error { return os.RemoveAll(dir) }
	root := filepath.Join(dir, "root.pem")
	if err := os.WriteFile(root, srv.RootPEM(), 0o600); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("the root's file: %w", err), remove())
	}
	for _, name := range []string{"SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"} {
		list = append(list, name+"="+root)
	}
	return list, remove, nil
}
