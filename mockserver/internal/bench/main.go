// Bench measures the mock against the figures that it is held to and prints them as a table.
//
//	go run ./mockserver/internal/bench [--quick] [--format text|json] [--strict] [--only REGEXP]
//
// Wherever a figure can be a ratio it is one: against package bare, or a mock that has little of what another has much of, measured in
// the same run and in turns, because the noise of a shared machine comes in seconds and absolute times say more of the machine than of
// the server.
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
	var command, name string // with which this program starts itself
	if len(os.Args) == 3 {
		command, name = os.Args[1], os.Args[2]
	}
	switch command {
	case serveCommand:
		if err := serveSubject(ctx, name, os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case testCommand:
		runAsTest(name, os.Stdin, os.Stdout)
	default:
		code, err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
		if err != nil && !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(code)
	}
}

// A measure takes some of the figures.
type measure struct {
	name string
	take func(ctx context.Context, s scale) ([]row, error)
}

var measures = []measure{
	{"throughput", throughput},
	{"first", firstAnswer},
	{"virtual", virtualTime},
	{"operation", liveOperation},
	{"many", manyOperations},
	{"scenarios", manyScenarios},
	{"journal", longJournal},
	{"engine", engineSteps},
	{"start", binaryStart},
	{"resident", residentMemory},
}

// scale is how much is spent on a figure.
type scale struct {
	Rounds     int           // of a figure that takes turns
	Round      time.Duration // of one subject under load
	Operations int           // to keep, for the memory of one
	Calls      int           // before resident memory is read
	Hours      int           // of virtual time a round
	Starts     int           // of a binary
	Memory     int           // servers started in memory
	Live       int           // operations of a server that has many
	Scenarios  int           // of a server that has many
	Journal    int           // calls in a journal that holds many; a multiple of 10
}

var (
	full  = scale{Rounds: 15, Round: 400 * time.Millisecond, Operations: 200_000, Calls: 100_000, Hours: 1_000, Starts: 25, Memory: 1_200, Live: 1_000_000, Scenarios: 10_000, Journal: 100_000}
	quick = scale{Rounds: 5, Round: 100 * time.Millisecond, Operations: 20_000, Calls: 20_000, Hours: 100, Starts: 7, Memory: 70, Live: 50_000, Scenarios: 10_000, Journal: 10_000}
)

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (code int, err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	inSeconds := flags.Bool("quick", false, "take seconds instead of minutes; the figures are rougher")
	strict := flags.Bool("strict", false, "exit with 1 when a figure is short")
	format := flags.String("format", "text", "text or json")
	only := flags.String("only", "", "take the measures whose name matches this regular expression")
	if err := flags.Parse(args); err != nil {
		return 2, err
	}
	pattern, err := regexp.Compile(*only)
	if err != nil {
		return 2, fmt.Errorf("bench: --only %q, want a regular expression: %w", *only, err)
	}
	write, ok := formats[*format]
	if !ok {
		return 2, fmt.Errorf("bench: --format %q, want text or json", *format)
	}
	s := full
	if *inSeconds {
		s = quick
	}

	chosen, names := []measure{}, []string{}
	for _, m := range measures {
		names = append(names, m.name)
		if pattern.MatchString(m.name) {
			chosen = append(chosen, m)
		}
	}
	if len(chosen) == 0 {
		return 2, fmt.Errorf("bench: --only %q matches no measure, want one of %s", *only, strings.Join(names, ", "))
	}

	result := newResult()
	var failures []error
	for _, m := range chosen {
		began := time.Now()
		fmt.Fprintf(stderr, "bench: %s ...", m.name)
		rows, err := m.take(ctx, s)
		fmt.Fprintf(stderr, " %.1f s\n", time.Since(began).Seconds())
		if err != nil {
			failures = append(failures, fmt.Errorf("bench: %s: %w", m.name, err))
		}
		result.Rows = append(result.Rows, rows...)
	}
	if err := write(stdout, result); err != nil {
		failures = append(failures, err)
	}
	switch {
	case len(failures) > 0:
		return 1, errors.Join(failures...)
	case *strict && result.short():
		return 1, nil
	}
	return 0, nil
}
