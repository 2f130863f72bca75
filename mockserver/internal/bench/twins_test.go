package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

// The test binary starts itself as the program does.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == serveCommand {
		main()
		return
	}
	m.Run()
}

var tiny = scale{Rounds: 2, Round: turn, Live: 200, Scenarios: 30, Journal: 4_000}

func TestMeasuresOfTwins(t *testing.T) {
	for _, tt := range []struct {
		take func(context.Context, scale) ([]row, error)
		want []string
	}{
		{manyOperations, []string{"Get with 200 live operations vs 1", "memory of 200 live operations, heap"}},
		{manyScenarios, []string{"CopyFromDesktop with 30 scenarios vs 10", "  start and first answer"}},
		{longJournal, []string{"Get with 4,000 calls in the journal vs 2,048", "  memory of the journal"}},
	} {
		t.Run(tt.want[0], func(t *testing.T) {
			rows, err := tt.take(t.Context(), tiny)
			if err != nil {
				t.Fatal(err)
			}
			for _, bar := range tt.want {
				i := slices.IndexFunc(rows, func(r row) bool { return r.Bar == bar })
				if i < 0 {
					t.Fatalf("got %v, want a row %q", rows, bar)
				}
				if r := rows[i]; r.Optest == nil || *r.Optest <= 0 || r.How == "" || r.Figure <= 0 {
					t.Errorf("got %+v, want a figure and how it was taken", r)
				}
			}
			if ratio := rows[0]; ratio.Want == nil || ratio.Verdict == told || ratio.FigureUnit != "x" {
				t.Errorf("got %+v, want a ratio with a bar", ratio)
			}
		})
	}
}

// Too few operations pass any bar on their memory.
func TestMemoryIsJudgedOfAMillion(t *testing.T) {
	s := tiny
	for _, tt := range []struct {
		live int
		is   verdict
	}{{million - 1, told}, {million, pass}} {
		s.Live = tt.live
		c, err := startChild(t.Context(), ofOperations, s)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := memoryOf(c, s, "how")
		if closed := c.close(); err != nil || closed != nil {
			t.Fatal(err, closed)
		}
		if got := rows[0].Verdict; got != tt.is {
			t.Errorf("heap with %d operations is judged %q, want %q", tt.live, got, tt.is)
		}
	}
}

func TestChildAnswers(t *testing.T) {
	encoded, err := json.Marshal(tiny)
	if err != nil {
		t.Fatal(err)
	}
	for name, servers := range map[string]int{ofOptest: 1, ofBare: 1, ofOperations: 2, ofScenarios: 2, ofJournals: 2} {
		var out bytes.Buffer
		in := strings.NewReader(string(encoded) + "\nused\nkept\nneeded\n")
		if err := serveSubject(t.Context(), name, in, &out); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		answers := json.NewDecoder(&out)
		var addresses []string
		if err := answers.Decode(&addresses); err != nil || len(addresses) != servers {
			t.Errorf("%s serves %q and %v, want %d addresses", name, addresses, err, servers)
		}
		for range 3 {
			if u := (usage{}); answers.Decode(&u) != nil || u.Heap == 0 || u.Mallocs == 0 {
				t.Errorf("%s has used %+v, want a heap", name, u)
			}
		}
	}
}

func TestChildRefuses(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"teapot", "{}\n", `subject "teapot", want optest, bare`},
		{ofOptest, "", "scale of optest"},
		{ofOptest, "used\n", "scale of optest"},
		{ofJournals, `{"Journal": -1}`, "Journal -1, want 1 or more"},
	} {
		var out bytes.Buffer
		err := serveSubject(t.Context(), tt.name, strings.NewReader(tt.in), &out)
		if err == nil || !strings.Contains(err.Error(), tt.want) || out.Len() > 0 {
			t.Errorf("%s with %q: %v and %q, want an error with %q", tt.name, tt.in, err, &out, tt.want)
		}
	}
}

func TestPlaysSeesTheDefault(t *testing.T) {
	c, err := dial(mock(t), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	if err := plays(t.Context(), c[0], desktop(1)); err == nil || !strings.Contains(err.Error(), `want "for-desktop-1"`) {
		t.Errorf("got %v of a server that has no scenario for the desktop, want an error", err)
	}
}

func TestRoundsAreWholeTurns(t *testing.T) {
	for _, s := range []scale{full, quick} {
		if s.Round < turn || s.Round%turn != 0 {
			t.Errorf("a round of %v, want turns of %v", s.Round, turn)
		}
	}
}
