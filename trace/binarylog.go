package trace

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	binlogpb "google.golang.org/grpc/binarylog/grpc_binarylog_v1"
	"google.golang.org/protobuf/proto"
)

// ReadBinaryLog reads entries of grpc.binarylog.v1, each after its length in four
// bytes, big-endian, as grpc-go writes them. The calls that a process made and
// those that it served become a trace each, the former first.
//
// Such a log has less than a trace: the stamps are of the wall clock, headers are
// those of the application, and frames are not seen. Messages that it holds in
// part become blobs that are cut, so that rules about raw bytes don't apply to
// them. A call that does not end in the log is INDETERMINATE, as is one that its
// client ended with CANCELLED or DEADLINE_EXCEEDED. Whether the server sent
// another status, such as UNAVAILABLE, or the client came to it by itself, such a
// log does not say.
//
// Errors call the log by name and count entries from 1. If there is an error of
// type *[Error], the traces hold what was read before it.
func ReadBinaryLog(from io.Reader, name string, redactor *Redactor) ([]*Trace, error) {
	in := bufio.NewReaderSize(from, 64<<10)
	j := newJoiner(name, redactor)
	var failed error
	for n := 1; failed == nil; n++ {
		entry, err := readEntry(in)
		if err == nil {
			err = j.join(entry)
		}
		switch {
		case errors.Is(err, io.EOF):
			return j.traces(), nil
		case errors.Is(err, io.ErrUnexpectedEOF):
			message := fmt.Sprintf("entry %d: the log ends in the middle of it: its writer was interrupted; what is before is whole", n)
			failed = &Error{File: name, Message: message, Err: ErrTruncated}
		case err != nil:
			failed = &Error{File: name, Message: fmt.Sprintf("entry %d: %v", n, err), Err: errors.Unwrap(err)}
		}
	}
	return j.traces(), failed
}

func readEntry(in *bufio.Reader) (*binlogpb.GrpcLogEntry, error) {
	var size [4]byte
	if _, err := io.ReadFull(in, size[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > maxLine {
		return nil, fmt.Errorf("has %d bytes, want at most %d: this may be no gRPC binary log", n, maxLine)
	}
	// Reading in parts keeps a wrong length from taking memory.
	var data []byte
	for len(data) < int(n) {
		part := min(int(n)-len(data), 1<<20)
		data = slices.Grow(data, part)[:len(data)+part]
		if _, err := io.ReadFull(in, data[len(data)-part:]); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
	entry := &binlogpb.GrpcLogEntry{}
	if err := proto.Unmarshal(data, entry); err != nil {
		return nil, fmt.Errorf("is no entry of grpc.binarylog.v1: %s", plainly(err))
	}
	return entry, nil
}
