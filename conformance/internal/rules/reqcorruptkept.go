package rules

import (
	"math/rand/v2"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/protobuf/encoding/protowire"
)

// Corruptions of what is kept of a request.

// corruptNothing lists an image that only a refused create can have made.
func corruptNothing(t *Tape, draw *rand.Rand) (string, bool) {
	type place struct {
		at    int
		image *clouddesktop.DesktopImage
	}
	var places []place
	var pages walks
	before := map[string]*walk{}
	var refusals, doubts []*Seen
	for _, i := range t.Where(func(s *Seen) bool { return creates(s) || isList(s) }) {
		s := t.At(i)
		if creates(s) {
			switch {
			case turnedAway(s):
				refusals = append(refusals, s)
			case s.Answer == nil || s.Answer.ImageID() == "":
				doubts = append(doubts, s)
			}
			continue
		}
		w := pages.page(s)
		if w == nil {
			continue
		}
		first := before[w.folder]
		before[w.folder] = w
		if first == nil || first.pages > 1 {
			continue
		}
		for _, r := range refusals {
			name, ok := nameOf(r.Request)
			for _, d := range doubts {
				other, _ := nameOf(d.Request)
				ok = ok && other != name
			}
			if ok && name != "" && concerns(r, w.folder) && first.last.Returned < r.Called && r.Returned+t.Env.Window < w.first.Called {
				places = append(places, place{i, &clouddesktop.DesktopImage{Id: "image-of-a-refused-call", FolderId: w.folder, Name: name}})
			}
		}
	}
	if len(places) == 0 {
		return "", false
	}
	p := places[draw.IntN(len(places))]
	ok := editList(t, p.at, func(m *clouddesktop.ListDesktopImagesResponse) { m.DesktopImages = append(m.DesktopImages, p.image) })
	return t.At(p.at).When(), ok
}

// corruptTags refuses a request for a field that need not be known, or gives an
// image what stands in one.
var corruptTags = either(
	change(func(s *Seen) bool {
		return s.Starts() && started(s) && len(strangeTags(s)) > 0 && s.Request != nil && len(excesses(s.Request)) == 0
	}, func(t *Tape, i int) bool {
		t.Fail(i, bad("request"))
		return true
	}),
	func(t *Tape, draw *rand.Rand) (string, bool) {
		by, _ := tapedImages(t)
		const shortest = 6
		text := ""
		return withImage(func(s *Seen, _ bool) bool {
			id, _ := newImageID(s.Answer)
			if by[id] == nil || by[id].start == nil || s.Is(MethodCreate) {
				return false
			}
			for _, tag := range strangeTags(by[id].start) {
				if tag.Type == protowire.BytesType && len(tag.Value) >= shortest && (text == "" || text == string(tag.Value)) {
					text = string(tag.Value)
					return true
				}
			}
			return false
		}, func(m *clouddesktop.DesktopImage) { m.Name = text })(t, draw)
	},
)
