package rules

import "github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"

// judgeLists looks for images that are listed twice, not at all, or in a folder
// that is not theirs.
func judgeLists(env *Env) Machine {
	var (
		waiting held
		pages   walks
		writers writes
		made    endings
	)
	return Machine{
		Call: func(s *Seen, sink *Sink) {
			waiting.release(s, sink)
			writers.note(s)
			if s.Answer != nil {
				if id, ok := newImageID(s.Answer); ok && own(s) && s.Answer.GetDone() && s.Answer.Image != nil {
					made.note(id, s)
				}
				return
			}
			response, ok := s.Response.(*clouddesktop.ListDesktopImagesResponse)
			if !ok || !s.Is(MethodListImage) {
				return
			}
			judgePage(s, response, sink)
			w := pages.page(s)
			if w == nil {
				return
			}
			waiting.hold(s, func(sink *Sink) {
				if w.pages > 1 && writers.during(w.first.Called, w.last.Returned) {
					return
				}
				for _, id := range made.order {
					if end := made.of[id]; end.Answer.Image.GetFolderId() == w.folder && end.Returned+env.Window < w.first.Called {
						judgeListed(env, w, id, end, sink)
					}
				}
			})
		},
		End: waiting.end,
	}
}

// judgePage is about what no page can have, whatever others are doing.
func judgePage(s *Seen, response *clouddesktop.ListDesktopImagesResponse, sink *Sink) {
	request, _ := s.Request.(*clouddesktop.ListDesktopImagesRequest)
	seen := map[string]bool{}
	for _, image := range response.GetDesktopImages() {
		id := image.GetId()
		if seen[id] {
			sink.Exercise(id)
			sink.Breach(by(s), "%s: one page lists image %s twice", s.When(), short(id))
			return
		}
		seen[id] = true
		if folder := request.GetFolderId(); folder != "" && image.GetFolderId() != folder {
			sink.Exercise(id)
			sink.Breach(by(s), "%s: the list of folder %q has image %s, which is in folder %q by its own account; images of other folders are not in the list", s.When(), short(folder), short(id), short(image.GetFolderId()))
			return
		}
	}
}

func judgeListed(env *Env, w *walk, id string, end *Seen, sink *Sink) {
	op := end.Op
	if op.changedBy(w.last, MethodDelete) != nil {
		return
	}
	sink.Exercise(op.ID)
	switch n := w.times(id); {
	case n == 0:
		breachOfParty(env, sink, end, w.last, by(end, w.last), "%s said that the operation had succeeded, and the list of folder %q, read later up to %s, lacks its image %s, which nobody has deleted", end.When(), short(w.folder), w.last.When(), short(id))
	case n > 1 && w.pages > 1:
		sink.Breach(by(w.first, w.last), "the list of folder %q, read from %s to %s while nobody wrote, has image %s %d times", short(w.folder), w.first.When(), w.last.When(), short(id), n)
	}
}
