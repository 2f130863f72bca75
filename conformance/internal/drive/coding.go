package drive

import (
	"bytes"
	"compress/gzip"
	"io"
)

// decompressed is what the bytes are without their coding. No coding is asked
// for; a server that uses one all the same, as HTTP lets it, is understood if it
// is gzip.
func decompressed(coding string, data []byte) (plain []byte, ok bool) {
	switch coding {
	case "", "identity":
		return data, true
	case "gzip", "x-gzip":
	default:
		return nil, false
	}
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, false
	}
	plain, err = io.ReadAll(io.LimitReader(r, maxBody+1))
	return plain, err == nil && len(plain) <= maxBody
}
