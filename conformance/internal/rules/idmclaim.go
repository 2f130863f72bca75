package rules

import (
	"hash/maphash"
	"time"

	"google.golang.org/protobuf/proto"
)

// claims are the names that images have, and those that calls may have given to
// some.
type claims struct {
	seed maphash.Seed
	// by has, of each name, the key of the one call that may have given it.
	by    map[uint64]string
	pages walks
	lists map[string]listed // by folder, as read last
	blind bool
}

type listed struct {
	names map[string]bool
	at    time.Duration
}

func newClaims() *claims {
	return &claims{seed: maphash.MakeSeed(), by: map[uint64]string{}, lists: map[string]listed{}}
}

// note takes what a call tells of names.
func (c *claims) note(s *Seen) {
	if s.Is(MethodListImage) {
		c.list(s)
		return
	}
	if !s.Starts() || turnedAway(s) {
		return
	}
	name, ok := nameOf(s.Request)
	if !ok {
		return
	}
	const most = 1 << 14
	if len(c.by) >= most {
		c.blind = true
		return
	}
	key, _ := keyOf(s)
	h := maphash.String(c.seed, name)
	if known, ok := c.by[h]; ok && known != key {
		key = "" // of several
	}
	c.by[h] = key
}

func (c *claims) list(s *Seen) {
	w := c.pages.page(s)
	if w == nil {
		return
	}
	if len(c.lists) >= maxFolders {
		clear(c.lists)
	}
	l := listed{names: map[string]bool{}, at: w.last.Returned}
	for _, image := range w.images {
		l.names[image.GetName()] = true
	}
	c.lists[w.folder] = l
}

// free reports whether no image had the name that a create asks for when it was
// called, by the list of its folder.
func (c *claims) free(s *Seen) bool {
	request, ok := s.Request.(imageRequest)
	if !ok || request.GetName() == "" {
		return false
	}
	l, ok := c.lists[request.GetFolderId()]
	return ok && l.at < s.Called && !l.names[request.GetName()]
}

// others reports whether another call than those with the key of this one may have
// given its name to an image.
func (c *claims) others(s *Seen) bool {
	name, ok := nameOf(s.Request)
	if !ok || c.blind {
		return true
	}
	key, _ := keyOf(s)
	known, ok := c.by[maphash.String(c.seed, name)]
	return ok && known != key
}

func nameOf(request proto.Message) (string, bool) {
	r, ok := request.(interface{ GetName() string })
	if !ok {
		return "", false
	}
	return r.GetName(), true
}
