package drift

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// span is a range of numbers with both ends in it. Descriptors leave the end out for messages and keep it in for enums.
type span struct{ first, last int64 }

func fieldSpans(ranges protoreflect.FieldRanges) []span {
	spans := make([]span, 0, ranges.Len())
	for i := range ranges.Len() {
		r := ranges.Get(i)
		spans = append(spans, span{int64(r[0]), int64(r[1]) - 1})
	}
	return spans
}

func enumSpans(ranges protoreflect.EnumRanges) []span {
	spans := make([]span, 0, ranges.Len())
	for i := range ranges.Len() {
		r := ranges.Get(i)
		spans = append(spans, span{int64(r[0]), int64(r[1])})
	}
	return spans
}

// reserved compares sets of numbers, so that "5, 6, 7" and "5 to 7" are the same.
func (c *comparison) reserved(element string, ours, theirs []span) {
	c.declaration(element, "reserved numbers", spanText(minus(ours, theirs)), "")
	c.declaration(element, "reserved numbers", "", spanText(minus(theirs, ours)))
}

func (c *comparison) reservedNames(element string, ours, theirs protoreflect.Names) {
	for i := range ours.Len() {
		if name := ours.Get(i); !theirs.Has(name) {
			c.declaration(element, "reserved name", strconv.Quote(string(name)), "")
		}
	}
	for i := range theirs.Len() {
		if name := theirs.Get(i); !ours.Has(name) {
			c.declaration(element, "reserved name", "", strconv.Quote(string(name)))
		}
	}
}

// reuse records a field or value of theirs that takes what we reserve: old peers may still send it with its old meaning.
func (c *comparison) reuse(within string, name protoreflect.Name, number int32, nameReserved, numberReserved bool) {
	if nameReserved {
		c.attribute(within+string(name), "name", "reserved", "used")
	}
	if numberReserved {
		c.attribute(within+string(name), "number", "reserved", strconv.Itoa(int(number)))
	}
}

// minus returns the numbers of from that are not in without, as few spans in ascending order.
func minus(from, without []span) []span {
	from, without = merged(from), merged(without)
	var left []span
	for _, s := range from {
		for _, w := range without {
			if w.last < s.first || w.first > s.last {
				continue
			}
			if w.first > s.first {
				left = append(left, span{s.first, w.first - 1})
			}
			s.first = w.last + 1
		}
		if s.first <= s.last {
			left = append(left, s)
		}
	}
	return left
}

// merged sorts spans and joins those that overlap or touch.
func merged(spans []span) []span {
	sorted := slices.SortedFunc(slices.Values(spans), func(a, b span) int { return cmp.Compare(a.first, b.first) })
	var out []span
	for _, s := range sorted {
		if n := len(out); n > 0 && s.first <= out[n-1].last+1 {
			out[n-1].last = max(out[n-1].last, s.last)
			continue
		}
		out = append(out, s)
	}
	return out
}

func spanText(spans []span) string {
	texts := make([]string, 0, len(spans))
	for _, s := range spans {
		text := strconv.FormatInt(s.first, 10)
		if s.last > s.first {
			text += "-" + strconv.FormatInt(s.last, 10)
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, ", ")
}
