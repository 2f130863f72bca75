package trace

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/types/known/durationpb"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// maxRun is how many events may repeat another. It bounds what a reader does for
// one line.
const maxRun = 1 << 12

// Run is an event and those that repeat it: the polls of one reader that got the
// same answer. [Compress] makes runs, [Expand] gives all events back.
type Run struct {
	First *Event
	// repeat is nil where nothing repeats it.
	repeat *optestv1.Event_Repeat
}

// Len is how many events the run stands for.
func (r *Run) Len() int { return 1 + int(r.repeat.GetCount()) }

// Proto is the run as a message, which names blobs by their ids.
func (r *Run) Proto() *optestv1.Event {
	m := r.First.Proto()
	m.Repeat = r.repeat
	return m
}

// RunOf is the run that a message holds, if it makes sense. The function returns
// the blob of an id, nil where it has none.
func RunOf(m *optestv1.Event, blob func(ID) *Blob) (*Run, error) {
	first, err := eventOf(m, blob)
	if err != nil {
		return nil, err
	}
	r := &Run{first, m.GetRepeat()}
	return r, r.check()
}

// spacing is how far an event is from the one before it.
type spacing struct{ number, called int64 }

// places are the lists of an event whose values may differ within a run.
var places = [...]struct {
	place optestv1.Event_Repeat_Column_Place
	list  func(*Event) *Fields
}{
	{optestv1.Event_Repeat_Column_REQUEST_HEADER, func(e *Event) *Fields { return &e.RequestHeader }},
	{optestv1.Event_Repeat_Column_RESPONSE_HEADER, func(e *Event) *Fields { return &e.ResponseHeader }},
	{optestv1.Event_Repeat_Column_RESPONSE_TRAILER, func(e *Event) *Fields { return &e.Trailer }},
}

// repeats reports whether an event may follow another in a run.
func repeats(first, e *Event) bool {
	for _, p := range places {
		if !sameNames(*p.list(first), *p.list(e)) {
			return false
		}
	}
	return first.alike(e)
}

func sameNames(a, b Fields) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		// A column holds text only.
		if a[i].Name != b[i].Name || a[i].Value != b[i].Value && !(utf8.ValidString(a[i].Value) && utf8.ValidString(b[i].Value)) {
			return false
		}
	}
	return true
}

// newRun codes events of which each repeats the first, in the order of their
// numbers.
func newRun(events []*Event) *Run {
	first, rest := events[0], events[1:]
	if len(rest) == 0 {
		return &Run{First: first}
	}
	last := rest[len(rest)-1]
	r := &Run{first, &optestv1.Event_Repeat{
		Count:        uint32(len(rest)),
		LastNumber:   last.Number,
		LastCalled:   durationpb.New(last.Called),
		LastReturned: durationpb.New(last.Returned),
	}}
	if !evenly(events) {
		r.repeat.Steps = steps(events)
	}
	for _, p := range places {
		for i, f := range *p.list(first) {
			if !slices.ContainsFunc(rest, func(e *Event) bool { return (*p.list(e))[i].Value != f.Value }) {
				continue
			}
			c := &optestv1.Event_Repeat_Column{Place: p.place, Index: uint32(i), Values: make([]string, len(rest))}
			for k, e := range rest {
				c.Values[k] = (*p.list(e))[i].Value
			}
			r.repeat.Columns = append(r.repeat.Columns, c)
		}
	}
	return r
}

func took(e *Event) int64 { return int64(e.Returned - e.Called) }

func evenly(events []*Event) bool {
	first := events[0]
	number, called := events[1].Number-first.Number, events[1].Called-first.Called
	for i, e := range events[1:] {
		before := events[i]
		if e.Number-before.Number != number || e.Called-before.Called != called || took(e) != took(first) || e.Timeout != first.Timeout {
			return false
		}
	}
	return true
}

func steps(events []*Event) []byte {
	var coded []byte
	var distance spacing
	for i, e := range events[1:] {
		before := events[i]
		number, called := int64(e.Number-before.Number), int64(e.Called-before.Called)
		coded = binary.AppendVarint(coded, number-distance.number)
		coded = binary.AppendVarint(coded, called-distance.called)
		coded = binary.AppendVarint(coded, took(e)-took(before))
		coded = binary.AppendVarint(coded, int64(e.Timeout-before.Timeout))
		distance.number, distance.called = number, called
	}
	return coded
}

// cursor walks over the events of a run.
type cursor struct {
	run      *Run
	at       int // which event, from 0
	number   uint64
	called   int64
	took     int64
	timeout  int64
	distance spacing
	steps    []byte
	short    bool // steps end too early
}

func newCursor(r *Run) *cursor {
	e := r.First
	return &cursor{run: r, number: e.Number, called: int64(e.Called), took: took(e), timeout: int64(e.Timeout), steps: r.repeat.GetSteps()}
}

