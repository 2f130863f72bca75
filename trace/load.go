package trace

import (
	"bufio"
	"os"
)

// Load reads a file of either kind into memory: a trace, see [Read], or a gRPC
// binary log, see [ReadBinaryLog], out of which the redactor takes secrets.
func Load(path string, redactor *Redactor) ([]*Trace, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	traces, err := load(f, path, redactor)
	if closed := f.Close(); closed != nil && err == nil {
		err = unreadable(path, closed)
	}
	return traces, err
}

func load(f *os.File, path string, redactor *Redactor) ([]*Trace, error) {
	in := bufio.NewReader(f)
	// A log begins with the upper byte of a length below 2^25.
	if first, err := in.Peek(1); err == nil && first[0] <= 1 {
		return ReadBinaryLog(in, path, redactor)
	}
	t, err := Read(in, path)
	if t == nil {
		return nil, err
	}
	return []*Trace{t}, err
}
