package trace

import (
	"encoding/base64"
	"strconv"

	"google.golang.org/protobuf/types/known/durationpb"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// repeat writes what is repeated, for nearly every line of a trace of polls.
func (o *object) repeat(r *optestv1.Event_Repeat) {
	if r == nil {
		return
	}
	o.key("repeat")
	inner := object{o.buf, '{'}
	inner.count("count", r.GetCount())
	inner.key("lastNumber")
	inner.buf = append(strconv.AppendUint(append(inner.buf, '"'), r.GetLastNumber(), 10), '"')
	inner.span("lastCalled", r.GetLastCalled().AsDuration())
	inner.span("lastReturned", r.GetLastReturned().AsDuration())
	inner.bytes("steps", r.GetSteps())
	for i, c := range r.GetColumns() {
		if i == 0 {
			inner.key("columns")
			inner.buf = append(inner.buf, '[')
		} else {
			inner.buf = append(inner.buf, ',')
		}
		column := object{inner.buf, '{'}
		column.enum("place", int32(c.GetPlace()), optestv1.Event_Repeat_Column_Place_name)
		column.count("index", c.GetIndex())
		column.key("values")
		for k, v := range c.GetValues() {
			sep := byte(',')
			if k == 0 {
				sep = '['
			}
			column.buf = appendText(append(column.buf, sep), v)
		}
		column.buf = append(column.buf, ']')
		inner.buf = column.end()
	}
	if len(r.GetColumns()) > 0 {
		inner.buf = append(inner.buf, ']')
	}
	o.buf = inner.end()
}

// repeat reads what the method of object writes.
func (d *lineDecoder) repeat(s *scanner) *optestv1.Event_Repeat {
	r := &optestv1.Event_Repeat{}
	s.take('{')
	s.literal(`"count":`)
	r.Count = s.small()
	s.literal(`,"lastNumber":`)
	r.LastNumber = s.quoted()
	s.literal(`,"lastCalled":`)
	r.LastCalled = durationpb.New(s.span())
	s.literal(`,"lastReturned":`)
	r.LastReturned = durationpb.New(s.span())
	if s.has(`,"steps":`) {
		raw := s.plain()
		steps, err := base64.StdEncoding.Strict().AppendDecode(nil, raw)
		s.failed = s.failed || err != nil
		r.Steps = steps
	}
	if s.has(`,"columns":`) {
		for sep := byte('['); s.peek() != ']' && !s.failed; sep = ',' {
			s.take(sep)
			r.Columns = append(r.Columns, d.column(s, int(r.GetCount())))
		}
		s.take(']')
	}
	s.take('}')
	return r
}

func (d *lineDecoder) column(s *scanner, count int) *optestv1.Event_Repeat_Column {
	s.literal(`{"place":`)
	c := &optestv1.Event_Repeat_Column{Place: enum[optestv1.Event_Repeat_Column_Place](s, optestv1.Event_Repeat_Column_Place_value)}
	if s.has(`,"index":`) {
		c.Index = s.small()
	}
	s.literal(`,"values":`)
	c.Values = make([]string, 0, min(count, windowEvents))
	for sep := byte('['); s.peek() != ']' && !s.failed; sep = ',' {
		s.take(sep)
		c.Values = append(c.Values, string(s.text(&d.escaped)))
	}
	s.literal(`]}`)
	return c
}

// small is an integer that 32 bits hold.
func (s *scanner) small() uint32 {
	n := s.integer()
	s.failed = s.failed || n > 1<<31
	return uint32(n)
}

// literal takes a text.
func (s *scanner) literal(text string) { s.failed = !s.has(text) || s.failed }

// has takes a text if it comes next.
func (s *scanner) has(text string) bool {
	if end := s.at + len(text); end <= len(s.data) && string(s.data[s.at:end]) == text {
		s.at = end
		return true
	}
	return false
}
