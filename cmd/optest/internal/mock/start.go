package mock

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"github.com/optest-dev/optest/cmd/optest/internal/calllog"
	"github.com/optest-dev/optest/cmd/optest/internal/catalogue"
	"github.com/optest-dev/optest/cmd/optest/internal/exit"
	"github.com/optest-dev/optest/cmd/optest/internal/terminal"
	"github.com/optest-dev/optest/fixtures/scenariofile"
	"github.com/optest-dev/optest/mockserver"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// Start starts a server and logs its calls to stderr. The caller closes it.
func (s *Settings) Start(stderr io.Writer) (*mockserver.Server, error) {
	if err := s.check(); err != nil {
		return nil, exit.Misuse(err)
	}
	options, err := s.options()
	if err != nil {
		return nil, err
	}
	if log := s.log(stderr); log != nil {
		options = append(options, mockserver.Observe(log.Observe))
	}
	srv, err := mockserver.Start(options...)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("--listen %q is in use, want a free port, or port 0 for any", s.Listen)
	case err != nil:
		return nil, err
	}
	if s.RootOut != "" {
		if err := replaceFile(s.RootOut, srv.RootPEM()); err != nil {
			return nil, errors.Join(fmt.Errorf("--tls-root-out %q: %w", s.RootOut, err), srv.Close())
		}
	}
	return srv, nil
}

func (s *Settings) options() ([]mockserver.Option, error) {
	scenarios, err := catalogue.Open(s.Scenarios)
	if err != nil {
		return nil, err
	}
	options := []mockserver.Option{
		mockserver.Listen(s.Listen.String()),
		mockserver.Scenarios(scenarios.User()...),
		mockserver.Speed(float64(s.Speed)),
		mockserver.Seed(uint64(s.Seed)),
		mockserver.MaxOperations(s.MaxOperations.Value),
		mockserver.MaxBody(s.MaxBody.Bytes),
		mockserver.Journal(s.Journal.Value),
		mockserver.ParseYAML(parseYAML),
	}
	if s.Default != "" {
		scenario, err := scenarios.Find(s.Default)
		if err != nil {
			return nil, fmt.Errorf("--default: %w", err)
		}
		options = append(options, mockserver.Default(scenario))
	}
	if s.Token != "" {
		options = append(options, mockserver.Token(s.Token))
	}
	if s.JournalOut != "" {
		// Open as long as the program is: the server writes to it until it closes.
		file, err := os.Create(s.JournalOut)
		if err != nil {
			return nil, fmt.Errorf("--journal-out: %w", err)
		}
		options = append(options, mockserver.Trace(file))
	}
	if s.NoHeaders {
		options = append(options, mockserver.WithoutHeaders())
	}
	switch {
	case s.TLS.SelfSigned:
		options = append(options, mockserver.SelfSigned())
	case s.TLS.CertFile != "":
		pair, err := tls.LoadX509KeyPair(s.TLS.CertFile, s.TLS.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("--tls %q, want a certificate and its key as PEM files: %w", &s.TLS, err)
		}
		options = append(options, mockserver.TLS(&tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}))
	}
	return options, nil
}

// parseYAML reads scenarios that clients put. Messages begin as those about a file
// of that name would.
func parseYAML(text []byte) ([]*optestv1.Scenario, error) { return scenariofile.Parse("yaml", text) }

func (s *Settings) log(stderr io.Writer) *calllog.Log {
	switch s.Log.Value {
	case LogText:
		return calllog.New(stderr, calllog.Text(terminal.New(stderr, os.Getenv)), float64(s.Speed))
	case LogJSON:
		return calllog.New(stderr, calllog.JSON(), float64(s.Speed))
	}
	return nil
}

// replaceFile writes what everybody may read. A file that is there is replaced in
// one step: who waits for it sees the old one or the new one, whole.
func replaceFile(path string, content []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	err = errors.Join(err, file.Chmod(0o644), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

// Address is where clients on this machine reach the server: an address that
// stands for all of the machine's is served on loopback, too.
func Address(srv *mockserver.Server) string {
	host, port, err := net.SplitHostPort(srv.Addr())
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsUnspecified() {
		return srv.Addr()
	}
	return net.JoinHostPort("127.0.0.1", port)
}

// URL is the root of all that is served at Address, in plaintext.
func URL(srv *mockserver.Server) string { return "http://" + Address(srv) }
