package terminal

import (
	"strings"
	"unicode"
)

// Style is a way to show text on a terminal, as the parameters of an SGR
// sequence (ECMA-48, 8.3.117).
type Style string

// The few that are readable on dark and light grounds alike.
const (
	Bold   Style = "1"
	Dim    Style = "2"
	Red    Style = "31"
	Green  Style = "32"
	Yellow Style = "33"
)

// Paint returns text in the style where colours are wanted, otherwise as it is.
func (o Output) Paint(s Style, text string) string {
	if !o.Colour || s == "" || text == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}

// Plain makes text from outside fit for one line of a terminal: what is not
// printable becomes U+FFFD, so that it can't move the cursor or begin a line.
func Plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)
}

// Cut shortens plain text to so many characters, 0 for no limit.
func Cut(text string, width int) string {
	runes := []rune(text)
	if width <= 0 || len(runes) <= width {
		return text
	}
	if width == 1 {
		return "…"
	}
	return strings.TrimRight(string(runes[:width-1]), " ") + "…"
}
