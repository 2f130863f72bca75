package trace

import (
	"errors"
	"strconv"
	"strings"
)

// ErrTruncated marks the end of a file that stops in the middle of a line or of
// its compressed stream, because its writer was interrupted. What comes before
// it is whole.
var ErrTruncated = errors.New("truncated")

// Error is what is wrong with a file.
type Error struct {
	File string
	// Line is counted from 1. It is 0 where the file could not be read at all.
	Line int
	// Message says what is wrong and what is allowed.
	Message string
	// Err is the cause, if there is one, such as fs.ErrNotExist or [ErrTruncated].
	Err error
}

// Error is `file:line: message`, which editors and terminals take for a link.
func (e *Error) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Message
	}
	return e.File + ":" + strconv.Itoa(e.Line) + ": " + e.Message
}

func (e *Error) Unwrap() error { return e.Err }

// quote shortens what came from outside to what a message can hold.
func quote(s string) string {
	const longest = 80
	if len(s) <= longest {
		return strconv.Quote(s)
	}
	cut := longest
	for cut > 0 && s[cut]&0xC0 == 0x80 {
		cut--
	}
	return strconv.Quote(s[:cut]) + "…"
}

// plainly is the text of an error of package protojson, which varies its spaces
// and counts lines of its own.
func plainly(err error) string {
	text := strings.ReplaceAll(err.Error(), "\u00a0", " ")
	text = strings.TrimPrefix(text, "proto: ")
	if rest, ok := strings.CutPrefix(text, "syntax error "); ok {
		text = rest
	}
	if rest, ok := strings.CutPrefix(text, "(line 1:"); ok {
		if column, what, ok := strings.Cut(rest, "): "); ok {
			return "at column " + column + ": " + what
		}
	}
	return text
}
