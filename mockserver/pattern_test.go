package mockserver

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// expression is the regular expression that means the same as p.
func expression(p pattern) *regexp.Regexp {
	var b strings.Builder
	runes := []rune(string(p))
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

func TestPatternIsItsExpression(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := pattern(rapid.StringOf(rapid.SampledFrom([]rune(`ab*?\ж`))).Draw(t, "pattern"))
		text := rapid.StringOf(rapid.SampledFrom([]rune(`ab*?\ж`))).Draw(t, "text")
		if got, want := p.matches(text), expression(p).MatchString(text); got != want {
			t.Fatalf("pattern %q matches %q: %v, want %v", p, text, got, want)
		}
	})
}

// The worst case for a matcher that tries every split.
func TestPatternTakesNoExponentialTime(t *testing.T) {
	p := pattern(strings.Repeat("*a", 200) + "b")
	if p.matches(strings.Repeat("a", 20000)) {
		t.Error("matched, want no match")
	}
}
