package drive

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
)

// widths are characters of one to four bytes; one of four is two units of UTF-16.
// Combining marks are left out: what counts as a character is then open.
var widths = []string{"a", "й", "日", "😀"}

// filled is a text of n characters that begins with start.
func filled(start string, n int, char string) string {
	head := []rune(start)
	if len(head) >= n {
		return string(head[:n])
	}
	return start + strings.Repeat(char, n-len(head))
}

// uuid is a random UUID of version 4.
func uuid(draw *rand.Rand) string {
	a, b := draw.Uint64(), draw.Uint64()
	a = a&^0xf000 | 0x4000
	b = b&^(0b11<<62) | 0b10<<62
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", a>>32, a>>16&0xffff, a&0xffff, b>>48, b&(1<<48-1))
}

// unknownID is of the shape that the API gives ids, and of nothing that exists.
func unknownID(draw *rand.Rand) string {
	const letters = "abcdefghijklmnopqrstuv0123456789"
	b := []byte("fv4")
	for range 17 {
		b = append(b, letters[draw.IntN(len(letters))])
	}
	return string(b)
}

// labels are n different ones.
func labels(n int) map[string]string {
	m := make(map[string]string, n)
	for i := range n {
		m[fmt.Sprintf("key-%d", i)] = fmt.Sprintf("value_%d", i)
	}
	return m
}

// labelled is a copy with one label more.
func labelled(m map[string]string, key, value string) map[string]string {
	m = maps.Clone(m)
	if m == nil {
		m = map[string]string{}
	}
	m[key] = value
	return m
}
