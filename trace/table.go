package trace

import (
	"fmt"
	"io"
	"iter"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"google.golang.org/genproto/googleapis/rpc/code"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// String is the event on one line, without what the client and the server said
// to each other.
func (e *Event) String() string {
	var b strings.Builder
	for i, cell := range e.row() {
		if cell == "" {
			continue
		}
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(cell)
	}
	return b.String()
}

// The columns of a table. Widths are for what is usual, so that a table can be
// written while events come in; a longer cell moves its line.
var columns = [...]struct {
	title string
	width int
	right bool
}{
	{"EVENT", 6, true},
	{"CALLED", 12, true},
	{"TOOK", 9, true},
	{"READER", 8, false},
	{"PROTOCOL", 8, false},
	{"METHOD", 28, false},
	{"OPERATION", 20, false},
	{"OUTCOME", 0, false},
}

// WriteTable writes a line for each event, at once and in one Write, under a line
// of titles. It ends with the first error of either side; the one of the events
// comes after those before it.
func WriteTable(out io.Writer, events iter.Seq2[*Event, error]) error {
	var titles [len(columns)]string
	for i, c := range columns {
		titles[i] = c.title
	}
	if err := writeRow(out, titles); err != nil {
		return err
	}
	for e, err := range events {
		if err != nil {
			return err
		}
		if err := writeRow(out, e.row()); err != nil {
			return err
		}
	}
	return nil
}

func writeRow(out io.Writer, row [len(columns)]string) error {
	var b strings.Builder
	for i, c := range columns {
		padding := strings.Repeat(" ", max(0, c.width-utf8.RuneCountInString(row[i])))
		if c.right {
			b.WriteString(padding + row[i] + "  ")
		} else {
			b.WriteString(row[i] + padding + "  ")
		}
	}
	if _, err := io.WriteString(out, strings.TrimRight(b.String(), " ")+"\n"); err != nil {
		return fmt.Errorf("optest: writing a table: %w", err)
	}
	return nil
}

func (e *Event) row() [len(columns)]string {
	what := shortMethod(e.Method)
	if what == "" {
		what = e.HTTPRequest
	}
	reader := e.Reader()
	if reader == "" {
		reader = e.Connection()
	}
	protocol := ""
	if e.Protocol != optestv1.Event_PROTOCOL_UNSPECIFIED {
		protocol = e.Protocol.String()
	}
	return [...]string{
		fmt.Sprintf("#%d", e.Number), seconds(e.Called), "+" + brief(e.Returned-e.Called),
		plain(reader), protocol, plain(what), plain(e.Operation), e.ending(),
	}
}

// ending is the outcome with what belongs to it.
func (e *Event) ending() string {
	var b strings.Builder
	b.WriteString(e.outcome())
	if f := e.Failure; f != nil && f.Message != "" {
		fmt.Fprintf(&b, " %q", plain(f.Message))
	}
	if e.HTTPStatus != 0 && e.HTTPStatus != 200 {
		fmt.Fprintf(&b, " HTTP %d", e.HTTPStatus)
	}
	if f := e.Frames; f != nil {
		b.WriteString(f.oddities(e.Outcome))
	}
	if p := e.Played; p != nil {
		fmt.Fprintf(&b, " [%s]", plain(strings.TrimSpace(p.Scenario+" "+p.Step)))
		for _, f := range p.Faults {
			fmt.Fprintf(&b, " fault %s", plain(f.Name))
			if f.Effect != "" && f.Effect != f.Name {
				fmt.Fprintf(&b, " (%s)", plain(f.Effect))
			}
		}
	}
	if e.Note != "" {
		fmt.Fprintf(&b, " note: %s", plain(e.Note))
	}
	return b.String()
}

func (e *Event) outcome() string {
	switch f := e.Failure; {
	case e.Outcome == optestv1.Event_FAILED && f != nil:
		if name, ok := code.Code_name[int32(f.Code)]; ok {
			return name
		}
		return fmt.Sprintf("code %d", f.Code)
	case e.Outcome == optestv1.Event_INDETERMINATE && f != nil && f.Cause != optestv1.Event_Failure_CAUSE_UNSPECIFIED:
		return fmt.Sprintf("%s (%s)", e.Outcome, f.Cause)
	}
	return e.Outcome.String()
}

// oddities are what a unary call does not have.
func (f *Frames) oddities(o optestv1.Event_Outcome) string {
	var b strings.Builder
	if want := uint32(1); o == optestv1.Event_OK && f.Messages != want || f.Messages > want {
		fmt.Fprintf(&b, " %d messages", f.Messages)
	}
	if f.Partial > 0 {
		fmt.Fprintf(&b, " %d bytes of a message cut short", f.Partial)
	}
	switch {
	case f.Trailers == optestv1.Event_Frames_MISSING:
		b.WriteString(" no trailers")
	case f.Trailers == optestv1.Event_Frames_ONLY && o == optestv1.Event_OK:
		b.WriteString(" trailers only")
	}
	return b.String()
}

// seconds is an offset, to the millisecond.
func seconds(d time.Duration) string { return fmt.Sprintf("%.3fs", d.Seconds()) }

// brief is a duration to three digits or so.
func brief(d time.Duration) string {
	switch {
	case d >= time.Second:
		return d.Round(time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	}
	return d.Round(100 * time.Nanosecond).String()
}

// shortMethod is DesktopImage.CopyFromDesktop for the full name of a method.
func shortMethod(full string) string {
	service, method, ok := strings.Cut(full, "/")
	if !ok {
		return full
	}
	service = service[strings.LastIndexByte(service, '.')+1:]
	return strings.TrimSuffix(service, "Service") + "." + method
}

// plain shortens what came from outside, so that it can neither begin a line of
// its own nor command a terminal.
func plain(text string) string {
	const longest = 200
	n := 0
	for i := range text {
		if n == longest {
			text = text[:i] + "…"
			break
		}
		n++
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return utf8.RuneError
	}, text)
}
