package timeline

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestColumns(t *testing.T) {
	for text, want := range map[string]int{"": 0, "abc": 3, "äöü": 3, "e\u0301": 1, "漢字": 4, "😀": 2, "●○■│┊▼✗…": 8, "\uFFFD": 1} {
		if got := columns(text); got != want {
			t.Errorf("%q: got %d columns, want %d", text, got, want)
		}
	}
}

func TestWrap(t *testing.T) {
	for _, tt := range []struct {
		text string
		most int
		want []string
	}{
		{"", 5, nil},
		{"a b c", 5, []string{"a b c"}},
		{"a b c", 4, []string{"a b", "c"}},
		{"abcdefg hi", 3, []string{"abc", "def", "g", "hi"}},
		{"abcdefg hi", 4, []string{"abcd", "efg", "hi"}},
		{"漢字 a", 3, []string{"漢", "字", "a"}},
	} {
		if got := Wrap(tt.text, tt.most); !slices.Equal(got, tt.want) {
			t.Errorf("%q to %d: got %q, want %q", tt.text, tt.most, got, tt.want)
		}
	}
}

func TestWrapLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.SampledFrom([]rune("ab ä漢"))).Draw(t, "text")
		most := rapid.IntRange(2, 10).Draw(t, "most")
		lines := Wrap(text, most)
		for _, line := range lines {
			if columns(line) > most || line == "" {
				t.Fatalf("%q to %d gives %q", text, most, lines)
			}
		}
		bare := func(s string) string { return strings.ReplaceAll(s, " ", "") }
		if bare(strings.Join(lines, "")) != bare(text) {
			t.Fatalf("%q to %d gives %q", text, most, lines)
		}
	})
}

func TestQuote(t *testing.T) {
	unicode, ascii := texts{Unicode}, texts{ASCII}
	for text, want := range map[string][2]string{
		"a  b\n c":               {`"a b c"`, `"a b c"`},
		"ä":                      {`"ä"`, `"\u00e4"`},
		"\x1b[31m":               {"\"\uFFFD[31m\"", `"\ufffd[31m"`},
		strings.Repeat("a", 101): {`"` + strings.Repeat("a", 99) + `…"`, `"` + strings.Repeat("a", 99) + `~"`},
	} {
		if got := [2]string{unicode.quote(text), ascii.quote(text)}; got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	for text, want := range map[string]string{"a": "a", "": `""`, "a b": `"a b"`, "ä": `"ä"`, "a*/b-c": "a*/b-c"} {
		if got := unicode.word(text); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
	if got := unicode.some(strings.Split("abcdefgh", "")); got != "a, b, c, d, e and 3 more" {
		t.Errorf("got %q, want the first five", got)
	}
}
