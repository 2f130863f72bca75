package trace

import (
	"bytes"
	"hash/maphash"
	"slices"
	"sync"
)

// DefaultStore is the memory that a [Store] takes for blobs and header lists if
// it is made with 0.
const DefaultStore = 64 << 20

// blobCost is what a blob costs beside its bytes, in memory and in the format's
// account of how far back an event may refer.
const blobCost = 128

// Store lets the events of an observer share equal blobs and header lists. Its
// memory is bounded: what has not been used for long is forgotten, and an equal
// one that comes later is kept a second time. It never takes anything from an
// event. A Store is safe for concurrent use.
type Store struct {
	seed maphash.Seed

	mu     sync.Mutex
	blobs  *generations[uint64, *Blob]
	lists  *generations[uint64, Fields]
	shared uint64
}

// NewStore returns a Store of so many bytes. 0 is [DefaultStore].
func NewStore(limit int) *Store {
	if limit <= 0 {
		limit = DefaultStore
	}
	return &Store{
		seed:  maphash.MakeSeed(),
		blobs: newGenerations[uint64, *Blob](limit * 3 / 8), // there are two generations
		lists: newGenerations[uint64, Fields](limit / 8),
	}
}

// Blob returns the blob of these bytes, which it copies when they are new.
func (s *Store) Blob(data []byte) *Blob {
	key := maphash.Bytes(s.seed, data)
	s.mu.Lock()
	defer s.mu.Unlock()
	if b, ok := s.blobs.get(key); ok && bytes.Equal(b.data, data) && !b.Cut() {
		s.shared++
		return b
	}
	b := NewBlob(data)
	s.blobs.put(key, b, len(b.data)+blobCost)
	return b
}

// Fields returns a list equal to this one, which it copies when it is new. The
// result must not be changed.
func (s *Store) Fields(list Fields) Fields {
	if len(list) == 0 {
		return nil
	}
	var h maphash.Hash
	h.SetSeed(s.seed)
	cost := blobCost
	for _, f := range list {
		h.WriteString(f.Name)
		h.WriteByte(0)
		h.WriteString(f.Value)
		h.WriteByte(0)
		cost += 32 + len(f.Name) + len(f.Value)
	}
	key := h.Sum64()
	s.mu.Lock()
	defer s.mu.Unlock()
	if known, ok := s.lists.get(key); ok && slices.Equal(known, list) {
		s.shared++
		return known
	}
	list = slices.Clone(list)
	s.lists.put(key, list, cost)
	return list
}

// StoreStats is what a Store holds and did.
type StoreStats struct {
	// Blobs, Lists and Bytes are held now.
	Blobs, Lists, Bytes int
	// Shared counts how often one was asked for that was there already.
	Shared uint64
	// Evicted counts those that were forgotten.
	Evicted uint64
}

// Stats may be called at any time.
func (s *Store) Stats() StoreStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	blobs, blobBytes := s.blobs.size()
	lists, listBytes := s.lists.size()
	return StoreStats{
		Blobs: blobs, Lists: lists, Bytes: blobBytes + listBytes,
		Shared: s.shared, Evicted: s.blobs.evicted + s.lists.evicted,
	}
}
