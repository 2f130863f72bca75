package constraint

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
)

// maxOptionText bounds what is parsed of one option; the longest range in use
// has 83 characters.
const maxOptionText = 1024

// edge says whether a span ends somewhere, and whether its end belongs to it.
type edge uint8

const (
	unbounded edge = iota
	inclusive
	exclusive
)

type span[T cmp.Ordered] struct {
	low, high         T
	lowEdge, highEdge edge
}

// contains is written so that a NaN is in no span.
func (s span[T]) contains(v T) bool {
	above := s.lowEdge == unbounded || v > s.low || s.lowEdge == inclusive && v == s.low
	below := s.highEdge == unbounded || v < s.high || s.highEdge == inclusive && v == s.high
	return above && below
}

func (s span[T]) single() bool {
	return s.lowEdge == inclusive && s.highEdge == inclusive && s.low == s.high
}

// set is what an option allows: the union of its spans.
type set[T cmp.Ordered] []span[T]

func (s set[T]) contains(v T) bool {
	for _, part := range s {
		if part.contains(v) {
			return true
		}
	}
	return false
}

// parseSet reads the text of an option, whose numbers read understands.
func parseSet[T cmp.Ordered](text string, read func(string) (T, error)) (set[T], error) {
	if len(text) > maxOptionText {
		return nil, fmt.Errorf("%d bytes, want at most %d", len(text), maxOptionText)
	}
	var s set[T]
	for item := range strings.SplitSeq(text, ",") {
		part, err := parseSpan(strings.TrimSpace(item), read)
		if err != nil {
			return nil, fmt.Errorf("%q, %w", text, err)
		}
		s = append(s, part)
	}
	return s, nil
}

var errForm = errors.New(`want a form such as "20", "1-63", "<=50", ">0" or "0,3" in the unit of the field`)

func parseSpan[T cmp.Ordered](item string, read func(string) (T, error)) (span[T], error) {
	for _, op := range []struct {
		sign string
		span span[T]
	}{
		{"<=", span[T]{highEdge: inclusive}},
		{"<", span[T]{highEdge: exclusive}},
		{">=", span[T]{lowEdge: inclusive}},
		{">", span[T]{lowEdge: exclusive}},
	} {
		rest, found := strings.CutPrefix(item, op.sign)
		if !found {
			continue
		}
		n, err := read(strings.TrimSpace(rest))
		if err != nil {
			return span[T]{}, errForm
		}
		op.span.low, op.span.high = n, n
		return op.span, nil
	}
	if n, err := read(item); err == nil {
		return span[T]{low: n, high: n, lowEdge: inclusive, highEdge: inclusive}, nil
	}
	// A minus may be a sign or part of an exponent, so the dash that separates is
	// the one with a number on both sides.
	for i := 1; i < len(item)-1; i++ {
		if item[i] != '-' {
			continue
		}
		high, err := read(strings.TrimSpace(item[i+1:]))
		if err != nil {
			continue
		}
		low, err := read(strings.TrimSpace(item[:i]))
		if err != nil {
			continue
		}
		if low > high {
			return span[T]{}, errors.New("want the lower end of a range first")
		}
		return span[T]{low: low, high: high, lowEdge: inclusive, highEdge: inclusive}, nil
	}
	return span[T]{}, errForm
}

// unit is what a number counts; both are empty for a bare number.
type unit struct{ one, many string }

// words says what is allowed in the way a person would: "from 1 to 63
// characters", "0 or 3 characters", "at most 10m".
func (s set[T]) words(show func(T) string, of unit) string {
	var b strings.Builder
	for i, part := range s {
		switch {
		case i == 0:
		case i == len(s)-1:
			b.WriteString(" or ")
		default:
			b.WriteString(", ")
		}
		if part.single() && len(s) > 1 {
			b.WriteString(show(part.low))
		} else {
			b.WriteString(part.words(show, of))
		}
	}
	if of.many == "" {
		return b.String()
	}
	b.WriteByte(' ')
	if len(s) == 1 && s[0].countsOne(show) {
		b.WriteString(of.one)
	} else {
		b.WriteString(of.many)
	}
	return b.String()
}

func (s span[T]) words(show func(T) string, of unit) string {
	switch {
	case s.single():
		return "exactly " + show(s.low)
	case s.lowEdge == unbounded && s.highEdge == inclusive:
		return "at most " + show(s.high)
	case s.lowEdge == unbounded && of.many != "":
		return "fewer than " + show(s.high)
	case s.lowEdge == unbounded:
		return "less than " + show(s.high)
	case s.highEdge == unbounded && s.lowEdge == inclusive:
		return "at least " + show(s.low)
	case s.highEdge == unbounded:
		return "more than " + show(s.low)
	}
	return "from " + show(s.low) + " to " + show(s.high)
}

// countsOne reports whether the only number that words prints is a one.
func (s span[T]) countsOne(show func(T) string) bool {
	return (s.single() || s.lowEdge == unbounded || s.highEdge == unbounded) && show(s.high) == "1"
}
