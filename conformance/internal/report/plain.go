package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// plain makes text from outside fit for one line of whatever shows it: what is
// not printable becomes U+FFFD, so that it can't move a cursor, begin a line or
// turn the direction of writing.
func plain(text string) string {
	if !strings.ContainsFunc(text, odd) {
		return strings.ToValidUTF8(text, string(unicode.ReplacementChar))
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			return ' '
		case odd(r):
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

func odd(r rune) bool { return !unicode.IsPrint(r) }

func plainly(list []string) []string {
	var result []string
	for _, text := range list {
		result = append(result, plain(text))
	}
	return result
}

// paragraphs is plain for text of several lines.
func paragraphs(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, l := range lines {
		lines[i] = plain(strings.TrimRight(l, " \t\r"))
	}
	return strings.Join(lines, "\n")
}

// bounded cuts text to so many bytes and says so.
func bounded(text string, most int) string {
	if len(text) <= most {
		return text
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}

// clipped cuts plain text to so many characters.
func clipped(text string, most int) string {
	if len(text) <= most {
		return text
	}
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	return strings.TrimRight(string(runes[:most-1]), " ") + "…"
}

// counted is a number of things, such as 1 error or 2 errors.
func counted[N int | uint32 | uint64](n N, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return grouped(uint64(n)) + " " + thing + "s"
}

// grouped is a number with its thousands apart.
func grouped(n uint64) string {
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// listed reads "a, b or c".
func listed(words []string, last string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	n := len(words) - 1
	return strings.Join(words[:n], ", ") + " " + last + " " + words[n]
}
