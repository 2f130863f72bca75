package demo

import (
	"fmt"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"

	"github.com/optest-dev/optest/cmd/optest/internal/terminal"
)

// screen shows the demo. It keeps the first error of its output and does
// nothing after it.
type screen struct {
	out      terminal.Output
	progress *terminal.Progress
	last     string // state shown in the line that can still change
	err      error
}

var stateStyles = map[string]terminal.Style{
	running:   "",
	failing:   terminal.Yellow,
	failed:    terminal.Red,
	succeeded: terminal.Green,
}

func (s *screen) say(format string, args ...any) {
	if s.err == nil {
		_, s.err = fmt.Fprintf(s.out, format+"\n", args...)
	}
}

func (s *screen) title(number int, l life) {
	s.say("\n%s (%.0fx)", s.out.Paint(terminal.Bold, fmt.Sprintf("%d. desktop_id: %q", number, l.scenario)), l.speed)
	s.say("   %s", l.point)
	s.say("%s", s.out.Paint(terminal.Dim, row("time", "state", "step", "what the client sees")))
}

// row takes 79 columns with the longest text of the lives that are shown.
func row(age, state, step, why string) string {
	return fmt.Sprintf("  %6s  %-9s  %-13s  %s", age, state, step, why)
}

// show updates the line, and begins a new one where the state changes.
func (s *screen) show(v view) {
	state, why := v.state()
	if s.err == nil && s.last != state && s.last != "" {
		s.err = s.progress.Keep()
	}
	s.last = state
	if s.err == nil {
		s.err = s.progress.Update(stateStyles[state], row(age(v.age), state, terminal.Plain(v.step), terminal.Plain(why)))
	}
}

// conclude ends the life's lines with what came of it.
func (s *screen) conclude(style terminal.Style, format string, args ...any) {
	s.last = ""
	if s.err == nil {
		s.err = s.progress.Keep()
	}
	s.say("   %s", s.out.Paint(style, fmt.Sprintf(format, args...)))
}

func (s *screen) verdict(v view, polls int, took time.Duration) {
	state, _ := v.state()
	result := "The client has its image"
	if state == failed {
		result = "The client reports " + codeName(v.operation.GetError().GetCode())
	}
	s.conclude(stateStyles[state], "%s after %s and %d polls, %s for you.", result, age(v.age), polls, seconds(took))
}

func (s *screen) gaveUp(id string, patience time.Duration, polls int, took time.Duration) {
	s.conclude(terminal.Yellow, "The client gives up after %s and %d polls, %s for you:", age(patience), polls, seconds(took))
	s.say("   %s", s.out.Paint(terminal.Yellow, "DEADLINE_EXCEEDED, and it says that "+id+" goes on."))
}

// age is a time since creation, in whole seconds.
func age(d time.Duration) string { return d.Round(time.Second).String() }

func seconds(d time.Duration) string { return fmt.Sprintf("%.1fs", d.Seconds()) }

func codeName(c int32) string {
	if name, ok := code.Code_name[c]; ok {
		return name
	}
	return fmt.Sprintf("code %d", c)
}

// next holds no line of more than 80 columns. A fresh server gives its first
// operation the same id as the demo's had, for both have the same seed.
func (s *screen) next(program, id string) {
	commands := strings.NewReplacer("PROGRAM", program, "OPERATION", id).Replace(tryNext)
	var b strings.Builder
	for line := range strings.Lines(commands) {
		text := strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(strings.TrimSpace(text), "#") {
			text = s.out.Paint(terminal.Dim, text)
		}
		b.WriteString(text + "\n")
	}
	s.say("\n%s\n\n%s", s.out.Paint(terminal.Bold, "Try next:"), strings.TrimSuffix(b.String(), "\n"))
}

const tryNext = `  # the same server for clients in any language, a minute in a second
  PROGRAM serve --speed 60x

  # beside it: start an operation whose life you choose, and look at it
  curl http://127.0.0.1:8080/cloud-desktop/v1/images:copyFromDesktop \
    -d '{"desktopId": "early-error", "name": "my-image"}'
  curl http://127.0.0.1:8080/operations/OPERATION

  # a server for one command, which finds it by OPTEST_URL and OPTEST_ADDR
  PROGRAM exec -- go test ./...

  # every life that is built in
  PROGRAM scenarios list

  # in Go, without a port: srv := mockserver.New(t)
  go get github.com/optest-dev/optest/mockserver
`
