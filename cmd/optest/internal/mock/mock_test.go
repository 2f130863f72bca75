package mock_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/optest-dev/optest/cmd/optest/internal/exit"
	"github.com/optest-dev/optest/cmd/optest/internal/mock"
)

func settings(t *testing.T, args ...string) *mock.Settings {
	t.Helper()
	s := mock.NewSettings()
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	s.Flags(flags)
	s.GraceFlag(flags)
	if err := flags.Parse(append([]string{"--listen", "127.0.0.1:0"}, args...)); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStart(t *testing.T) {
	t.Setenv(mock.TokenVariable, "")
	var log bytes.Buffer
	srv, err := settings(t, "--default", "early-error", "--speed", "2x", "--log", "json").Start(&log)
	if err != nil {
		t.Fatal(err)
	}
	if err := mock.Probe(t.Context(), srv); err != nil {
		t.Error(err)
	}
	if got := mock.URL(srv); got != "http://"+srv.Addr() || mock.Address(srv) != srv.Addr() {
		t.Errorf("URL %q, want that of %s", got, srv.Addr())
	}
	if err := srv.Close(); err != nil {
		t.Error(err)
	}
	if log.Len() > 0 {
		t.Errorf("logged %q, want nothing of the probe", log.String())
	}
	if err := mock.Probe(t.Context(), srv); err == nil {
		t.Error("a server that is closed passes for one that answers")
	}
}

func TestProbeStopsWithItsContext(t *testing.T) {
	t.Setenv(mock.TokenVariable, "")
	srv, err := settings(t).Start(new(bytes.Buffer))
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := mock.Probe(ctx, srv); err == nil {
		t.Error("no error, want that of the context")
	}
}

func TestAllInterfaces(t *testing.T) {
	t.Setenv(mock.TokenVariable, "from-the-environment")
	for _, listen := range []string{"0.0.0.0:0", ":0"} {
		s := settings(t, "--listen", listen)
		srv, err := s.Start(new(bytes.Buffer))
		if err != nil {
			t.Fatal(err)
		}
		if got := mock.Address(srv); !strings.HasPrefix(got, "127.0.0.1:") {
			t.Errorf("%s is reached at %s, want 127.0.0.1", listen, got)
		}
		if err := mock.Probe(t.Context(), srv); err != nil {
			t.Errorf("%s: %v", listen, err)
		}
		if s.Token != "from-the-environment" {
			t.Errorf("token %q", s.Token)
		}
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Setenv(mock.TokenVariable, "")
	for _, tt := range []struct {
		args []string
		want string
		code int
	}{
		{[]string{"--listen", "0.0.0.0:0"}, "is not loopback", exit.Usage},
		{[]string{"--listen", ":0"}, "is not loopback", exit.Usage},
		{[]string{"--tls-root-out", "x"}, "want it with --tls self", exit.Usage},
		{[]string{"--tls", "a,b", "--tls-root-out", "x"}, "with --tls a,b, want it with --tls self", exit.Usage},
		{[]string{"--token", "a b"}, "can't be sent", exit.Usage},
		{[]string{"--token", "ä"}, "can't be sent", exit.Usage},
		{[]string{"--token", strings.Repeat("a", 4097)}, "can't be sent", exit.Usage},
		{[]string{"--default", "early-eror"}, "did you mean early-error?", exit.Usage},
		{[]string{"--tls", "no-cert,no-key"}, "no such file", exit.Failure},
		{[]string{"--scenarios", "no-files"}, "no such file", exit.Failure},
		{[]string{"--listen", "192.0.2.1:0", "--token", "a"}, "192.0.2.1", exit.Failure},
	} {
		srv, err := settings(t, tt.args...).Start(new(bytes.Buffer))
		if err == nil {
			t.Errorf("%q: started, want %q", tt.args, tt.want)
			_ = srv.Close()
			continue
		}
		if !strings.Contains(err.Error(), tt.want) || exit.Of(err) != tt.code {
			t.Errorf("%q: code %d, error %q, want %d and %q", tt.args, exit.Of(err), err, tt.code, tt.want)
		}
	}
}

func TestRootOut(t *testing.T) {
	t.Setenv(mock.TokenVariable, "")
	dir := t.TempDir()
	root := filepath.Join(dir, "root.pem")
	if err := os.WriteFile(root, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	srv, err := settings(t, "--tls", "self", "--tls-root-out", root).Start(new(bytes.Buffer))
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	got, err := os.ReadFile(root)
	if err != nil || !bytes.Equal(got, srv.RootPEM()) {
		t.Errorf("%q, want the root: %v", got, err)
	}
	info, err := os.Stat(root)
	if err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("mode %v, want one that others can read: %v", info.Mode(), err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("files %v, want no other left: %v", files, err)
	}
}

// Every flag but the switch completes something, if only to no file names.
func TestEveryFlagCompletes(t *testing.T) {
	s := mock.NewSettings()
	cmd := &cobra.Command{Use: "test"}
	s.Flags(cmd.Flags())
	s.Complete(cmd, cobra.NoFileCompletions)
	files := map[string]bool{"scenarios": true, "tls-root-out": true, "journal-out": true, "no-headers": true}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if _, ok := cmd.GetFlagCompletionFunc(f.Name); !ok && !files[f.Name] {
			t.Errorf("--%s completes file names", f.Name)
		}
	})
}
