package catalogue

import (
	"bytes"
	"testing"
)

// Documents lose nothing but the marks between them.
func FuzzDocuments(f *testing.F) {
	for _, seed := range []string{"", "---", "a\n---\nb", "---\n---\n", "--- a\n", "----\n", "a: |\n ---\n", "a\r\n---\r\nb"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		parts := documents(data)
		if got := bytes.Join(parts, []byte("---")); !bytes.Equal(got, data) {
			t.Fatalf("%q became %q", data, parts)
		}
		for _, part := range parts[1:] {
			if len(part) > 0 && !bytes.ContainsAny(part[:1], " \t\r\n") {
				t.Fatalf("%q became %q, want a mark to be a word", data, parts)
			}
		}
	})
}
