package trace

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"google.golang.org/protobuf/proto"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// writerBlobs is half of what a writer remembers of the blobs that it has
// written, so that no event refers back further than the format allows.
const writerBlobs = 32 << 20

// Writer writes a trace file by appending to it. It joins polls that repeat each
// other, see [Run], and to that end keeps back up to 1,024 events or 4 MiB;
// [Writer.Flush] lets go of them. It is safe for concurrent use.
type Writer struct {
	mu     sync.Mutex
	out    *bufio.Writer
	packed *gzip.Writer // nil if the file is not compressed
	file   io.Closer    // nil if it is not ours
	window window
	known  *generations[ID, struct{}]
	line   []byte
	last   uint64 // number of the event before
	err    error  // of the file: nothing is written after it
	closed bool
}

// Create makes a trace file, compressed if its name ends in `.gz`, in place of
// one that is there. Close it.
func Create(path string, header *optestv1.TraceHeader) (*Writer, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("optest: making a trace: %w", err)
	}
	w := newWriter(f)
	if strings.HasSuffix(path, ".gz") {
		w.packed = gzip.NewWriter(f)
		w.out = bufio.NewWriterSize(w.packed, 64<<10)
	}
	w.file = f
	if err := w.begin(header); err != nil {
		_ = f.Close() // nothing is in it
		return nil, err
	}
	return w, nil
}

// NewWriter writes a trace uncompressed. [Writer.Close] does not close out.
func NewWriter(out io.Writer, header *optestv1.TraceHeader) (*Writer, error) {
	w := newWriter(out)
	return w, w.begin(header)
}

func newWriter(out io.Writer) *Writer {
	return &Writer{out: bufio.NewWriterSize(out, 64<<10), known: newGenerations[ID, struct{}](writerBlobs)}
}

// begin writes the header with the version that the writer writes.
func (w *Writer) begin(header *optestv1.TraceHeader) error {
	header = proto.CloneOf(header)
	if header == nil {
		header = &optestv1.TraceHeader{}
	}
	header.Version = Version
	return w.message(&optestv1.TraceLine{Line: &optestv1.TraceLine_Header{Header: header}})
}

func (w *Writer) message(m *optestv1.TraceLine) error {
	text, err := compactJSON(m)
	if err != nil {
		return fmt.Errorf("optest: writing a trace: %w", err)
	}
	w.write(append(text, '\n'))
	return w.err
}

func (w *Writer) write(line []byte) {
	if w.err != nil {
		return
	}
	if _, err := w.out.Write(line); err != nil {
		w.err = fmt.Errorf("optest: writing a trace: %w", err)
	}
}

// Write appends an event, which must not change any more. Numbers should rise;
// an event whose number is 0 gets the next one in the file. An error is either
// that of an event that makes no sense, which is not written, or one of the file,
// which all later calls return.
func (w *Writer) Write(e *Event) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.ready(); err != nil {
		return err
	}
	if e.Number == 0 {
		numbered := *e
		numbered.Number = w.last + 1
		e = &numbered
	}
	if err := e.check(); err != nil {
		return fmt.Errorf("optest: %w", err)
	}
	w.last = max(w.last, e.Number)
	if w.window.full(e) {
		w.spill()
	}
	w.window.add(e)
	return w.err
}

// Gap appends that something is missing.
func (w *Writer) Gap(g *optestv1.Gap) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.ready(); err != nil {
		return err
	}
	w.spill()
	return w.message(&optestv1.TraceLine{Line: &optestv1.TraceLine_Gap{Gap: g}})
}

func (w *Writer) ready() error {
	if w.closed && w.err == nil {
		return errors.New("optest: writing to a trace that is closed, want no more events")
	}
	return w.err
}

// spill writes the events that are kept back, and each blob before the first
// event that refers to it.
func (w *Writer) spill() {
	for _, r := range w.window.fold() {
		line := appendRun(w.line[:0], r)
		if len(line) > maxLine {
			w.lost(r)
			continue
		}
		w.line = line
		e := r.First
		w.blob(e.Request)
		w.blob(e.Response)
		if e.Frames != nil {
			for _, b := range e.Frames.Further {
				w.blob(b)
			}
		}
		w.write(line)
	}
	const most = 1 << 20
	if cap(w.line) > most {
		w.line = nil
	}
}

func (w *Writer) lost(r *Run) {
	reason := fmt.Sprintf("event %d takes more than the %d MiB of a line", r.First.Number, maxLine>>20)
	gap := &optestv1.Gap{Kind: optestv1.Gap_LOST, Events: uint64(r.Len()), Reason: reason}
	if err := w.message(&optestv1.TraceLine{Line: &optestv1.TraceLine_Gap{Gap: gap}}); err != nil {
		w.err = err
	}
}

func (w *Writer) blob(b *Blob) {
	if b == nil {
		return
	}
	if _, ok := w.known.get(b.ID()); ok {
		return
	}
	w.known.put(b.ID(), struct{}{}, len(b.data)+blobCost)
	w.write(appendBlob(nil, b))
}

// Flush writes what is kept back, so that a reader of the file sees every event
// so far, whatever becomes of this process.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return w.err
	}
	return w.flush()
}

func (w *Writer) flush() error {
	w.spill()
	if w.err == nil {
		w.err = w.out.Flush()
	}
	if w.err == nil && w.packed != nil {
		w.err = w.packed.Flush()
	}
	return w.err
}

// Close writes what is kept back and closes the file if [Create] has made it. To
// close again returns the same.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return w.err
	}
	w.closed = true
	_ = w.flush() // kept in w.err
	if w.packed != nil {
		w.err = errors.Join(w.err, w.packed.Close())
	}
	if w.file != nil {
		w.err = errors.Join(w.err, w.file.Close())
	}
	return w.err
}