// next goes to the next event, if there is one.
func (c *cursor) next() bool {
	repeat := c.run.repeat
	if c.at == int(repeat.GetCount()) {
		return false
	}
	c.at++
	if len(repeat.GetSteps()) == 0 {
		first, count := c.run.First, uint64(repeat.GetCount())
		c.number += (repeat.GetLastNumber() - first.Number) / count
		c.called += (int64(repeat.GetLastCalled().AsDuration()) - int64(first.Called)) / int64(count)
		return true
	}
	c.distance.number += c.varint()
	c.distance.called += c.varint()
	c.number += uint64(c.distance.number)
	c.called += c.distance.called
	c.took += c.varint()
	c.timeout += c.varint()
	return true
}

// varint is 0 beyond the end and for what is no varint, which check finds.
func (c *cursor) varint() int64 {
	n, size := binary.Varint(c.steps)
	if size <= 0 {
		c.steps, c.short = nil, true
		return 0
	}
	c.steps = c.steps[size:]
	return n
}

// event is the one that the cursor is at.
func (c *cursor) event() *Event {
	if c.at == 0 {
		return c.run.First
	}
	e := *c.run.First
	e.Number, e.Called, e.Returned, e.Timeout = c.number, time.Duration(c.called), time.Duration(c.called+c.took), time.Duration(c.timeout)
	columns := c.run.repeat.GetColumns()
	for _, p := range places {
		var own Fields
		for _, column := range columns {
			if column.GetPlace() != p.place {
				continue
			}
			if own == nil {
				own = slices.Clone(*p.list(&e))
				*p.list(&e) = own
			}
			own[column.GetIndex()].Value = column.GetValues()[c.at-1]
		}
	}
	return &e
}

// check finds what no writer can have written.
func (r *Run) check() error {
	e, repeat := r.First, r.repeat
	if err := e.check(); err != nil || repeat == nil {
		return err
	}
	count := repeat.GetCount()
	if count == 0 || count > maxRun {
		return fmt.Errorf("event %d is repeated %d times, want 1 to %d", e.Number, count, maxRun)
	}
	called, returned := repeat.GetLastCalled(), repeat.GetLastReturned()
	span := resolver{number: e.Number}
	lastCalled, lastReturned := span.span(called, "lastCalled"), span.span(returned, "lastReturned")
	if span.err != nil {
		return span.err
	}
	if len(repeat.GetSteps()) == 0 &&
		((repeat.GetLastNumber()-e.Number)%uint64(count) != 0 || (lastCalled-e.Called)%time.Duration(count) != 0) {
		return fmt.Errorf("event %d is repeated %d times at even distances, which its last number and call do not allow", e.Number, count)
	}
	for _, column := range repeat.GetColumns() {
		if err := r.checkColumn(column); err != nil {
			return err
		}
	}
	c, before := newCursor(r), e.Number
	for c.next() {
		last := time.Duration(c.called + c.took)
		if c.number <= before || c.called < 0 || c.took < 0 || last < time.Duration(c.called) {
			return fmt.Errorf("event %d is repeated as event %d, called at %v and returned at %v, want rising numbers and times in order",
				e.Number, c.number, time.Duration(c.called), last)
		}
		before = c.number
	}
	if c.short || len(c.steps) > 0 {
		return fmt.Errorf("event %d is repeated %d times by %d bytes of steps, want four varints for each time", e.Number, count, len(repeat.GetSteps()))
	}
	if c.number != repeat.GetLastNumber() || time.Duration(c.called) != lastCalled ||
		time.Duration(c.called+c.took) != lastReturned {
		return fmt.Errorf("event %d is repeated until event %d, called at %v and returned at %v, but its steps lead to event %d, %v and %v",
			e.Number, repeat.GetLastNumber(), lastCalled, lastReturned, c.number, time.Duration(c.called), time.Duration(c.called+c.took))
	}
	return nil
}

func (r *Run) checkColumn(column *optestv1.Event_Repeat_Column) error {
	e := r.First
	for _, p := range places {
		if p.place != column.GetPlace() {
			continue
		}
		if n := len(*p.list(e)); int(column.GetIndex()) >= n {
			return fmt.Errorf("event %d repeats field %d of its %s, want one of its %d", e.Number, column.GetIndex(), p.place, n)
		}
		if got, want := len(column.GetValues()), int(r.repeat.GetCount()); got != want {
			return fmt.Errorf("event %d repeats a field with %d values, want %d", e.Number, got, want)
		}
		return nil
	}
	return fmt.Errorf("event %d repeats a field of %s, want REQUEST_HEADER, RESPONSE_HEADER or RESPONSE_TRAILER", e.Number, column.GetPlace())
}
