// Package demo plays a few lives of an operation to a real gRPC client and
// shows what the client sees.
package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/optest-dev/optest/cmd/optest/internal/terminal"
)

// life is a scenario and the client that it is played to.
type life struct {
	scenario string
	point    string        // what to look at
	speed    float64       // of the server's clock
	every    time.Duration // between polls, by that clock
	patience time.Duration // how long the client waits, by that clock
}

// Each takes about two seconds of real time.
var lives = []life{
	{
		scenario: "slow-success",
		point:    "Ten minutes of work, and a client that waits for done.",
		speed:    300,
		every:    time.Minute,
		patience: time.Hour,
	},
	{
		scenario: "early-error",
		point:    "The error shows at 20s, the roll-back ends at 1m0s: only then is it over.",
		speed:    30,
		every:    5 * time.Second,
		patience: time.Hour,
	},
	{
		scenario: "never-done",
		point:    "Nothing ever comes of it, and the client has a deadline of 5 minutes.",
		speed:    150,
		every:    30 * time.Second,
		patience: 5 * time.Minute,
	},
}

// Run plays all lives and then says what to try next, in commands that call the
// program as the user did.
func Run(ctx context.Context, out terminal.Output, program string) error {
	s := &screen{out: out, progress: terminal.NewProgress(out)}
	s.say("%s: a mock server plays three lives of one call, %s,", s.out.Paint(terminal.Bold, "optest demo"), "CopyFromDesktop")
	s.say("to a real gRPC client. The server's clock runs faster than yours.")
	var first string
	for i, l := range lives {
		id, err := l.play(ctx, s, i+1)
		if err != nil {
			return errors.Join(s.progress.Keep(), fmt.Errorf("demo of %s: %w", l.scenario, err))
		}
		if first == "" {
			first = id
		}
	}
	s.next(program, first)
	return s.err
}
