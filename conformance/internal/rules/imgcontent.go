package rules

import (
	"fmt"
	"maps"
	"time"
	"unicode/utf8"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
)

// judgeImageID is about the id in the metadata.
func judgeImageID(_ *Env, s *Seen) (applies bool, breach string) {
	const most = 50
	id, ok := newImageID(s.Answer)
	// An operation that fails at once may have made no image to name.
	if !ok || id == "" && s.Answer.GetError() != nil {
		return false, ""
	}
	switch n := utf8.RuneCountInString(id); {
	case n == 0:
		return true, "the metadata have an empty image_id, so that nobody can find the image that is being made"
	case n > most:
		return true, fmt.Sprintf("image_id in the metadata has %d characters, where an id has at most %d", n, most)
	}
	return true, ""
}

// judgeSameImage holds the response against the metadata beside it.
func judgeSameImage(_ *Env, s *Seen) (applies bool, breach string) {
	id, ok := newImageID(s.Answer)
	if !ok || id == "" || s.Answer.Image == nil {
		return false, ""
	}
	if got := s.Answer.Image.GetId(); got != id {
		return true, fmt.Sprintf("the response is the image %q, and the metadata of the same answer say that the operation makes %q", short(got), short(id))
	}
	return true, ""
}

func judgeFolder(_ *Env, s *Seen, sink *Sink) {
	got := s.Answer.Image.GetFolderId()
	request, ok := s.Op.wanted()
	sink.Exercise(s.Op.ID)
	switch {
	case got == "":
		sink.Breach(by(s), "%s: the image in the response has no folder_id, which every resource has", s.When())
	case ok && request.GetFolderId() != "" && got != request.GetFolderId():
		sink.breachOf(s.Op, evidence(s.Op.Start, s), "%s: the image is in folder %q, and %s asked for folder %q; images do not move by themselves", s.When(), short(got), s.Op.Start.When(), short(request.GetFolderId()))
	}
}

func judgeName(s *Seen) (applies bool, breach string) {
	request, ok := s.Op.wanted()
	if !ok || request.GetName() == "" {
		return false, ""
	}
	if got := s.Answer.Image.GetName(); got != request.GetName() {
		return true, fmt.Sprintf("the image is named %q, and the request asked for %q, which differs in bytes; nobody has renamed it", got, request.GetName())
	}
	return true, ""
}

func judgeLabelled(s *Seen) (applies bool, breach string) {
	request, ok := s.Op.wanted()
	if !ok || len(request.GetLabels()) == 0 && request.GetDescription() == "" {
		return false, ""
	}
	got := s.Answer.Image
	if want := request.GetLabels(); len(want) > 0 && !maps.Equal(got.GetLabels(), want) {
		return true, fmt.Sprintf("the image has %d labels that are not the %d of the request; nobody has changed them", len(got.GetLabels()), len(want))
	}
	if want := request.GetDescription(); want != "" && got.GetDescription() != want {
		return true, fmt.Sprintf("the image's description is %q, and the request's %q; nobody has changed it", short(got.GetDescription()), short(want))
	}
	return true, ""
}

func judgeStatus(_ *Env, s *Seen, sink *Sink) {
	sink.Exercise(s.Op.ID)
	switch status, documented := shownStatus(s, s.Answer.Image); {
	case !documented:
		// A server may be newer than the documentation.
		sink.Warn(by(s), "%s: the image has the status %s, which is not documented; a client does not know whether such an image can be used", s.When(), status)
	case s.Answer.Image.GetStatus() == clouddesktop.DesktopImage_STATUS_UNSPECIFIED && s.Answer.GetDone():
		sink.Breach(by(s), "%s: the operation succeeded, and its image has the status %s, which no image is in", s.When(), status)
	}
}

func judgeReady(s *Seen) (applies bool, breach string) {
	if _, ok := newImageID(s.Answer); !ok {
		return false, ""
	}
	if status, documented := shownStatus(s, s.Answer.Image); documented && s.Answer.Image.GetStatus() != clouddesktop.DesktopImage_ACTIVE {
		return true, fmt.Sprintf("the operation succeeded, and its image is %s; a client that waited for the operation finds that it can't use the image", status)
	}
	return true, ""
}

func judgeSizes(_ *Env, s *Seen, sink *Sink) {
	image := s.Answer.Image
	sink.Exercise(s.Op.ID)
	for _, size := range []struct {
		name  string
		bytes int64
	}{{"storage_size", image.GetStorageSize()}, {"min_disk_size", image.GetMinDiskSize()}} {
		switch {
		case size.bytes < 0:
			sink.Breach(by(s), "%s: %s is %d bytes, and no size is less than nothing", s.When(), size.name, size.bytes)
		case size.bytes == 0 && image.GetStatus() == clouddesktop.DesktopImage_ACTIVE:
			sink.Warn(by(s), "%s: %s of an image that is ready is 0 bytes", s.When(), size.name)
		}
	}
}

// Stamps of an image and of its operation may be a second apart by rounding, and
// two more where two services have a clock each.
const stampSlack = 3 * time.Second

func judgeImageStamp(_ *Env, s *Seen, sink *Sink) {
	if _, ok := newImageID(s.Answer); !ok {
		return
	}
	sink.Exercise(s.Op.ID)
	at := s.Answer.Image.GetCreatedAt()
	if fault := stampFault("created_at of the image", at); fault != "" {
		sink.Breach(by(s), "%s: %s", s.When(), fault)
		return
	}
	from, until := s.Answer.GetCreatedAt(), s.Answer.GetModifiedAt()
	if from.IsValid() && at.AsTime().Before(from.AsTime().Add(-stampSlack)) {
		sink.Warn(by(s), "%s: the image was created at %s, and the operation that makes it later, at %s", s.When(), stampText(at), stampText(from))
	}
	if until.IsValid() && at.AsTime().After(until.AsTime().Add(stampSlack)) {
		sink.Warn(by(s), "%s: the image was created at %s, after the operation that makes it had last changed, at %s", s.When(), stampText(at), stampText(until))
	}
}
