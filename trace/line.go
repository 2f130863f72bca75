package trace

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// maxLine is how long a line of a trace may be.
const maxLine = 16 << 20

// lines reads lines of bounded length.
type lines struct {
	r      *bufio.Reader
	number int    // of the line that was read last, from 1
	long   []byte // one that is longer than r's buffer
}

func newLines(r io.Reader) *lines { return &lines{r: bufio.NewReaderSize(r, 64<<10)} }

// next returns a line without its end, which is valid until the next call.
// whole is false for a line that nothing ends: the last one, perhaps cut off. At
// the end of the file the error is io.EOF; bytes that a broken stream leaves of
// a line are lost with it.
func (l *lines) next() (line []byte, whole bool, err error) {
	l.number++
	l.long = l.long[:0]
	for {
		part, err := l.r.ReadSlice('\n')
		if len(l.long)+len(part) > maxLine+1 {
			return nil, false, fmt.Errorf("is longer than %d MiB, want at most that", maxLine>>20)
		}
		line = part
		if len(l.long) > 0 || errors.Is(err, bufio.ErrBufferFull) {
			l.long = append(l.long, part...)
			line = l.long
		}
		switch {
		case err == nil:
			line = line[:len(line)-1]
			if n := len(line); n > 0 && line[n-1] == '\r' {
				line = line[:n-1]
			}
			return line, true, nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(line) > 0:
			return line, false, nil
		default:
			return nil, false, err
		}
	}
}
