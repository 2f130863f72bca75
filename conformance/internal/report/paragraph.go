package report

import (
	"io"
	"strings"
	"unicode/utf8"
)

// ink is an SGR sequence's parameters.
type ink string

// The few that can be read on dark and light grounds alike.
const (
	noInk  ink = ""
	bold   ink = "1"
	dim    ink = "2"
	red    ink = "31"
	green  ink = "32"
	yellow ink = "33"
)

// sheet is lines of text of a width, for a terminal or a file.
type sheet struct {
	b     strings.Builder
	style Text
}

func (s *sheet) flush(out io.Writer) error { return written(out, []byte(s.b.String())) }

// paint colours text, where colours are wanted.
func (s *sheet) paint(i ink, text string) string {
	if !s.style.Colour || i == noInk || text == "" {
		return text
	}
	return "\x1b[" + string(i) + "m" + text + "\x1b[0m"
}

func (s *sheet) blank() { s.b.WriteByte('\n') }

// line writes text as it is.
func (s *sheet) line(i ink, text string) {
	s.b.WriteString(s.paint(i, text))
	s.blank()
}

// wrap writes plain text in lines that begin with an indent; the first begins with
// the lead instead, which has as many columns.
func (s *sheet) wrap(i ink, lead, indent, text string) {
	const least = 20
	width := max(least, s.style.width()-utf8.RuneCountInString(indent))
	for n, part := range strings.Split(text, "\n") {
		if n > 0 {
			lead = indent
		}
		for _, l := range broken(part, width) {
			s.b.WriteString(lead + s.paint(i, l))
			s.blank()
			lead = indent
		}
	}
}

// broken is text in lines of at most so many characters. A word that is longer has
// a line of its own: it may be a link or a command.
func broken(text string, width int) []string {
	var lines []string
	line, length := "", 0
	for _, word := range strings.Fields(text) {
		n := utf8.RuneCountInString(word)
		if length > 0 && length+1+n > width {
			lines = append(lines, line)
			line, length = "", 0
		}
		if length > 0 {
			line, length = line+" ", length+1
		}
		line, length = line+word, length+n
	}
	return append(lines, line)
}
