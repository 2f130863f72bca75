package trace

import (
	"errors"
	"fmt"
	"io"
	"slices"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// maxEvents is how many events a trace in memory may have: 500 MB to 1 GB of
// them. A longer file is for a [Reader].
const maxEvents = 2 << 20

// Trace is what one observer saw.
type Trace struct {
	Header *optestv1.TraceHeader
	// Events are in the order of their numbers.
	Events []*Event
	// Gaps tell what is missing.
	Gaps []*optestv1.Gap
}

// Read reads a trace into memory. Errors call it by name. If there is an error of
// type *[Error], the trace may hold what was read before it.
func Read(from io.Reader, name string) (*Trace, error) {
	r, err := NewReader(from, name)
	if err != nil {
		return nil, err
	}
	return r.all(maxEvents)
}

func (r *Reader) all(limit int) (*Trace, error) {
	t := &Trace{Header: r.Header()}
	var failed error
	for e, err := range r.Events() {
		if err == nil && len(t.Events) == limit {
			err = r.failed(fmt.Errorf("is beyond the %d events that memory may take: read the file event by event", limit))
		}
		if err != nil {
			failed = err
			break
		}
		t.Events = append(t.Events, e)
	}
	t.Gaps = r.Gaps()
	return t, failed
}

// WriteFile makes a trace file, compressed if its name ends in `.gz`.
func (t *Trace) WriteFile(path string) error {
	w, err := Create(path, t.Header)
	if err != nil {
		return err
	}
	return errors.Join(t.write(w), w.Close())
}

// Write writes the trace uncompressed.
func (t *Trace) Write(out io.Writer) error {
	w, err := NewWriter(out, t.Header)
	if err != nil {
		return err
	}
	return errors.Join(t.write(w), w.Close())
}

func (t *Trace) write(w *Writer) error {
	for _, g := range t.Gaps {
		if err := w.Gap(g); err != nil {
			return err
		}
	}
	for _, e := range t.Events {
		if err := w.Write(e); err != nil {
			return err
		}
	}
	return nil
}

// Sees reports whether an observer sees all that a rule needs.
func Sees(h *optestv1.TraceHeader, needs ...optestv1.TraceHeader_Sight) bool {
	return !slices.ContainsFunc(needs, func(s optestv1.TraceHeader_Sight) bool { return !slices.Contains(h.GetSees(), s) })
}
