package rules

import (
	"math/rand/v2"
	"strings"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// accept has an event end with OK and a message.
func (t *Tape) accept(i int, m proto.Message) bool {
	raw, ok := encoded(m, t.Events[i].RequestCodec)
	if ok {
		t.Change(i, func(e *trace.Event) {
			e.Outcome, e.Failure, e.HTTPStatus = optestv1.Event_OK, nil, 200
			e.Response, e.ResponseCodec, e.ResponseFidelity = trace.NewBlob(raw), e.RequestCodec, optestv1.Event_FIDELITY_UNSPECIFIED
		})
	}
	return ok
}

// change is the corruption of one event that the function holds for, at a place
// where it can be made.
func change(is func(*Seen) bool, at func(t *Tape, i int) bool) Corruption {
	return func(t *Tape, draw *rand.Rand) (string, bool) {
		places := t.Where(is)
		for _, n := range draw.Perm(len(places)) {
			if at(t, places[n]) {
				return t.At(places[n]).When(), true
			}
		}
		return "", false
	}
}

// taped is what a tape tells of an operation that makes an image.
type taped struct {
	start, done *Seen
	image       string
	pending     time.Duration // the latest call that found it in progress
	cancelled   bool
}

// tapedImages are the operations of a tape by the images that they make, and the
// images that were written to.
func tapedImages(t *Tape) (by map[string]*taped, written map[string]bool) {
	ops := map[string]*taped{}
	by, written = map[string]*taped{}, map[string]bool{}
	for _, i := range t.Where(func(*Seen) bool { return true }) {
		s := t.At(i)
		id := operationOf(s)
		if image := imageOf(s.Request); s.Starts() && image != "" {
			written[image] = true
		}
		if s.Is(MethodCancel) && ops[id] != nil {
			ops[id].cancelled = true
		}
		if s.Answer == nil || s.Answer.GetId() != id {
			continue
		}
		op := ops[id]
		if op == nil {
			op = &taped{}
			ops[id] = op
		}
		if s.Starts() && op.start == nil {
			op.start = s
		}
		if image, ok := newImageID(s.Answer); ok && image != "" {
			op.image = image
			by[image] = op
		}
		switch {
		case s.Answer.GetDone() && op.done == nil:
			op.done = s
		case s.Answer.Rank() == Pending:
			op.pending = max(op.pending, s.Called)
		}
	}
	return by, written
}

// withImage is the corruption of the image in an answer. Written tells whether
// anybody has written to it since it was made.
func withImage(is func(s *Seen, written bool) bool, change func(*clouddesktop.DesktopImage)) Corruption {
	return func(t *Tape, draw *rand.Rand) (string, bool) {
		_, written := tapedImages(t)
		return editKnown(func(_, s *Seen) bool {
			return s.Answer.Image != nil && s.Answer.GetDone() && s.Answer.GetId() == operationOf(s) && is(s, written[s.Answer.ImageID()])
		}, func(m *operation.Operation) {
			image := &clouddesktop.DesktopImage{}
			if m.GetResponse().UnmarshalTo(image) != nil {
				return
			}
			change(image)
			if packed, err := anypb.New(image); err == nil {
				m.Result = &operation.Operation_Response{Response: packed}
			}
		})(t, draw)
	}
}

func isNewImage(s *Seen, _ bool) bool {
	_, ok := newImageID(s.Answer)
	return ok
}

// withImageID is the corruption of the image's id in the metadata of an answer.
func withImageID(is func(*Seen) bool, id string) Corruption {
	return edit(func(s *Seen) bool {
		old, ok := newImageID(s.Answer)
		return ok && old != "" && s.Answer.GetId() == operationOf(s) && is(s)
	}, func(m *operation.Operation) { setImageID(m, id) })
}

func setImageID(m *operation.Operation, id string) {
	meta, err := m.GetMetadata().UnmarshalNew()
	if err != nil {
		return
	}
	switch meta := meta.(type) {
	case *clouddesktop.CopyFromDesktopMetadata:
		meta.ImageId = id
	case *clouddesktop.CopyDesktopImageMetadata:
		meta.ImageId = id
	}
	if packed, err := anypb.New(meta); err == nil {
		m.Metadata = packed
	}
}

var (
	corruptImageID = either(
		withImageID(func(s *Seen) bool { return s.Answer.GetError() == nil }, ""),
		withImageID(func(*Seen) bool { return true }, strings.Repeat("i", 51)),
	)
	corruptSameImage = withImage(isNewImage, func(m *clouddesktop.DesktopImage) { m.Id += "-of-another" })
	corruptFolder    = withImage(func(*Seen, bool) bool { return true }, func(m *clouddesktop.DesktopImage) { m.FolderId = "" })
	corruptStatus    = either(
		withImage(func(*Seen, bool) bool { return true }, func(m *clouddesktop.DesktopImage) { m.Status = 0 }),
		withImage(func(*Seen, bool) bool { return true }, func(m *clouddesktop.DesktopImage) { m.Status = 99 }),
	)
	corruptReady = withImage(
		func(s *Seen, written bool) bool { return isNewImage(s, written) && !written },
		func(m *clouddesktop.DesktopImage) { m.Status = clouddesktop.DesktopImage_CREATING },
	)
	corruptSizes      = withImage(func(*Seen, bool) bool { return true }, func(m *clouddesktop.DesktopImage) { m.StorageSize = -1 << 30 })
	corruptImageStamp = either(
		withImage(isNewImage, func(m *clouddesktop.DesktopImage) { m.CreatedAt = nil }),
		withImage(isNewImage, func(m *clouddesktop.DesktopImage) { m.CreatedAt = yearsOff(m.GetCreatedAt(), -1) }),
		withImage(isNewImage, func(m *clouddesktop.DesktopImage) { m.CreatedAt = yearsOff(m.GetCreatedAt(), 1) }),
	)
)

func yearsOff(t *timestamppb.Timestamp, years int) *timestamppb.Timestamp {
	return timestamppb.New(t.AsTime().AddDate(years, 0, 0))
}

// asAsked is the corruption of what an image has of its request.
func asAsked(has func(imageRequest) bool, change func(*clouddesktop.DesktopImage)) Corruption {
	return func(t *Tape, draw *rand.Rand) (string, bool) {
		by, _ := tapedImages(t)
		return withImage(func(s *Seen, written bool) bool {
			id, _ := newImageID(s.Answer)
			if by[id] == nil || by[id].start == nil || written {
				return false
			}
			request, ok := by[id].start.Request.(imageRequest)
			return ok && has(request)
		}, change)(t, draw)
	}
}

var (
	corruptName  = asAsked(func(r imageRequest) bool { return r.GetName() != "" }, func(m *clouddesktop.DesktopImage) { m.Name += " " })
	corruptLabel = either(
		asAsked(func(r imageRequest) bool { return len(r.GetLabels()) > 0 }, func(m *clouddesktop.DesktopImage) { m.Labels = nil }),
		asAsked(func(r imageRequest) bool { return len(r.GetLabels()) > 0 }, func(m *clouddesktop.DesktopImage) {
			if m.Labels == nil {
				m.Labels = map[string]string{}
			}
			m.Labels["of-another"] = "image"
		}),
		asAsked(func(r imageRequest) bool { return r.GetDescription() != "" }, func(m *clouddesktop.DesktopImage) { m.Description = "" }),
	)
)

// losesImage has an event end with NOT_FOUND.
func losesImage(t *Tape, i int) bool {
	t.Fail(i, trace.Failure{Code: code.Code_NOT_FOUND, Message: "no such thing"})
	return true
}
