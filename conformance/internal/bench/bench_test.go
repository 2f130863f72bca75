package main

import (
	"strings"
	"testing"
)

// Every measure is taken, small: a million operations through a proxy take minutes,
// and a hundred show as well that nothing breaks and that no rule objects.
func TestMeasures(t *testing.T) {
	small := scale{Rounds: 1, Events: 3_000, Operations: 300, Turns: 3, Soak: 100}
	for _, m := range measures {
		rows, err := m.take(t.Context(), small)
		if err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
		for _, r := range rows {
			if r.Figure == 0 || r.Bar == "" || r.How == "" {
				t.Errorf("%s: got %+v", m.name, r)
			}
		}
	}
}

func TestTable(t *testing.T) {
	rows := []row{
		{"a", 260_123.4, "events/s", &want{atLeast, 250_000}, "Somehow."},
		{"b", 201, "MB", &want{atMost, 200}, "Somehow."},
		{"c", 1.234, "x", nil, "In another way."},
	}
	var out strings.Builder
	if err := printed(&out, rows); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"260,123 events/s", ">= 250,000 events/s", "pass", "201 MB", "short", "1.23 x", "In another way."} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
	if strings.Count(out.String(), "Somehow.") != 1 {
		t.Errorf("what rows have in common is told more than once:\n%s", out.String())
	}
	if !short(rows) || short(rows[:1]) {
		t.Error("a short figure goes unnoticed, or one that is not")
	}
}

func TestArguments(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"--only", "nothing"}, "matches no measure, want one of proxy, hook, memory, rules"},
		{[]string{"--only", "("}, "want a regular expression"},
		{[]string{"--fast"}, "not defined"},
	} {
		var out, told strings.Builder
		code, err := run(t.Context(), tt.args, &out, &told)
		if code != 2 || err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: got %d: %v, want 2 and %q", tt.args, code, err, tt.want)
		}
	}
}
