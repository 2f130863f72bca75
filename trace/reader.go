package trace

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// Version is that of the format that a [Writer] writes, as major.minor.
const Version = "1.0"

// maxGaps bounds what a reader keeps of them.
const maxGaps = 1 << 16

// Reader reads a trace file, compressed or not, in memory that does not grow with
// the file. It is for one goroutine.
type Reader struct {
	name    string
	file    io.Closer // nil if it is not ours
	lines   *lines
	decoder *lineDecoder
	header  *optestv1.TraceHeader
	gaps    []*optestv1.Gap
	events  uint64
	err     error // what the file ended with
}

// Open opens a trace file. Close it.
func Open(path string) (*Reader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	r, err := NewReader(f, path)
	if err != nil {
		_ = f.Close() // was only read
		return nil, err
	}
	r.file = f
	return r, nil
}

func unreadable(path string, err error) *Error {
	cause := err
	if inPath := (*fs.PathError)(nil); errors.As(err, &inPath) {
		cause = inPath.Err // the path is in front of the message already
	}
	return &Error{File: path, Message: "can't be read: " + cause.Error(), Err: err}
}

// NewReader reads the header and checks its version. Errors call the file by
// name. An error is of type *[Error].
func NewReader(from io.Reader, name string) (*Reader, error) {
	buffered := bufio.NewReader(from)
	from = buffered
	if magic, _ := buffered.Peek(2); string(magic) == "\x1f\x8b" {
		unpacked, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, &Error{File: name, Message: "is damaged: " + err.Error(), Err: err}
		}
		from = unpacked
	}
	r := &Reader{name: name, lines: newLines(from), decoder: newLineDecoder()}
	line, whole, err := r.lines.next()
	switch {
	case errors.Is(err, io.EOF):
		return nil, &Error{File: name, Message: "is empty, want a trace, whose first line is its header", Err: io.ErrUnexpectedEOF}
	case err != nil:
		return nil, r.broken(err)
	}
	if err := r.readHeader(line); err != nil {
		return nil, r.unread(line, whole, err)
	}
	return r, nil
}

// Header says who saw the events. It must not be changed.
func (r *Reader) Header() *optestv1.TraceHeader { return r.header }

// Gaps are those that the lines read so far tell of.
func (r *Reader) Gaps() []*optestv1.Gap { return r.gaps }

// Close closes the file, if [Open] has opened it.
func (r *Reader) Close() error {
	if r.file == nil {
		return nil
	}
	err := r.file.Close()
	r.file = nil
	return err
}

func (r *Reader) readHeader(line []byte) error {
	tolerant := protojson.UnmarshalOptions{DiscardUnknown: true}
	var m optestv1.TraceLine
	if err := tolerant.Unmarshal(line, &m); err != nil {
		return fmt.Errorf("is no header of a trace: %s", plainly(err))
	}
	if m.GetHeader() == nil {
		return errors.New(`is no header of a trace, want {"header":{…}} on the first line`)
	}
	newer, err := newerMinor(m.GetHeader().GetVersion())
	if err != nil {
		return err
	}
	if newer {
		r.decoder.unknown = tolerant
	} else if err := (protojson.UnmarshalOptions{}).Unmarshal(line, &m); err != nil {
		return fmt.Errorf("is no header of format %s: %s", Version, plainly(err))
	}
	r.header = m.GetHeader()
	return nil
}

// newerMinor reports whether a version of a file may have fields that this
// package does not know. It fails for a version that it can't read.
func newerMinor(version string) (bool, error) {
	major, minor, ok := parseVersion(version)
	if !ok {
		return false, fmt.Errorf("has format version %s, want one such as %q", quote(version), Version)
	}
	ours, oursMinor, _ := parseVersion(Version)
	switch {
	case major > ours:
		return false, fmt.Errorf("has format version %s, want %d.x: read it with a newer optest", version, ours)
	case major < ours:
		return false, fmt.Errorf("has format version %s, want %d.x: read it with an older optest", version, ours)
	}
	return minor > oursMinor, nil
}

