package glob

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"CopyFromDesktop", "CopyFromDesktop", true},
		{"Copy*", "CopyFromDesktop", true},
		{"*Desktop", "CopyFromDesktop", true},
		{"*", "", true},
		{"**", "a", true},
		{"*a*b", "xaxaxb", true},
		{"C?py", "Copy", true},
		{"К?пия", "Копия", true},
		{`C\opy`, "Copy", true},
		{`\*`, "*", true},
		{`\*`, "a", false},
		{`a\`, `a\`, true}, // nothing comes after it
		{"?", "", false},
		{"Copy", "CopyFromDesktop", false},
		{"*a*b", "xbxa", false},
		{"", "", true},
		{"", "a", false},
	} {
		if got := Match(c.pattern, c.text); got != c.want {
			t.Errorf("Match(%q, %q) is %v, want %v", c.pattern, c.text, got, c.want)
		}
	}
}

func TestMethod(t *testing.T) {
	const full = "yandex.cloud.clouddesktop.v1.api.DesktopImageService/CopyFromDesktop"
	for pattern, want := range map[string]bool{
		full:                                  true,
		"DesktopImageService/CopyFromDesktop": true,
		"CopyFromDesktop":                     true,
		"Copy*":                               true,
		"*Service/*":                          true,
		"api.DesktopImageService/CopyFromDesktop": false,
		"/" + full: false,
		"Copy":     false,
		"":         false,
	} {
		if got := Method(pattern, full); got != want {
			t.Errorf("Method(%q) is %v, want %v", pattern, got, want)
		}
	}
	if !Method("Copy", "Copy") || Method("Copy", "") || !Method("b/c", "a.b/c") || !Method("b/c", "b/c") {
		t.Error("names with fewer parts are matched otherwise")
	}
}

// expression is the regular expression that means the same as a pattern.
func expression(pattern string) *regexp.Regexp {
	var b strings.Builder
	runes := []rune(pattern)
	for i := 0; i < len(runes); i++ {
		switch r := runes[i]; {
		case r == '*':
			b.WriteString(`(?s:.*)`)
		case r == '?':
			b.WriteString(`(?s:.)`)
		case r == '\\' && i+1 < len(runes):
			i++
			b.WriteString(regexp.QuoteMeta(string(runes[i])))
		default:
			b.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	return regexp.MustCompile(`^` + b.String() + `$`)
}

func TestMatchIsItsExpression(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringOf(rapid.SampledFrom([]rune(`ab*?\ж`))).Draw(t, "pattern")
		text := rapid.StringOf(rapid.SampledFrom([]rune(`ab*?\ж`))).Draw(t, "text")
		if got, want := Match(pattern, text), expression(pattern).MatchString(text); got != want {
			t.Fatalf("pattern %q matches %q: %v, want %v", pattern, text, got, want)
		}
	})
}

// The worst case for a matcher that tries every split.
func TestMatchTakesNoExponentialTime(t *testing.T) {
	if Match(strings.Repeat("*a", 200)+"b", strings.Repeat("a", 20000)) {
		t.Error("matched, want no match")
	}
}
