package rules

import (
	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/genproto/googleapis/rpc/code"
)

// endings are the first answers that told how operations ended, by the images that
// these were to make.
type endings struct {
	of    map[string]*Seen
	order []string
}

// maxEndings bounds them. Beyond it, the oldest are forgotten.
const maxEndings = 1 << 12

func (e *endings) note(id string, s *Seen) {
	if _, ok := e.of[id]; ok || id == "" {
		return
	}
	if e.of == nil {
		e.of = map[string]*Seen{}
	}
	if len(e.order) >= maxEndings {
		delete(e.of, e.order[0])
		e.order = e.order[1:]
	}
	e.of[id] = s
	e.order = append(e.order, id)
}

// judgeLeftovers looks for images of operations that have failed, and that count
// by the answer which tells so.
func judgeLeftovers(counts func(end *Seen) bool) func(*Env) Machine {
	return func(env *Env) Machine { return leftovers(env, counts) }
}

func leftovers(env *Env, counts func(end *Seen) bool) Machine {
	var failed endings
	after := func(id string, s *Seen) *Seen {
		end := failed.of[id]
		if end == nil || end.Returned+env.Window >= s.Called {
			return nil
		}
		return end
	}
	return Machine{Call: func(s *Seen, sink *Sink) {
		if s.Answer != nil {
			if id, ok := newImageID(s.Answer); ok && own(s) && s.Answer.GetDone() && s.Answer.GetError() != nil && counts(s) {
				failed.note(id, s)
			}
			return
		}
		switch {
		case s.Is(MethodGetImage):
			end := after(imageOf(s.Request), s)
			if end == nil {
				return
			}
			switch {
			case s.OK():
				sink.Exercise(end.Op.ID)
				sink.Breach(by(end, s), "%s said that the operation which was to make the image had ended with an error, and %s, called later, still finds the image; an operation that fails is done only after what it has made is gone", end.When(), s.When())
			case s.Failed() && (s.Code() == code.Code_NOT_FOUND || s.Code() == code.Code_PERMISSION_DENIED):
				sink.Exercise(end.Op.ID)
			}
		case s.Is(MethodListImage):
			response, _ := s.Response.(*clouddesktop.ListDesktopImagesResponse)
			for _, image := range response.GetDesktopImages() {
				if end := after(image.GetId(), s); end != nil {
					sink.Exercise(end.Op.ID)
					sink.Breach(by(end, s), "%s said that the operation which was to make image %s had ended with an error, and %s, called later, still lists the image; an operation that fails is done only after what it has made is gone", end.When(), short(image.GetId()), s.When())
				}
			}
		}
	}}
}
