package constraint

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// maxPatternShown bounds how much of a pattern a description repeats, in bytes:
// the documented list of languages alone has over 400.
const maxPatternShown = 160

// pattern is a rule on a text that must match as a whole.
type pattern struct {
	re   *regexp.Regexp
	want string
	text func(protoreflect.Value) (string, bool)
}

func newPattern(expr string, text func(protoreflect.Value) (string, bool)) (*pattern, error) {
	expr = countRepeats(expr)
	// Checked alone first: `a)|(b` is an error that the brackets would hide.
	if _, err := syntax.Parse(expr, syntax.Perl); err != nil {
		return nil, patternError(expr, err)
	}
	re, err := regexp.Compile(`\A(?:` + expr + `)\z`)
	if err != nil {
		return nil, patternError(expr, err)
	}
	return &pattern{re: re, want: shorten(expr, maxPatternShown), text: text}, nil
}

func patternError(expr string, err error) error {
	return fmt.Errorf("%q, want a regular expression in RE2 syntax: %w", shorten(expr, maxPatternShown), err)
}

func (p *pattern) holds(v protoreflect.Value) bool {
	s, ok := p.text(v)
	return ok && p.re.MatchString(s)
}

func (p *pattern) describe(protoreflect.Value) string {
	return "must match the pattern " + p.want + " as a whole"
}

// repeatToken splits a pattern into what may hold braces without meaning them
// (an escape, a class) and a repeat without a lower count.
var repeatToken = regexp.MustCompile(`(?s)\\.|\[\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])*\]|\{,\d+\}`)

// countRepeats writes `x{,19}` as `x{0,19}`.
func countRepeats(expr string) string {
	if !strings.Contains(expr, "{,") {
		return expr
	}
	return repeatToken.ReplaceAllStringFunc(expr, func(token string) string {
		if upper, found := strings.CutPrefix(token, "{,"); found {
			return "{0," + upper
		}
		return token
	})
}