func parseVersion(version string) (major, minor uint64, ok bool) {
	majorText, minorText, _ := strings.Cut(version, ".")
	major, err := strconv.ParseUint(majorText, 10, 16)
	if err != nil {
		return 0, 0, false
	}
	minor, err = strconv.ParseUint(minorText, 10, 16)
	return major, minor, err == nil
}

// Next returns the next event, with those that repeat it. After the last one the
// error is io.EOF; any other is of type *[Error] and ends the file: nothing can be
// said of what comes after.
func (r *Reader) Next() (*Run, error) {
	if r.err != nil {
		return nil, r.err
	}
	run, err := r.next()
	if err != nil {
		r.err = err
		return nil, err
	}
	r.events += uint64(run.Len())
	return run, nil
}

func (r *Reader) next() (*Run, error) {
	for {
		line, whole, err := r.lines.next()
		switch {
		case errors.Is(err, io.EOF):
			return nil, io.EOF
		case err != nil:
			return nil, r.broken(err)
		case len(line) == 0:
			continue
		}
		run, other, err := r.decoder.line(line)
		if err == nil && run == nil {
			err = r.take(other)
		}
		if err != nil {
			return nil, r.unread(line, whole, err)
		}
		if run != nil {
			return run, nil
		}
	}
}

// take keeps what is no event.
func (r *Reader) take(m *optestv1.TraceLine) error {
	switch line := m.GetLine().(type) {
	case *optestv1.TraceLine_Blob:
		return r.decoder.keep(line.Blob)
	case *optestv1.TraceLine_Gap:
		if len(r.gaps) == maxGaps {
			return fmt.Errorf("tells of one gap too many, want at most %d", maxGaps)
		}
		r.gaps = append(r.gaps, line.Gap)
		return nil
	case *optestv1.TraceLine_Header:
		return errors.New("holds a second header, want one trace in a file: read the files one by one")
	}
	if r.decoder.unknown.DiscardUnknown {
		return nil // of a kind that a newer version has added
	}
	return errors.New("is no line of a trace, want a blob, an event or a gap")
}

// unread is why a line could not be read. The beginning of a line is no JSON.
func (r *Reader) unread(line []byte, whole bool, err error) *Error {
	if !whole && !json.Valid(line) {
		return r.truncated()
	}
	return r.failed(err)
}

func (r *Reader) failed(err error) *Error {
	return &Error{File: r.name, Line: r.lines.number, Message: err.Error(), Err: errors.Unwrap(err)}
}

func (r *Reader) broken(err error) *Error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return r.truncated()
	}
	if errors.Is(err, gzip.ErrChecksum) || errors.Is(err, gzip.ErrHeader) {
		return &Error{File: r.name, Line: r.lines.number, Message: "is damaged: " + err.Error(), Err: err}
	}
	return r.failed(err)
}

func (r *Reader) truncated() *Error {
	return &Error{
		File: r.name, Line: r.lines.number,
		Message: fmt.Sprintf("the file ends here, in the middle of a line: its writer was interrupted; the %d events before are whole", r.events),
		Err:     ErrTruncated,
	}
}

// Runs are the lines of events that are left to read. It ends after the first
// error, which is of type *[Error].
func (r *Reader) Runs() iter.Seq2[*Run, error] {
	return func(yield func(*Run, error) bool) {
		for {
			run, err := r.Next()
			if errors.Is(err, io.EOF) || !yield(run, err) || err != nil {
				return
			}
		}
	}
}

// Events are all events that are left to read, each by itself, in the order of
// their numbers. It ends after the first error, which is of type *[Error] and
// comes after every event before it.
func (r *Reader) Events() iter.Seq2[*Event, error] {
	return func(yield func(*Event, error) bool) {
		var u unfolder
		good := func(e *Event) bool { return yield(e, nil) }
		for run, err := range r.Runs() {
			if err != nil {
				if u.rest(good) {
					yield(nil, err)
				}
				return
			}
			if !u.until(run.First.Number, good) || !u.add(run, good) {
				return
			}
		}
		u.rest(good)
	}
}
