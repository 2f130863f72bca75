package rules

import "hash/maphash"

// owners are the operations that images were first named by: of the latest images
// the answer, of older ones a hash.
type owners struct {
	latest map[string]*Seen
	order  []string
	older  map[uint64]uint64
	seed   maphash.Seed
}

// Bounds of owners. Reuse of an id that is older than that goes unnoticed.
const (
	maxLatest = 1 << 12
	maxOlder  = 1 << 18
)

func newOwners() *owners {
	return &owners{latest: map[string]*Seen{}, older: map[uint64]uint64{}, seed: maphash.MakeSeed()}
}

// claim notes the image as s's operation's, unless it is another's: that one's
// answer is returned then, nil where it was forgotten.
func (o *owners) claim(image string, s *Seen) (owner *Seen, taken bool) {
	if owner = o.latest[image]; owner != nil {
		return owner, owner.Op.ID != s.Op.ID
	}
	if op, ok := o.older[o.hash(image)]; ok {
		return nil, op != o.hash(s.Op.ID)
	}
	if len(o.order) >= maxLatest {
		old := o.order[0]
		o.order = o.order[1:]
		if len(o.older) >= maxOlder {
			clear(o.older)
		}
		o.older[o.hash(old)] = o.hash(o.latest[old].Op.ID)
		delete(o.latest, old)
	}
	o.latest[image] = s
	o.order = append(o.order, image)
	return nil, false
}

func (o *owners) hash(text string) uint64 { return maphash.String(o.seed, text) }

// judgeNew looks for new images with an id that is something else's.
func judgeNew(*Env) Machine {
	images := newOwners()
	return Machine{Look: func(s *Seen, sink *Sink) {
		id, ok := newImageID(s.Answer)
		if !ok || id == "" || !own(s) {
			return
		}
		sink.Exercise(s.Op.ID)
		if owner, taken := images.claim(id, s); taken {
			sink.Breach(evidence(owner, s), "%s: the operation is said to make image %s, which another operation was said to make before; a new image has an id of its own", s.When(), short(id))
		}
		if request, ok := s.Op.wanted(); ok && sourceOf(request) == id {
			sink.breachOf(s.Op, evidence(s.Op.Start, s), "%s: the new image has the id %s of what it is copied from", s.When(), short(id))
		}
	}}
}
