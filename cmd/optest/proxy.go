package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"github.com/optest-dev/optest/cmd/optest/internal/flagvalue"
	"github.com/optest-dev/optest/cmd/optest/internal/judging"
	"github.com/optest-dev/optest/cmd/optest/internal/terminal"
	"github.com/optest-dev/optest/conformance"
	"github.com/optest-dev/optest/conformance/proxy"
)

// proxying are the flags of proxy that no other command has.
type proxying struct {
	judging.Settings
	upstream string
	listen   flagvalue.Address
	tls      flagvalue.TLS
	rootOut  string
	traceOut string
	onlyDoor bool
	insecure bool
	grace    flagvalue.Span
}

func newProxy() *cobra.Command {
	p := &proxying{listen: "127.0.0.1:8081", grace: flagvalue.Span{Value: 5 * time.Second, Max: time.Hour}}
	cmd := &cobra.Command{
		Use:   "proxy --upstream URL",
		Short: "Judge a server by the calls that pass by",
		Long: `Stand between clients and a server until SIGINT or SIGTERM, change nothing of
what passes, and hold the server against the rules of the contract: HTTP/1.1,
HTTP/2 and TLS on one port.

The first line on stdout is "optest: proxy http://HOST:PORT". Each broken rule is
a line on stderr as it is found; the report follows at the end. Anybody who can
reach the port can use the server through it, so it listens on this machine only
unless told otherwise.

It ends with 0 for a conformant server, 1 where a rule is broken or a waiver has
to go, 2 for a wrong command line, and 3 where nothing is broken and not all is
known.`,
		Example: `  optest proxy --upstream http://127.0.0.1:8080

  # keep what was seen, and judge it again later
  optest proxy --upstream https://desktops.example.com --trace-out calls.jsonl
  optest verify calls.jsonl`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.run(cmd) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&p.upstream, "upstream", "", "`URL` of the server")
	flags.Var(&p.listen, "listen", "address to serve; port 0 takes a free one")
	flags.Var(&p.tls, "tls", "serve TLS as well, on the same port")
	flags.StringVar(&p.rootOut, "tls-root-out", "", "`FILE` to write the root to that clients have to trust (with --tls self)")
	flags.BoolVar(&p.insecure, "insecure-upstream", false, "do not check the server's certificate")
	flags.StringVar(&p.traceOut, "trace-out", "", "`FILE` to write every call to, for optest verify and journal")
	flags.BoolVar(&p.onlyDoor, "only-door", false, "every call to the server passes here: judge what others may change, too")
	flags.Var(&p.grace, "grace", "how long to wait for calls under way")
	p.Flags(flags)
	p.Complete(func(name string, f cobra.CompletionFunc) { completeFlag(cmd, name, f) })
	for _, name := range []string{"upstream", "listen", "grace"} {
		completeFlag(cmd, name, cobra.NoFileCompletions)
	}
	completeFlag(cmd, "tls", cobra.FixedCompletions([]string{"off", "self"}, cobra.ShellCompDirectiveDefault))
	return cmd
}

func (p *proxying) run(cmd *cobra.Command) error {
	if p.upstream == "" {
		return misused(cmd, "--upstream is missing, want the URL of a server such as http://127.0.0.1:8080")
	}
	if p.rootOut != "" && !p.tls.SelfSigned {
		return misused(cmd, "--tls-root-out with --tls %s, want it with --tls self", &p.tls)
	}
	boundMemory()
	watch, closeTrace, err := p.start(cmd)
	if errors.Is(err, proxy.ErrUpstream) {
		return misused(cmd, "%w", err)
	}
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(cmd.OutOrStdout(), "optest: proxy %s\n", watch.URL()); err != nil {
		return errors.Join(err, watch.Close(), closeTrace())
	}
	p.wait(cmd.Context(), watch)
	grace, cancel := context.WithTimeout(context.Background(), p.grace.Value)
	defer cancel()
	cut := watch.Shutdown(grace)
	report, err := watch.Report()
	if errors.Is(cut, context.DeadlineExceeded) {
		cmd.PrintErrf("optest: --grace %v is over, calls under way were cut off\n", p.grace.Value)
	}
	if err = errors.Join(err, closeTrace()); err != nil {
		return err
	}
	return p.Tell(cmd.OutOrStdout(), os.Getenv, report)
}

// boundMemory has the garbage collected before it makes the process large: a proxy
// runs for days beside the service. What it keeps is bounded by less than that.
func boundMemory() {
	saveMemory()
	if os.Getenv("GOMEMLIMIT") == "" {
		const limit = 144 << 20
		debug.SetMemoryLimit(limit)
	}
}

// wait returns when ctx is done. What the trace has until then is of use even if
// this program is killed.
func (p *proxying) wait(ctx context.Context, watch *proxy.Proxy) {
	ticker := time.NewTicker(5 * time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			watch.Flush()
		}
	}
}

// start starts the proxy. The second result closes what the calls are written to.
func (p *proxying) start(cmd *cobra.Command) (*proxy.Proxy, func() error, error) {
	known := append(p.Options(), conformance.About(conformance.Target{URL: p.upstream, Folder: p.Folder, Desktops: p.Desktops}))
	out := terminal.New(cmd.ErrOrStderr(), os.Getenv)
	opts := []proxy.Option{
		proxy.Listen(p.listen.String()), proxy.With(known...),
		proxy.Found(func(f conformance.Found) {
			if f.Severity == conformance.Unsure {
				return
			}
			style := terminal.Yellow
			if f.Severity == conformance.Error {
				style = terminal.Red
			}
			_, _ = fmt.Fprintf(out, "optest: %s %s\n", out.Paint(style, f.ID), terminal.Plain(f.Text)) // a broken stderr is no reason to end
		}),
	}
	if p.onlyDoor {
		opts = append(opts, proxy.OnlyDoor())
	}
	if p.insecure {
		opts = append(opts, proxy.UpstreamTLS(&tls.Config{InsecureSkipVerify: true})) // asked for by name
	}
	switch {
	case p.tls.SelfSigned:
		opts = append(opts, proxy.SelfSigned())
	case p.tls.CertFile != "":
		pair, err := tls.LoadX509KeyPair(p.tls.CertFile, p.tls.KeyFile)
		if err != nil {
			return nil, nil, fmt.Errorf("--tls %q, want a certificate and its key as PEM files: %w", &p.tls, err)
		}
		opts = append(opts, proxy.TLS(&tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}))
	}
	var file io.WriteCloser
	closeTrace := func() error { return nil }
	if p.traceOut != "" {
		created, err := os.Create(p.traceOut)
		if err != nil {
			return nil, nil, fmt.Errorf("--trace-out: %w", err)
		}
		file, closeTrace = created, created.Close
		opts = append(opts, proxy.TraceTo(file))
	}
	watch, err := proxy.Start(p.upstream, opts...)
	if err != nil {
		return nil, nil, errors.Join(err, closeTrace())
	}
	if p.rootOut != "" {
		if err := os.WriteFile(p.rootOut, watch.RootPEM(), 0o644); err != nil {
			return nil, nil, errors.Join(fmt.Errorf("--tls-root-out %q: %w", p.rootOut, err), watch.Close(), closeTrace())
		}
	}
	return watch, closeTrace, nil
}
