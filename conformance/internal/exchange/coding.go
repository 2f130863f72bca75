package exchange

import (
	"bytes"
	"compress/gzip"
	"io"
	"sync"
)

// maxPlain bounds what is decompressed, in bytes.
const maxPlain = 16 << 20

// inflaters are used again: a new one takes 40 KiB, and there is one for each poll.
var inflaters = sync.Pool{New: func() any { return new(gzip.Reader) }}

// decompressed is what the bytes are without their coding. Of codings only gzip is
// understood.
func decompressed(coding string, data []byte) (plain []byte, ok bool) {
	switch coding {
	case "", "identity":
		return data, true
	case "gzip", "x-gzip":
	default:
		return nil, false
	}
	r := inflaters.Get().(*gzip.Reader)
	defer inflaters.Put(r)
	if err := r.Reset(bytes.NewReader(data)); err != nil {
		return nil, false
	}
	plain, err := io.ReadAll(io.LimitReader(r, maxPlain+1))
	return plain, err == nil && len(plain) <= maxPlain
}
