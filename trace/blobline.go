package trace

import (
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// keep takes a blob's line.
func (d *lineDecoder) keep(m *optestv1.Blob) error {
	id, ok := parseID(m.GetId())
	if !ok {
		return fmt.Errorf("holds a blob %s, want an id of 24 hexadecimal digits", quote(m.GetId()))
	}
	data := m.GetData()
	if text, ok := m.GetContent().(*optestv1.Blob_Text); ok {
		data = []byte(text.Text)
	}
	b, err := blobOf(data, m.GetLength())
	if err != nil {
		return fmt.Errorf("holds blob %s %w", id, err)
	}
	if b.ID() != id {
		return fmt.Errorf("holds blob %s with content whose id is %s: one of the two was changed", id, b.ID())
	}
	if d.blob(id) == nil {
		d.blobs.put(id, b, len(b.data)+blobCost)
	}
	return nil
}

func blobOf(data []byte, length uint64) (*Blob, error) {
	const longest = 1 << 40
	switch {
	case len(data) > MaxBlob:
		return nil, fmt.Errorf("of %d bytes, want at most %d", len(data), MaxBlob)
	case length > longest:
		return nil, fmt.Errorf("of %d bytes before it was cut, want at most %d", length, int64(longest))
	case length != 0 && length <= uint64(len(data)):
		return nil, errors.New("with a length that is not more than its bytes, want one only where bytes are missing")
	}
	return newBlob(data, max(len(data), int(length))), nil
}

// appendBlob appends a blob's line.
func appendBlob(buf []byte, b *Blob) []byte {
	o := object{append(buf, `{"blob":`...), '{'}
	o.key("id")
	o.buf = appendID(o.buf, b.ID())
	if readable(b.data) {
		o.key("text")
		o.buf = appendText(o.buf, string(b.data))
	} else {
		o.bytes("data", b.data)
	}
	if b.Cut() {
		o.key("length")
		o.buf = append(strconv.AppendInt(append(o.buf, '"'), int64(b.length), 10), '"')
	}
	return append(o.end(), '}', '\n')
}

// readable reports whether bytes are text that a JSON string holds within a line
// of a file, such as JSON and HTML bodies.
func readable(data []byte) bool {
	escapes := 0
	for _, c := range data {
		switch {
		case c == '"' || c == '\\' || c == '\n' || c == '\r' || c == '\t':
			escapes++
		case c < ' ' || c == 0x7f:
			return false
		}
	}
	return len(data) > 0 && len(data)+escapes < maxLine/2+maxLine/4 && utf8.Valid(data)
}
