package trace

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"sync"
)

// MaxBlob is how many bytes of a message or body are kept.
const MaxBlob = 8 << 20

// ID names a blob by its content: 96 bits of SHA-256, so that a server that
// means to hide one answer behind another has 2^48 hashes to compute.
type ID [12]byte

// String is the id in hexadecimal.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// parseID reports whether text is an id in the one spelling that there is.
func parseID[T string | []byte](text T) (id ID, ok bool) {
	if len(text) != 2*len(id) {
		return id, false
	}
	for i := range id {
		high, low := digit(text[2*i]), digit(text[2*i+1])
		if high > 15 || low > 15 {
			return ID{}, false
		}
		id[i] = high<<4 | low
	}
	return id, true
}

func digit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	}
	return 0xFF
}

// Blob is the bytes of one message or body, which all events that saw the same
// bytes share. It does not change and is safe for concurrent use. A nil Blob
// holds nothing.
type Blob struct {
	data   []byte
	length int // of the original

	hashed sync.Once
	id     ID
}

// NewBlob copies the bytes. Beyond [MaxBlob] they are cut.
func NewBlob(data []byte) *Blob {
	return newBlob(slices.Clone(data[:min(len(data), MaxBlob)]), len(data))
}

// CutBlob copies the bytes that are left of a message that had length bytes.
func CutBlob(data []byte, length int) *Blob {
	return newBlob(slices.Clone(data[:min(len(data), MaxBlob)]), max(len(data), length))
}

func newBlob(data []byte, length int) *Blob { return &Blob{data: data, length: length} }

// ID is computed once, when it is first asked for.
func (b *Blob) ID() ID {
	if b == nil {
		return ID{}
	}
	b.hashed.Do(func() {
		h := sha256.New()
		h.Write(b.data)
		if b.Cut() {
			h.Write(strconv.AppendInt(nil, int64(b.length), 10))
		}
		copy(b.id[:], h.Sum(nil))
	})
	return b.id
}

// Bytes must not be changed.
func (b *Blob) Bytes() []byte {
	if b == nil {
		return nil
	}
	return b.data
}

// Length is how many bytes there were, kept or not.
func (b *Blob) Length() int {
	if b == nil {
		return 0
	}
	return b.length
}

// Cut reports whether bytes are missing at the end.
func (b *Blob) Cut() bool { return b != nil && b.length > len(b.data) }

// Equal reports whether both hold the same.
func (b *Blob) Equal(other *Blob) bool {
	if b == other {
		return true
	}
	return b != nil && other != nil && b.length == other.length && bytes.Equal(b.data, other.data)
}
