package rules

import (
	"fmt"
	"slices"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
)

// nothing looks for what calls that were refused have made all the same: images
// in lists that no operation accounts for, and operations themselves.
type nothing struct {
	env     *Env
	waiting held
	pages   walks
	writers writes
	// before is the latest reading of each folder.
	before map[string]*walk
	listed map[string]bool // every image that a reading had
	made   map[string]bool // every image that an operation was said to make
	// refused are creates that have failed for sure; doubtful are those that may have
	// made an image of which nobody knows the id.
	refused, doubtful []*Seen
	blind             bool
}

// Bounds of what is kept. Where there is more, the rule falls silent.
const (
	maxFolders = 64
	maxImages  = 1 << 15
	maxCreates = 1 << 10
)

func judgeNothing(env *Env) Machine {
	n := &nothing{env: env, before: map[string]*walk{}, listed: map[string]bool{}, made: map[string]bool{}}
	return Machine{
		Call: n.call,
		Look: func(s *Seen, sink *Sink) {
			e, ok := refusedLate(s)
			if !ok || !own(s) {
				return
			}
			sink.Exercise(s.Op.ID)
			sink.Breach(evidence(s.Op.Start, s), "%s: %s of the request %s, and instead of a refusal there is an operation, which fails with INVALID_ARGUMENT; a request that can't be carried out starts nothing", s.When(), e.field.Name(), e.text)
		},
		End: n.waiting.end,
	}
}

func (n *nothing) call(s *Seen, sink *Sink) {
	n.waiting.release(s, sink)
	n.writers.note(s)
	if s.Answer != nil {
		if id, ok := newImageID(s.Answer); ok && id != "" {
			n.made[id] = true
		}
	}
	if creates(s) {
		n.create(s)
	}
	if s.Is(MethodListImage) {
		if w := n.pages.page(s); w != nil {
			n.walked(w, sink)
		}
	}
	n.blind = n.blind || len(n.made) >= maxImages || len(n.listed) >= maxImages
	if n.blind {
		clear(n.made)
		clear(n.listed)
	}
}

func (n *nothing) create(s *Seen) {
	list := &n.doubtful
	switch {
	case turnedAway(s):
		list = &n.refused
	case s.Answer != nil && s.Answer.ImageID() != "":
		return
	}
	if len(*list) >= maxCreates {
		n.blind = n.blind || list == &n.doubtful
		*list = slices.Delete(*list, 0, 1)
	}
	*list = append(*list, s)
}

// walked compares a reading of a folder with the one before.
func (n *nothing) walked(w *walk, sink *Sink) {
	before := n.before[w.folder]
	if before == nil && len(n.before) >= maxFolders {
		n.blind = true
	}
	if n.blind {
		return
	}
	n.before[w.folder] = w
	var fresh []*clouddesktop.DesktopImage
	for _, image := range w.images {
		if !n.listed[image.GetId()] {
			n.listed[image.GetId()] = true
			fresh = append(fresh, image)
		}
	}
	if before == nil {
		return
	}
	for _, r := range n.refused {
		if concerns(r, w.folder) && before.last.Returned < r.Called && r.Returned+n.env.Window < w.first.Called {
			sink.Exercise(fmt.Sprintf("call #%d", r.Number))
		}
	}
	if len(fresh) == 0 {
		return
	}
	n.waiting.hold(w.last, func(sink *Sink) {
		// Pages that shift hide images, which then seem to be new in the next reading.
		if n.blind || before.pages > 1 && n.writers.during(before.first.Called, before.last.Returned) {
			return
		}
		for _, image := range fresh {
			if r := n.culprit(image, before, w); !n.made[image.GetId()] && r != nil {
				sink.Breach(by(before.last, r, w.last), "%s ended with %s; the list of folder %q, which %s had read before, now has image %s (%q) by %s, and no operation has made it; a call that is refused makes nothing",
					r.When(), ending(r), short(w.folder), before.last.When(), short(image.GetId()), short(image.GetName()), w.last.When())
			}
		}
	})
}

// culprit is a refused call that must have made the image, which came into the list
// between two readings; nil without one.
func (n *nothing) culprit(image *clouddesktop.DesktopImage, before, w *walk) *Seen {
	var found *Seen
	named := false
	for _, r := range n.refused {
		if !concerns(r, w.folder) || r.Called >= w.last.Returned || r.Returned+n.env.Window <= before.first.Called {
			continue
		}
		name, ok := nameOf(r.Request)
		if is := ok && name != "" && name == image.GetName(); is || !named {
			found, named = r, named || is
		}
	}
	for _, d := range n.doubtful {
		if !concerns(d, w.folder) || d.Called >= w.last.Returned {
			continue
		}
		if name, ok := nameOf(d.Request); !named || !ok || name == image.GetName() {
			return nil
		}
	}
	return found
}

// concerns reports whether a create may have made an image in the folder.
func concerns(s *Seen, folder string) bool {
	r, ok := s.Request.(imageRequest)
	return !ok || r.GetFolderId() == "" || r.GetFolderId() == folder
}
