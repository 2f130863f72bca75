package rest

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestQuoteIsBounded(t *testing.T) {
	for text, want := range map[string]string{
		"":                                     `""`,
		"a\"b\n":                               `"a\"b\n"`,
		strings.Repeat("x", maxQuoted):         `"` + strings.Repeat("x", maxQuoted) + `"`,
		strings.Repeat("x", maxQuoted+1):       `"` + strings.Repeat("x", maxQuoted) + `" and 1 bytes more`,
		strings.Repeat("x", maxQuoted-1) + "é": `"` + strings.Repeat("x", maxQuoted-1) + `" and 2 bytes more`,
	} {
		if got := quote(text); got != want {
			t.Errorf("quote(%q) = %s, want %s", text, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text := string(rapid.SliceOfN(rapid.Byte(), 0, 400).Draw(t, "text"))
		if got := quote(text); len(got) > 5*maxQuoted || !utf8.ValidString(got) {
			t.Fatalf("quote of %d bytes is %d long: %s", len(text), len(got), got)
		}
	})
}
