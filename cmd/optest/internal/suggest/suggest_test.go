package suggest_test

import (
	"testing"

	"github.com/optest-dev/optest/cmd/optest/internal/suggest"
)

func TestMeant(t *testing.T) {
	names := []string{"scenarios", "speed", "seed", "tls", "tls-root-out", "early-error"}
	for word, want := range map[string]string{
		"scenario":        "did you mean --scenarios?",
		"speeed":          "did you mean --speed or --seed?",
		"tls-root":        "did you mean --tls-root-out?",
		"erly-eror":       "did you mean --early-error?",
		"nothing-like-it": "",
		"":                "",
	} {
		if got := suggest.Meant(word, "--", names); got != want {
			t.Errorf("%s: %q, want %q", word, got, want)
		}
	}
}

func TestOr(t *testing.T) {
	for want, words := range map[string][]string{
		"":          nil,
		"a":         {"a"},
		"a or b":    {"a", "b"},
		"a, b or c": {"a", "b", "c"},
	} {
		if got := suggest.Or(words); got != want {
			t.Errorf("%q: %q, want %q", words, got, want)
		}
	}
}
