package drive

import (
	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

// imageScripts do with images what else the service offers.
func imageScripts() []*Script {
	return []*Script{
		{
			Name: "image-changes", Does: "an image is updated and copied, and both are deleted, with a look at images and operations in between",
			Exercises: []string{"OP-13", "OP-14", "IMG-04", "IMG-11", "IMG-13", "CON-02"},
			needs:     succeeding, creates: 2, least: 1,
			run: imageChanges,
		},
		{
			Name: "image-pages", Does: "a folder with several images is listed page by page",
			Exercises: []string{"IMG-14"},
			needs:     succeeding, creates: 3, least: 2,
			run: imagePages,
		},
	}
}

func imageChanges(s *stage) {
	l := s.begin(s.plan.Desktops.Succeeds, "changes")
	s.follow([]*life{l}, nil)
	if !l.succeeded() || l.image == "" {
		return
	}
	folder := s.folderOf(l)
	s.look(s.main(), l)
	s.list(s.main(), folder, 0)
	lives := []*life{l}
	for i, p := range s.protocols() {
		lives = append(lives, s.watchCall(s.conn(i, p), Call{Method: methodUpdate, Message: &clouddesktop.UpdateDesktopImageRequest{
			ImageId:     l.image,
			UpdateMask:  &fieldmaskpb.FieldMask{Paths: []string{"description", "labels"}},
			Labels:      map[string]string{"updated-over": p.String()},
			Description: "Updated over " + p.String(),
		}}))
		s.look(s.conn(i+1, p), l)
		s.witness(l)
	}
	if s.ledger.affords(1) {
		copied := s.watchCall(s.main(), Call{Method: methodCopy, Message: &clouddesktop.CopyDesktopImageRequest{
			FolderId: folder, Name: s.name("copied"), ImageId: l.image, Labels: map[string]string{"copied": "yes"}, Description: "A copy",
		}})
		lives = append(lives, copied)
		s.look(s.main(), copied)
		s.list(s.main(), folder, 0)
		lives = append(lives, s.drop(copied))
	} else {
		s.short = true
	}
	s.witness(lives...)
	lives = append(lives, s.drop(l))
	s.witness(lives...)
	s.list(s.main(), folder, 0)
}

// drop deletes the image of an operation and looks for it.
func (s *stage) drop(l *life) *life {
	if l.image == "" {
		return &life{}
	}
	removed := s.watchCall(s.main(), Call{Method: methodDelete, Message: &clouddesktop.DeleteDesktopImageRequest{ImageId: l.image}})
	s.look(s.main(), l)
	return removed
}

func imagePages(s *stage) {
	var lives []*life
	for range s.many(3) {
		lives = append(lives, s.begin(s.plan.Desktops.Succeeds, "page"))
	}
	s.follow(lives, nil)
	for _, l := range lives {
		s.look(s.main(), l)
	}
	folder := s.where()
	if len(lives) > 0 && folder == "" {
		folder = s.folderOf(lives[0])
	}
	for i, p := range s.protocols() {
		s.list(s.conn(i, p), folder, int64(1+i))
	}
	s.list(s.turn(1), s.elsewhere(), 0)
}
