package demo

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/status"

	"github.com/optest-dev/optest/cmd/optest/internal/terminal"
	"github.com/optest-dev/optest/fixtures"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// The lives that are shown are those that the catalogue says they are, and all
// together leave room in ten seconds.
func TestLives(t *testing.T) {
	want := map[string]optestv1.Expect_Outcome{
		"slow-success": optestv1.Expect_SUCCEEDED,
		"early-error":  optestv1.Expect_FAILED,
		"never-done":   optestv1.Expect_DEADLINE,
	}
	var total time.Duration
	for _, l := range lives {
		expect := fixtures.Must(l.scenario).GetExpect()
		if expect.GetOutcome() != want[l.scenario] {
			t.Errorf("%s: outcome %v, want %v", l.scenario, expect.GetOutcome(), want[l.scenario])
		}
		if expect.GetOutcome() == optestv1.Expect_DEADLINE {
			total += l.real(l.patience)
		} else {
			total += l.real(expect.GetNotBefore().AsDuration())
		}
	}
	if len(lives) != len(want) || total > 8*time.Second {
		t.Errorf("%d lives in %v, want %d in 8s", len(lives), total, len(want))
	}
}

func show(out terminal.Output) *screen {
	return &screen{out: out, progress: terminal.NewProgress(out)}
}

// polls is an operation that fails before it is done.
func polls(s *screen) {
	failure := &operation.Operation_Error{Error: &status.Status{Code: 8, Message: "No\nroom"}}
	s.show(view{operation: &operation.Operation{Description: "Copy"}, step: "created"})
	s.show(view{operation: &operation.Operation{Description: "Copy"}, age: 10 * time.Second, step: "created"})
	s.show(view{operation: &operation.Operation{Result: failure}, age: 20 * time.Second, step: "failing@20s"})
	last := view{operation: &operation.Operation{Result: failure, Done: true}, age: time.Minute, step: "fail@1m0s"}
	s.show(last)
	s.verdict(last, 3, 2*time.Second)
}

func TestPlainLines(t *testing.T) {
	var out strings.Builder
	polls(show(terminal.Output{Writer: &out}))
	const want = `      0s  running    created        Copy
     10s  running    created        Copy
     20s  failing    failing@20s    RESOURCE_EXHAUSTED, but not done yet
    1m0s  failed     fail@1m0s      RESOURCE_EXHAUSTED: No�room
   The client reports RESOURCE_EXHAUSTED after 1m0s and 3 polls, 2.0s for you.
`
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

// On a terminal the polls of one state share a line.
func TestLiveLines(t *testing.T) {
	var out strings.Builder
	polls(show(terminal.Output{Writer: &out, Live: true}))
	text := out.String()
	if got := strings.Count(text, "\r\x1b[K"); got != 4 {
		t.Errorf("%d updates, want 4: %q", got, text)
	}
	if got := strings.Count(text, "\n"); got != 4 {
		t.Errorf("%d lines, want one a state and the verdict: %q", got, text)
	}
}

func TestNextFitsTheTerminal(t *testing.T) {
	var out strings.Builder
	show(terminal.Output{Writer: &out}).next("./bin/optest", "opr00000000000000001")
	for line := range strings.Lines(out.String()) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 79 {
			t.Errorf("%d columns, want at most 79: %s", n, line)
		}
	}
	if strings.Contains(out.String(), "PROGRAM") || strings.Contains(out.String(), "OPERATION") {
		t.Errorf("a blank is left:\n%s", out.String())
	}
}

type broken struct{}

var errBroken = errors.New("broken")

func (broken) Write([]byte) (int, error) { return 0, errBroken }

func TestOutputFails(t *testing.T) {
	s := show(terminal.Output{Writer: broken{}})
	polls(s)
	if !errors.Is(s.err, errBroken) {
		t.Errorf("error %v, want that of the output", s.err)
	}
	if err := Run(t.Context(), terminal.Output{Writer: broken{}}, "optest"); !errors.Is(err, errBroken) {
		t.Errorf("error %v, want that of the output", err)
	}
}
