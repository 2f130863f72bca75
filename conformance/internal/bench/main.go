// Bench measures the suite against the figures that it is held to and prints them
// as a table.
//
//	go run ./conformance/internal/bench [--quick] [--only REGEXP] [--strict]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	code, err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

// measure takes some of the figures.
type measure struct {
	name string
	take func(context.Context, scale) ([]row, error)
}

// The proxy comes first: what is resident, and was at most, is the whole process's.
var measures = []measure{{"proxy", soak}, {"hook", hooked}, {"memory", longJudging}, {"rules", offline}}

// scale is how much is spent on a figure.
type scale struct {
	Rounds     int // of a figure that is the best of several
	Events     int // in a trace
	Operations int // that a verifier sees
	Turns      int // of a hook and of the bare client
	Soak       int // operations through a proxy
}

var (
	full  = scale{Rounds: 5, Events: 300_000, Operations: 1_000_000, Turns: 2_000, Soak: 1_000_000}
	quick = scale{Rounds: 2, Events: 60_000, Operations: 100_000, Turns: 200, Soak: 5_000}
)

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (code int, err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	rough := flags.Bool("quick", false, "take seconds instead of minutes; the figures are rougher")
	strict := flags.Bool("strict", false, "exit with 1 when a figure is short")
	only := flags.String("only", "", "take the measures whose name matches this regular expression")
	if err := flags.Parse(args); err != nil {
		return 2, err
	}
	pattern, err := regexp.Compile(*only)
	if err != nil {
		return 2, fmt.Errorf("bench: --only %q, want a regular expression: %w", *only, err)
	}
	s := full
	if *rough {
		s = quick
	}
	var chosen []measure
	var names []string
	for _, m := range measures {
		names = append(names, m.name)
		if pattern.MatchString(m.name) {
			chosen = append(chosen, m)
		}
	}
	if len(chosen) == 0 {
		return 2, fmt.Errorf("bench: --only %q matches no measure, want one of %s", *only, strings.Join(names, ", "))
	}
	var rows []row
	var failures []error
	for _, m := range chosen {
		began := time.Now()
		fmt.Fprintf(stderr, "bench: %s ...", m.name)
		taken, err := m.take(ctx, s)
		fmt.Fprintf(stderr, " %.1f s\n", time.Since(began).Seconds())
		if err != nil {
			failures = append(failures, fmt.Errorf("bench: %s: %w", m.name, err))
		}
		rows = append(rows, taken...)
	}
	failures = append(failures, printed(stdout, rows))
	switch {
	case errors.Join(failures...) != nil:
		return 1, errors.Join(failures...)
	case *strict && short(rows):
		return 1, nil
	}
	return 0, nil
}
