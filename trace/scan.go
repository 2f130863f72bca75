package trace

import (
	"bytes"
	"time"
	"unicode/utf8"
)

// scanner reads JSON as a [Writer] spells it: no spaces, no unusual escapes.
// What is spelt otherwise sets failed, and package protojson has to read it.
type scanner struct {
	data   []byte
	at     int
	failed bool
}

func (s *scanner) take(c byte) {
	if s.at < len(s.data) && s.data[s.at] == c {
		s.at++
	} else {
		s.failed = true
	}
}

func (s *scanner) peek() byte {
	if s.at < len(s.data) {
		return s.data[s.at]
	}
	return 0
}

// plain is the inside of a string without escapes.
func (s *scanner) plain() []byte {
	s.take('"')
	if s.failed {
		return nil
	}
	rest := s.data[s.at:]
	ascii := true
	for i, c := range rest {
		switch {
		case c == '"':
			s.at += i + 1
			if !ascii && !utf8.Valid(rest[:i]) {
				s.failed = true
			}
			return rest[:i]
		case c == '\\' || c < ' ':
			s.failed = true
			return nil
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	s.failed = true
	return nil
}

// text is a string with or without simple escapes. The result is shared with the
// data or with escaped, which it may grow.
func (s *scanner) text(escaped *[]byte) []byte {
	if s.failed {
		return nil
	}
	start := s.at
	if raw := s.plain(); !s.failed || s.at != start+1 {
		return raw // or there was no string, or one that is not UTF-8
	}
	s.failed = false
	out := (*escaped)[:0]
	for s.at < len(s.data) {
		c := s.data[s.at]
		s.at++
		switch {
		case c == '"':
			*escaped = out
			if !utf8.Valid(out) {
				s.failed = true
			}
			return out
		case c < ' ':
			s.failed = true
			return nil
		case c != '\\':
			out = append(out, c)
			continue
		}
		switch c = s.peek(); c {
		case '"', '\\':
			out = append(out, c)
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		default:
			s.failed = true
			return nil
		}
		s.at++
	}
	s.failed = true
	return nil
}

// quoted is the integer in a string.
func (s *scanner) quoted() uint64 {
	s.take('"')
	n := s.integer()
	s.take('"')
	return n
}

func (s *scanner) integer() uint64 {
	var n uint64
	start := s.at
	for s.at < len(s.data) && '0' <= s.data[s.at] && s.data[s.at] <= '9' {
		n = 10*n + uint64(s.data[s.at]-'0')
		s.at++
	}
	const safe = 18 // digits that fit a number in any case
	if digits := s.at - start; digits == 0 || digits > safe || digits > 1 && s.data[start] == '0' {
		s.failed = true
	}
	return n
}

// span is a duration that is not negative.
func (s *scanner) span() time.Duration {
	s.take('"')
	start := s.at
	seconds := s.integer()
	const most = 9 // digits of seconds that fit a Duration in any case
	if s.at-start > most {
		s.failed = true
	}
	var nanos uint64
	if s.peek() == '.' {
		s.at++
		digits := 0
		for ; digits < 9 && '0' <= s.peek() && s.peek() <= '9'; digits++ {
			nanos = 10*nanos + uint64(s.peek()-'0')
			s.at++
		}
		if digits == 0 {
			s.failed = true
		}
		for ; digits < 9; digits++ {
			nanos *= 10
		}
	}
	s.take('s')
	s.take('"')
	return time.Duration(seconds)*time.Second + time.Duration(nanos)
}

// value skips an object or an array and returns its text, which may be any text
// in balanced brackets.
func (s *scanner) value() []byte {
	start, depth := s.at, 0
	if c := s.peek(); c != '{' && c != '[' {
		s.failed = true
		return nil
	}
	for s.at < len(s.data) {
		switch s.data[s.at] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case '"':
			if !s.skipString() {
				s.failed = true
				return nil
			}
			continue
		}
		s.at++
		if depth == 0 {
			return s.data[start:s.at]
		}
	}
	s.failed = true
	return nil
}

func (s *scanner) skipString() bool {
	for i := s.at + 1; ; {
		n := bytes.IndexByte(s.data[i:], '"')
		if n < 0 {
			return false
		}
		i += n + 1
		slashes := 0
		for s.data[i-2-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			s.at = i
			return true
		}
	}
}
