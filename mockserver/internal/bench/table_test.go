package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func TestVerdicts(t *testing.T) {
	for _, tt := range []struct {
		figure float64
		want   *want
		is     verdict
	}{
		{0.9, &want{atLeast, 0.9}, pass},
		{0.89, &want{atLeast, 0.9}, short},
		{20, &want{atMost, 20}, pass},
		{20.1, &want{atMost, 20}, short},
		{1, nil, told},
	} {
		if got := judge(tt.figure, tt.want); got != tt.is {
			t.Errorf("%v against %v is %s, want %s", tt.figure, tt.want, got, tt.is)
		}
	}
}

func TestTable(t *testing.T) {
	pairs := []pair{{90, 100}, {95, 100}, {99, 100}, {110, 100}, {80, 100}}
	r := newResult()
	r.Rows = []row{
		ratio("throughput", "calls/s", pairs, &want{atLeast, 0.9}, "two servers in turns"),
		figure("memory", "B", pairs, &want{atMost, 40}, "the heap"),
		{Bar: "elsewhere", Verdict: absent, How: "this system has none"},
	}
	if !r.short() {
		t.Error("a run with a short figure is not short")
	}
	var text, encoded bytes.Buffer
	if err := printText(&text, r); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"throughput   95.0 calls/s   100 calls/s   0.95 x (0.90 to 0.99)   >= 0.90 x   pass",
		"memory       95.0 B         100 B         95.0 B (90.0 to 99.0)   <= 40.0 B   short",
		"bar          optest         baseline      figure                  want        verdict",
		"n/a",
		"two servers in turns",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, &text)
		}
	}
	if err := printJSON(&encoded, r); err != nil {
		t.Fatal(err)
	}
	var back result
	if err := json.Unmarshal(encoded.Bytes(), &back); err != nil || len(back.Rows) != 3 || back.Rows[1].Verdict != short {
		t.Errorf("as JSON: %v\n%s", err, &encoded)
	}
}

func TestCommandLine(t *testing.T) {
	for _, args := range [][]string{{"--format", "xml"}, {"--only", "("}, {"--only", "no such measure"}, {"--nothing"}} {
		var out, progress bytes.Buffer
		if code, err := run(t.Context(), args, &out, &progress); code != 2 || err == nil || out.Len() > 0 {
			t.Errorf("%q: code %d, error %v and %q, want 2, an error and no table", args, code, err, &out)
		}
	}
}

func TestGrouped(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1_000: "1,000", 12_345: "12,345", 1_000_000: "1,000,000", 100_200_300: "100,200,300"} {
		if got := grouped(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}
