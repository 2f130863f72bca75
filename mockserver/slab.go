package mockserver

import "strings"

// What is kept for each operation stays until the server is closed, so it needs
// no allocation of its own: that is faster, and leaves the garbage collector
// little to look at. Both sizes keep small what a server with one operation
// wastes.
const (
	slabSize  = 16      // values
	textChunk = 1 << 10 // bytes
)

// slab hands out values of one type.
type slab[T any] struct{ free []T }

// next is the value that take hands out.
func (s *slab[T]) next() *T {
	if len(s.free) == 0 {
		s.free = make([]T, slabSize)
	}
	return &s.free[0]
}

func (s *slab[T]) take() *T {
	v := s.next()
	s.free = s.free[1:]
	return v
}

// text keeps strings.
type text struct{ chunk strings.Builder }

func (t *text) keep(b []byte) string {
	if t.chunk.Cap()-t.chunk.Len() < len(b) {
		t.chunk = strings.Builder{}
		t.chunk.Grow(max(textChunk, len(b)))
	}
	from := t.chunk.Len()
	t.chunk.Write(b)
	return t.chunk.String()[from:]
}
