// Package mock starts a mock server as the flags of a command say.
package mock

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/optest-dev/optest/cmd/optest/internal/flagvalue"
	"github.com/optest-dev/optest/mockserver"
)

// TokenVariable is the environment variable that a token is taken from, which
// other users of the machine don't see, unlike a command line.
const TokenVariable = "OPTEST_TOKEN"

// How calls are logged.
const (
	LogText = "text"
	LogJSON = "json"
	LogOff  = "off"
)

// Settings are what the flags say.
type Settings struct {
	Listen        flagvalue.Address
	Scenarios     []string
	Default       string
	Speed         flagvalue.Speed
	TLS           flagvalue.TLS
	RootOut       string
	Token         string
	Log           flagvalue.Choice
	MaxOperations flagvalue.Count
	MaxBody       flagvalue.Size
	Journal       flagvalue.Count
	JournalOut    string
	Seed          flagvalue.Seed
	NoHeaders     bool
	Grace         flagvalue.Span
}

// NewSettings are those of a server that people look at: plaintext, in real
// time, a log line a call.
func NewSettings() *Settings {
	return &Settings{
		Listen:        "127.0.0.1:8080",
		Speed:         1,
		Log:           flagvalue.Choice{Value: LogText, Allowed: []string{LogText, LogJSON, LogOff}},
		MaxOperations: flagvalue.Count{Value: mockserver.DefaultMaxOperations, Min: 1, Max: 1 << 24},
		MaxBody:       flagvalue.Size{Bytes: mockserver.DefaultMaxBody, Max: 1 << 30},
		Journal:       flagvalue.Count{Value: mockserver.DefaultJournal, Min: 1, Max: 1 << 20},
		Grace:         flagvalue.Span{Value: 10 * time.Second, Max: time.Hour},
	}
}

// Flags registers what every command that starts a mock has.
func (s *Settings) Flags(flags *pflag.FlagSet) {
	flags.Var(&s.Listen, "listen", "address to serve; port 0 takes a free one")
	flags.StringArrayVar(&s.Scenarios, "scenarios", nil, "`PATH` of a file or directory with scenarios of your own, on top of the built-in ones (repeatable)")
	flags.StringVar(&s.Default, "default", "", "`NAME` of the scenario for requests that ask for no other")
	flags.Var(&s.Speed, "speed", "how many times faster than real time the server's clock runs")
	flags.Var(&s.TLS, "tls", "serve TLS as well, on the same port: with a certificate of the server's own, or with PEM files")
	flags.StringVar(&s.RootOut, "tls-root-out", "", "`FILE` to write the root to that clients have to trust (with --tls self)")
	flags.StringVar(&s.Token, "token", "", "`TOKEN` that calls must carry; other users can see a command line, so better set "+TokenVariable)
	flags.Var(&s.Log, "log", "how to log a line for each call on stderr")
	flags.Var(&s.MaxOperations, "max-operations", "how many operations are kept; creating more is RESOURCE_EXHAUSTED")
	flags.Var(&s.MaxBody, "max-body", "largest request message")
	flags.Var(&s.Journal, "journal", "how many calls are remembered")
	flags.StringVar(&s.JournalOut, "journal-out", "", "`FILE` to write every call to, for optest journal")
	flags.Var(&s.Seed, "seed", "settles ids, jitter and probabilities: the same seed, the same run (default 0)")
	flags.BoolVar(&s.NoHeaders, "no-headers", false, "leave out the headers that say what played an answer (x-optest-...)")
}

// GraceFlag registers how long to wait for calls under way.
func (s *Settings) GraceFlag(flags *pflag.FlagSet) {
	flags.Var(&s.Grace, "grace", "how long to wait for calls under way before stopping")
}

// Complete registers what a shell can complete.
func (s *Settings) Complete(cmd *cobra.Command, scenarios cobra.CompletionFunc) {
	for name, complete := range map[string]cobra.CompletionFunc{
		"default":        scenarios,
		"log":            cobra.FixedCompletions(s.Log.Allowed, cobra.ShellCompDirectiveNoFileComp),
		"tls":            completeTLS,
		"listen":         cobra.NoFileCompletions,
		"speed":          cobra.NoFileCompletions,
		"token":          cobra.NoFileCompletions,
		"max-operations": cobra.NoFileCompletions,
		"max-body":       cobra.NoFileCompletions,
		"journal":        cobra.NoFileCompletions,
		"seed":           cobra.NoFileCompletions,
	} {
		if err := cmd.RegisterFlagCompletionFunc(name, complete); err != nil {
			panic(err) // the flag is not registered: a mistake in this file
		}
	}
}

// completeTLS completes the two words, and files after them.
func completeTLS(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return []cobra.Completion{"off", "self"}, cobra.ShellCompDirectiveDefault
}

// check refuses what can't be meant together.
func (s *Settings) check() error {
	if s.Token == "" {
		s.Token = os.Getenv(TokenVariable)
	}
	switch {
	case s.Token != "" && !sendable(s.Token):
		return errors.New("the token can't be sent in a header, want 1 to 4096 printable ASCII characters without spaces")
	case s.Token == "" && !s.Listen.Loopback():
		return fmt.Errorf("--listen %q is not loopback, want --token (or %s) with it, or a host such as 127.0.0.1", s.Listen, TokenVariable)
	case s.RootOut != "" && !s.TLS.SelfSigned:
		return fmt.Errorf("--tls-root-out with --tls %s, want it with --tls self", &s.TLS)
	}
	return nil
}

func sendable(token string) bool {
	for _, r := range token {
		if r <= ' ' || r > '~' {
			return false
		}
	}
	return len(token) <= 4096
}
