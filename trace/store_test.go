package trace

import (
	"bytes"
	"encoding/binary"
	"testing"

	"pgregory.net/rapid"
)

func TestStoreSharesWhatIsEqual(t *testing.T) {
	s := NewStore(0)
	data := []byte("answer")
	a := s.Blob(data)
	data[0] = 'A' // of the caller
	b := s.Blob([]byte("answer"))
	if a != b || string(a.Bytes()) != "answer" {
		t.Errorf("got %q and %q, want one blob that nobody changes", a.Bytes(), b.Bytes())
	}
	if s.Blob([]byte("another")) == a {
		t.Error("got one blob for two answers")
	}
	list := Fields{{"a", "1"}}
	x := s.Fields(list)
	list[0].Value = "2"
	if y := s.Fields(Fields{{"a", "1"}}); &x[0] != &y[0] || y[0].Value != "1" {
		t.Errorf("got %v and %v, want one list that nobody changes", x, y)
	}
	if s.Fields(nil) != nil {
		t.Error("got a list for none")
	}
	want := StoreStats{Blobs: 2, Lists: 1, Bytes: 2*blobCost + len("answer") + len("another") + blobCost + 34, Shared: 2}
	if got := s.Stats(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// A store stays within its memory, and says what it has forgotten.
func TestStoreIsBounded(t *testing.T) {
	const limit, n = 1 << 20, 20_000
	s := NewStore(limit)
	often := s.Blob([]byte("polled"))
	for i := range n {
		b := s.Blob(binary.BigEndian.AppendUint64(nil, uint64(i)))
		if got := binary.BigEndian.Uint64(b.Bytes()); got != uint64(i) {
			t.Fatalf("got %d, want %d", got, i)
		}
		if s.Blob([]byte("polled")) != often {
			t.Fatalf("the blob that is used all the time was forgotten after %d others", i)
		}
		if got := s.Stats().Bytes; got > limit {
			t.Fatalf("got %d bytes, want at most %d", got, limit)
		}
	}
	if got := s.Stats(); got.Evicted == 0 || int(got.Evicted)+got.Blobs != n+1 {
		t.Errorf("got %+v, want all %d blobs kept or evicted", got, n+1)
	}
}

func TestNewBlobAfterAPollAllocatesNothing(t *testing.T) {
	s := NewStore(0)
	data, list := []byte("polled again and again"), Fields{{"content-type", "application/grpc"}}
	s.Blob(data)
	s.Fields(list)
	if n := testing.AllocsPerRun(100, func() { s.Blob(data); s.Fields(list) }); n != 0 {
		t.Errorf("got %v allocations, want none for what is known", n)
	}
}

// An entry outlives at least half of the limit that is used after it, and the
// cache never costs more than twice that.
func TestGenerations(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 30).Draw(t, "limit")
		g := newGenerations[int, int](limit)
		var used []int
		for _, key := range rapid.SliceOf(rapid.IntRange(0, 40)).Draw(t, "keys") {
			value, ok := g.get(key)
			if ok && value != -key {
				t.Fatalf("got %d for %d", value, key)
			}
			// Distinct keys since it was used last.
			distinct, found := map[int]bool{}, false
			for i := len(used) - 1; i >= 0 && !found; i-- {
				found = used[i] == key
				distinct[used[i]] = true
			}
			if found && len(distinct) <= limit && !ok {
				t.Fatalf("%d was forgotten after %d others, want it kept for %d: %v", key, len(distinct)-1, limit, used)
			}
			if !ok {
				g.put(key, -key, 1)
			}
			used = append(used, key)
			if entries, cost := g.size(); entries != cost || cost > 2*limit {
				t.Fatalf("got %d entries of cost %d, want at most %d", entries, cost, 2*limit)
			}
		}
	})
}

func TestBlobIDs(t *testing.T) {
	for _, tt := range []struct {
		blob *Blob
		want string
	}{
		{NewBlob([]byte("abc")), "ba7816bf8f01cfea414140de"}, // of the published test vector
		{NewBlob(nil), "e3b0c44298fc1c149afbf4c8"},
		{CutBlob([]byte("abc"), 3), "ba7816bf8f01cfea414140de"}, // nothing is missing
		{CutBlob([]byte("ab"), 3), "c4bba1914e2444a5051c1290"},
		{nil, "000000000000000000000000"},
	} {
		if got := tt.blob.ID().String(); got != tt.want {
			t.Errorf("got %s of %d bytes, want %s", got, tt.blob.Length(), tt.want)
		}
	}
	for _, text := range []string{"", "ba7816bf8f01cfea414140d", "BA7816BF8F01CFEA414140DE", "ga7816bf8f01cfea414140de", "ba7816bf8f01cfea414140de00"} {
		if _, ok := parseID(text); ok {
			t.Errorf("%q is taken for an id", text)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		id := NewBlob(rapid.SliceOf(rapid.Byte()).Draw(t, "data")).ID()
		if got, ok := parseID(id.String()); !ok || got != id {
			t.Fatalf("got %v, want %v", got, id)
		}
		if got := string(appendID(nil, id)); got != `"`+id.String()+`"` {
			t.Fatalf("got %s, want %v", got, id)
		}
	})
	if !bytes.Equal(NewBlob([]byte("abc")).Bytes(), []byte("abc")) {
		t.Error("a blob holds other bytes than it was made of")
	}
}
