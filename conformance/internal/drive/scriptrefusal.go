package drive

import (
	"strings"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/proto"
)

// Bounds that the options of the request's fields set.
const (
	longestText        = 50
	longestDescription = 1024
	longestKey         = 63
	longestValue       = 63
	mostLabels         = 64
)

// refusalScripts are requests that a server has to refuse: they make no images.
func refusalScripts() []*Script {
	return []*Script{
		{
			Name: "refused-requests", Does: "requests that break the options of their fields, over every protocol, between two lists of the images",
			Exercises: []string{"REQ-01", "REQ-02", "REQ-03", "REQ-04", "REQ-05", "REQ-07", "REQ-08", "XP-03", "ERR-01", "ERR-02", "ERR-04", "ERR-06", "ERR-07", "ERR-08"},
			run:       refusedRequests,
		},
		{
			Name: "unknown-ids", Does: "ids that are missing or of nothing, over every protocol",
			Exercises: []string{"REQ-09", "CXL-06", "XP-03", "XP-07", "ERR-03"},
			run:       unknownIDs,
		},
		{
			Name: "absent-desktop", Does: "a copy of a desktop that does not exist, over every protocol",
			Exercises: []string{"REQ-10"},
			needs:     absent,
			run:       absentDesktop,
		},
	}
}

// invalid are requests that break an option each, the most telling first.
func (s *stage) invalid() []*clouddesktop.CopyFromDesktopRequest {
	desktop := s.plan.Desktops.Succeeds
	if desktop == "" {
		desktop = s.plan.Desktops.Absent
	}
	if desktop == "" {
		desktop = "optest-no-such-desktop"
	}
	var list []*clouddesktop.CopyFromDesktopRequest
	add := func(change func(*clouddesktop.CopyFromDesktopRequest)) {
		req := s.request(desktop, "refused")
		change(req)
		list = append(list, req)
	}
	add(func(r *clouddesktop.CopyFromDesktopRequest) { r.DesktopId = "" })
	for _, char := range widths {
		add(func(r *clouddesktop.CopyFromDesktopRequest) { r.Name = filled(s.plan.Prefix, longestText+1, char) })
	}
	add(func(r *clouddesktop.CopyFromDesktopRequest) { r.Labels = labels(mostLabels + 1) })
	add(func(r *clouddesktop.CopyFromDesktopRequest) { r.Labels = labelled(r.Labels, "A", "v") })
	add(func(r *clouddesktop.CopyFromDesktopRequest) { r.Description = filled("", longestDescription+1, "a") })
	add(func(r *clouddesktop.CopyFromDesktopRequest) { r.Labels = labelled(r.Labels, "a b", "v") })
	add(func(r *clouddesktop.CopyFromDesktopRequest) { r.Labels = labelled(r.Labels, "key", "Value") })
	add(func(r *clouddesktop.CopyFromDesktopRequest) { r.Labels = labelled(r.Labels, "", "v") })
	add(func(r *clouddesktop.CopyFromDesktopRequest) {
		r.Labels = labelled(r.Labels, filled("k", longestKey+1, "k"), "v")
	})
	add(func(r *clouddesktop.CopyFromDesktopRequest) {
		r.Labels = labelled(r.Labels, "key", filled("", longestValue+1, "v"))
	})
	for _, char := range widths {
		add(func(r *clouddesktop.CopyFromDesktopRequest) { r.FolderId = filled("", longestText+1, char) })
		add(func(r *clouddesktop.CopyFromDesktopRequest) { r.DesktopId = filled("", longestText+1, char) })
	}
	add(func(r *clouddesktop.CopyFromDesktopRequest) { r.Labels = labelled(r.Labels, "ключ", "v") })
	add(func(r *clouddesktop.CopyFromDesktopRequest) { r.Labels = labelled(r.Labels, "key", "значение") })
	for _, char := range widths[1:] {
		add(func(r *clouddesktop.CopyFromDesktopRequest) {
			r.Description = filled("", longestDescription+1, char)
		})
	}
	return list
}

func refusedRequests(s *stage) {
	folder := s.where()
	s.list(s.main(), folder, 0)
	var ids []string
	list := s.invalid()
	protocols := s.protocols()
	for i, req := range list {
		for n, p := range protocols {
			// Where requests are rare, most go over one protocol, by turns.
			if i > 3 && n != i%len(protocols) && s.sparing() {
				continue
			}
			r := s.doomed(s.conn(n, p), Call{Method: methodCreate, Message: proto.CloneOf(req)})
			if id := r.operation().GetId(); id != "" {
				ids = append(ids, id)
			}
		}
		if i%8 == 0 {
			s.list(s.main(), folder, 0)
		}
	}
	s.wait(firstGap)
	s.list(s.main(), folder, 0)
	// What was started all the same is looked at like anything else.
	for _, id := range ids[:min(len(ids), 3)] {
		s.follow([]*life{{id: id, began: time.Now()}}, nil)
	}
}

func unknownIDs(s *stage) {
	ids := []string{
		"", unknownID(s.draw), "a/b", "a%2Fb", "a:cancel", "../images", "нет такой операции 😀", "line\nbreak, tab\t, %, \"quotes\"",
		strings.Repeat("long", 30),
	}
	for i, id := range ids {
		for n, p := range s.protocols() {
			if i > 2 && n != i%len(s.protocols()) && s.sparing() {
				continue
			}
			c := s.conn(n, p)
			if p == REST && id == "" {
				// The path then names another resource, or none.
				s.do(c, Call{Method: methodGet, Verb: "GET", Target: "/operations/"})
				s.do(c, Call{Method: methodCancel, Verb: "GET", Target: "/operations/:cancel"})
				continue
			}
			s.get(c, id)
			s.cancel(c, id)
			s.getImage(c, id)
		}
	}
	if s.speaks(REST) {
		for _, target := range []string{"/operations/a%2Fb", "/operations/a%2Fb:cancel", "/operations/a%2fb%2fc", "/operations/a%3Ab"} {
			s.do(s.conn(0, REST), Call{Method: methodGet, Message: &operation.GetOperationRequest{}, Verb: "GET", Target: target})
		}
	}
	for n, p := range s.protocols() {
		s.do(s.conn(n, p), Call{Method: methodDelete, Message: &clouddesktop.DeleteDesktopImageRequest{ImageId: unknownID(s.draw)}})
		s.do(s.conn(n, p), Call{Method: methodList, Message: &clouddesktop.ListDesktopImagesRequest{FolderId: s.elsewhere()}})
	}
}

func absentDesktop(s *stage) {
	folder := s.where()
	s.list(s.main(), folder, 0)
	var lives []*life
	for n, p := range s.protocols() {
		req := s.request(s.plan.Desktops.Absent, "absent")
		r := s.doomed(s.conn(n, p), Call{Method: methodCreate, Message: req})
		if id := r.operation().GetId(); id != "" {
			l := &life{id: id, desktop: req.GetDesktopId(), request: req, first: r, began: time.Now()}
			l.see(r)
			lives = append(lives, l)
		}
	}
	s.list(s.main(), folder, 0)
	s.follow(lives, nil)
	s.witness(lives...)
	for _, l := range lives {
		s.look(s.main(), l)
	}
	s.list(s.main(), folder, 0)
}
