package wire

import (
	"bytes"
	"io"
	"testing"

	"pgregory.net/rapid"
)

// The ring against a plain buffer: the same bytes in the same order, bounded, whatever the sizes of writes and reads.
func TestPipeStreamKeepsBytesInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		stream := newPipeStream()
		var model []byte
		next := byte(0)
		sizes := rapid.OneOf(rapid.IntRange(0, 100), rapid.IntRange(0, 3*pipeFirstSize), rapid.IntRange(pipeLimit-1, pipeLimit+1))
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				p := make([]byte, sizes.Draw(t, "size"))
				for i := range p {
					p[i] = next
					next++
				}
				n := stream.put(p)
				if want := min(len(p), pipeLimit-len(model)); n != want {
					t.Fatalf("put %d of %d bytes, want %d", n, len(p), want)
				}
				next -= byte(len(p) - n)
				model = append(model, p[:n]...)
			},
			"take": func(t *rapid.T) {
				if len(model) == 0 {
					t.Skip("nothing to take")
				}
				p := make([]byte, max(1, sizes.Draw(t, "size")))
				n := stream.take(p)
				if want := min(len(p), len(model)); n != want || !bytes.Equal(p[:n], model[:n]) {
					t.Fatalf("took %d bytes, want the first %d in order", n, want)
				}
				model = model[n:]
			},
			"": func(t *rapid.T) {
				if stream.count != len(model) || len(stream.ring) > pipeLimit {
					t.Fatalf("ring of %d holds %d bytes, want %d and at most %d", len(stream.ring), stream.count, len(model), pipeLimit)
				}
			},
		})
	})
}

// Whatever the sizes of writes, the peer reads all bytes in order, although Close comes at once.
func TestCoalesceKeepsBytesInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		client, server := newPipeConns(1)
		sizes := rapid.SliceOfN(rapid.OneOf(rapid.IntRange(0, 50), rapid.IntRange(0, coalesceLimit*2)), 0, 8).Draw(t, "sizes")
		read := make(chan []byte, 1)
		go func() {
			all, _ := io.ReadAll(client)
			read <- all
		}()
		conn := NewCoalesce(server)
		var want []byte
		for _, size := range sizes {
			p := make([]byte, size)
			for i := range p {
				p[i] = byte((len(want) + i) * 31 >> 4)
			}
			if n, err := conn.Write(p); n != size || err != nil {
				t.Fatalf("Write of %d bytes = %d, %v", size, n, err)
			}
			want = append(want, p...)
		}
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
		if got := <-read; !bytes.Equal(got, want) {
			t.Fatalf("peer read %d bytes, want the %d that were written", len(got), len(want))
		}
		_ = client.Close()
	})
}
