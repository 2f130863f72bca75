package rules

import (
	"math/rand/v2"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/protobuf/proto"
)

// Corruptions of what is read of images.

// imageReads is the corruption of a read of an image that an operation of the tape
// makes.
func imageReads(is func(t *Tape, s *Seen, op *taped, written bool) bool, at func(t *Tape, i int) bool) Corruption {
	return func(t *Tape, draw *rand.Rand) (string, bool) {
		by, written := tapedImages(t)
		return change(func(s *Seen) bool {
			id := imageOf(s.Request)
			return s.Is(MethodGetImage) && by[id] != nil && by[id].start != nil && is(t, s, by[id], written[id])
		}, at)(t, draw)
	}
}

var corruptVisible = imageReads(func(t *Tape, s *Seen, op *taped, written bool) bool {
	begun := op.start.Returned < s.Called && s.Called-op.start.Returned >= t.Env.Window
	going := op.done == nil || op.done.Returned >= s.Called
	proven := op.pending >= s.Returned+t.Env.Window || op.done != nil && op.done.Answer.Outcome() == "response"
	return s.OK() && begun && going && proven && !op.cancelled && !written
}, losesImage)

var corruptReadBack = imageReads(func(t *Tape, s *Seen, op *taped, _ bool) bool {
	return s.OK() && op.done != nil && op.done.Answer.Image != nil && op.done.Returned+t.Env.Window < s.Called
}, func(t *Tape, i int) bool {
	image, ok := t.At(i).Response.(*clouddesktop.DesktopImage)
	if !ok {
		return false
	}
	image = proto.CloneOf(image)
	image.StorageSize++
	return t.Respond(i, image)
})

func failedBefore(t *Tape, s *Seen, op *taped) bool {
	return op.done != nil && op.done.Answer.GetError() != nil && op.done.Returned+t.Env.Window < s.Called
}

var corruptLeftover = either(
	imageReads(func(t *Tape, s *Seen, op *taped, _ bool) bool {
		return failedBefore(t, s, op) && s.Failed() && s.Code() == code.Code_NOT_FOUND
	}, func(t *Tape, i int) bool {
		return t.accept(i, &clouddesktop.DesktopImage{Id: imageOf(t.At(i).Request), FolderId: t.Env.Folder, Status: clouddesktop.DesktopImage_ACTIVE})
	}),
	func(t *Tape, draw *rand.Rand) (string, bool) {
		by, _ := tapedImages(t)
		return change(isList, func(t *Tape, i int) bool {
			for _, n := range draw.Perm(len(t.Events)) {
				id, ok := "", false
				if s := t.At(n); s.Answer != nil {
					id, ok = newImageID(s.Answer)
				}
				if ok && by[id] != nil && failedBefore(t, t.At(i), by[id]) {
					return editList(t, i, func(m *clouddesktop.ListDesktopImagesResponse) {
						m.DesktopImages = append(m.DesktopImages, &clouddesktop.DesktopImage{Id: id, FolderId: folderOf(t.At(i))})
					})
				}
			}
			return false
		})(t, draw)
	},
)

func isList(s *Seen) bool { return s.Is(MethodListImage) && s.Response != nil && s.Request != nil }

func folderOf(s *Seen) string {
	request, _ := s.Request.(*clouddesktop.ListDesktopImagesRequest)
	return request.GetFolderId()
}

func editList(t *Tape, i int, edit func(*clouddesktop.ListDesktopImagesResponse)) bool {
	m, ok := t.At(i).Response.(*clouddesktop.ListDesktopImagesResponse)
	if !ok {
		return false
	}
	m = proto.CloneOf(m)
	edit(m)
	return t.Respond(i, m)
}

// corruptNew gives a new image the id of another one, or that of its source.
var corruptNew = either(
	func(t *Tape, draw *rand.Rand) (string, bool) {
		i, ok := t.Pick(draw, func(s *Seen) bool { return s.Answer != nil && namesNew(s) })
		if !ok {
			return "", false
		}
		id, _ := newImageID(t.At(i).Answer)
		return withImageID(func(s *Seen) bool { return operationOf(s) != operationOf(t.At(i)) }, id)(t, draw)
	},
	func(t *Tape, draw *rand.Rand) (string, bool) {
		i, ok := t.Pick(draw, func(s *Seen) bool {
			request, ok := s.Request.(imageRequest)
			return s.Answer != nil && namesNew(s) && ok && sourceOf(request) != ""
		})
		if !ok {
			return "", false
		}
		request, _ := t.At(i).Request.(imageRequest)
		return withImageID(func(s *Seen) bool { return s == t.At(i) }, sourceOf(request))(t, draw)
	},
)

func namesNew(s *Seen) bool {
	id, ok := newImageID(s.Answer)
	return ok && id != "" && s.Answer.GetId() == operationOf(s)
}

func listsSome(s *Seen) bool {
	m, _ := s.Response.(*clouddesktop.ListDesktopImagesResponse)
	return isList(s) && len(m.GetDesktopImages()) > 0
}

var corruptList = either(
	change(listsSome, func(t *Tape, i int) bool {
		return editList(t, i, func(m *clouddesktop.ListDesktopImagesResponse) {
			m.DesktopImages = append(m.DesktopImages, m.DesktopImages[0])
		})
	}),
	change(func(s *Seen) bool { return listsSome(s) && folderOf(s) != "" }, func(t *Tape, i int) bool {
		return editList(t, i, func(m *clouddesktop.ListDesktopImagesResponse) { m.DesktopImages[0].FolderId += "-of-others" })
	}),
	func(t *Tape, draw *rand.Rand) (string, bool) {
		by, written := tapedImages(t)
		return change(listsSome, func(t *Tape, i int) bool {
			s := t.At(i)
			request, _ := s.Request.(*clouddesktop.ListDesktopImagesRequest)
			response, _ := s.Response.(*clouddesktop.ListDesktopImagesResponse)
			if request.GetPageToken() != "" || request.GetFilter() != "" || response.GetNextPageToken() != "" {
				return false
			}
			for n, image := range response.GetDesktopImages() {
				op := by[image.GetId()]
				if op != nil && op.done != nil && op.done.Answer.Image != nil && op.done.Returned+t.Env.Window < s.Called && !written[image.GetId()] {
					return editList(t, i, func(m *clouddesktop.ListDesktopImagesResponse) {
						m.DesktopImages = append(m.DesktopImages[:n], m.DesktopImages[n+1:]...)
					})
				}
			}
			return false
		})(t, draw)
	},
)
