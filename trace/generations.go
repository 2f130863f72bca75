package trace

import "hash/maphash"

// generations is a cache of bounded cost that keeps what was used last. It has
// two halves: when the young one is full, it becomes the old one and the former
// old one is forgotten. What is found in the old one moves to the young one, so
// an entry outlives at least limit of cost that is used after it, and at most
// twice that.
type generations[K comparable, V any] struct {
	young, old map[K]costly[V]
	cost       int // of the young half
	oldCost    int
	limit      int // of a half
	evicted    uint64
}

type costly[V any] struct {
	value V
	cost  int
}

func newGenerations[K comparable, V any](limit int) *generations[K, V] {
	return &generations[K, V]{young: map[K]costly[V]{}, limit: limit}
}

func (g *generations[K, V]) get(key K) (value V, ok bool) {
	if e, ok := g.young[key]; ok {
		return e.value, true
	}
	e, ok := g.old[key]
	if !ok {
		return value, false
	}
	delete(g.old, key)
	g.oldCost -= e.cost
	g.put(key, e.value, e.cost)
	return e.value, true
}

// put adds or replaces an entry.
func (g *generations[K, V]) put(key K, value V, cost int) {
	if before, ok := g.young[key]; ok {
		g.cost -= before.cost
	} else if g.cost > 0 && g.cost+cost > g.limit {
		g.evicted += uint64(len(g.old))
		g.old, g.young, g.oldCost, g.cost = g.young, map[K]costly[V]{}, g.cost, 0
	}
	g.young[key] = costly[V]{value, cost}
	g.cost += cost
}

// size is what the cache holds.
func (g *generations[K, V]) size() (entries, cost int) {
	return len(g.young) + len(g.old), g.cost + g.oldCost
}

// spans is such a cache that is asked by bytes, without a copy of them.
type spans[V any] struct{ generations[string, V] }

func newSpans[V any](limit int) *spans[V] {
	return &spans[V]{*newGenerations[string, V](limit)}
}

func (s *spans[V]) find(raw []byte) (value V, ok bool) {
	if e, ok := s.young[string(raw)]; ok {
		return e.value, true
	}
	if _, ok := s.old[string(raw)]; ok {
		return s.get(string(raw))
	}
	return value, false
}

// doorkeeper keeps what comes once, such as the id of a request, out of a cache.
type doorkeeper struct {
	seed maphash.Seed
	seen *[4096]uint64 // by the lower bits of the hash
}

func newDoorkeeper() doorkeeper { return doorkeeper{maphash.MakeSeed(), new([4096]uint64)} }

// again reports whether the same has come before, not too long ago.
func (d doorkeeper) again(raw []byte) bool {
	h := maphash.Bytes(d.seed, raw)
	place := &d.seen[h%uint64(len(d.seen))]
	if *place == h {
		return true
	}
	*place = h
	return false
}
