package rules

import (
	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/protobuf/proto"
)

// newImageID is the id of the image that an operation makes, by the metadata of an
// answer. It reports false for metadata of other operations, or none.
func newImageID(a *Answer) (id string, ok bool) {
	switch m := a.Meta.(type) {
	case *clouddesktop.CopyFromDesktopMetadata:
		return m.GetImageId(), true
	case *clouddesktop.CopyDesktopImageMetadata:
		return m.GetImageId(), true
	}
	return "", false
}

// imageRequest asks for a new image.
type imageRequest interface {
	proto.Message
	GetFolderId() string
	GetName() string
	GetLabels() map[string]string
	GetDescription() string
}

// wanted is what the operation was asked to make, if that is known and an image.
func (op *Op) wanted() (imageRequest, bool) {
	r, ok := op.Request.(imageRequest)
	return r, ok
}

// sourceOf is the id of what a new image is to be a copy of.
func sourceOf(request imageRequest) string {
	switch r := request.(type) {
	case *clouddesktop.CopyFromDesktopRequest:
		return r.GetDesktopId()
	case *clouddesktop.CopyDesktopImageRequest:
		return r.GetImageId()
	}
	return ""
}

// own reports whether the answer is about the operation that was asked for. Of
// another one's, only the rule about that is to say something.
func own(s *Seen) bool { return s.Answer.GetId() == s.Op.ID }

// ownImage reports whether the answer has the image that its operation makes. Of
// another image, only the rule about that is to say something.
func ownImage(s *Seen) bool {
	if s.Answer.Image == nil || !own(s) {
		return false
	}
	id, ok := newImageID(s.Answer)
	return !ok || id == "" || id == s.Answer.Image.GetId()
}

// changedBy is a call that may have changed the operation's image, by one of the
// methods, before s returned. It is nil without one, and an arbitrary one where
// there were too many to remember, or where nobody knows what was changed: by calls
// whose requests were not seen, or before it was known what the operation makes.
func (op *Op) changedBy(s *Seen, methods ...string) *Seen {
	switch {
	case len(op.Changes) >= maxChanges:
		return op.Changes[0]
	case op.Start == nil && len(op.Looks) > 0:
		return op.Looks[0].First
	}
	for _, c := range op.Changes {
		for _, m := range methods {
			if c.Is(m) && c.Called < s.Returned && !turnedAway(c) {
				return c
			}
		}
	}
	for _, m := range methods {
		if c := op.unread.before(s, m); c != nil {
			return c
		}
	}
	return nil
}

// fromImage is a machine that is given the images that operations made, in answers
// that say they succeeded, and judges at once.
func fromImage(judge func(env *Env, s *Seen, sink *Sink)) func(*Env) Machine {
	return func(env *Env) Machine {
		return Machine{Look: func(s *Seen, sink *Sink) {
			if ownImage(s) {
				judge(env, s, sink)
			}
		}}
	}
}

// unlessChanged is fromImage for what others may have changed since. Judge says
// what is wrong, and is asked again only for words; a breach waits until it is
// clear that no call of the methods explains it. Where others may make calls that
// are not seen, it is a warning.
func unlessChanged(methods []string, judge func(s *Seen) (applies bool, breach string)) func(*Env) Machine {
	return func(env *Env) Machine {
		var waiting held
		return Machine{
			Call: waiting.release,
			Look: func(s *Seen, sink *Sink) {
				if !s.Answer.GetDone() || !ownImage(s) {
					return
				}
				applies, breach := judge(s)
				if !applies {
					return
				}
				sink.Exercise(s.Op.ID)
				if breach == "" {
					return
				}
				waiting.hold(s, func(sink *Sink) {
					switch {
					case s.Op.changedBy(s, methods...) != nil:
					case env.World:
						sink.Breach(evidence(s.Op.Start, s), "%s: %s", s.When(), breach)
					default:
						sink.Warn(evidence(s.Op.Start, s), "%s: %s by a call that was seen", s.When(), breach)
					}
				})
			},
			End: waiting.end,
		}
	}
}

// evidence leaves out what was not seen.
func evidence(seen ...*Seen) []*Seen {
	var list []*Seen
	for i, s := range seen {
		if s != nil && (i == 0 || s != seen[i-1]) {
			list = append(list, s)
		}
	}
	return list
}
