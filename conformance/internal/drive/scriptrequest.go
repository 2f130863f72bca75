package drive

import (
	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/protobuf/proto"
)

// requestScripts are requests that a server has to serve, odd as they may be.
func requestScripts() []*Script {
	return []*Script{
		{
			Name: "longest-texts", Does: "texts as long as they may be, of characters of one to four bytes",
			Exercises: []string{"REQ-03", "REQ-04", "REQ-05", "OP-03", "IMG-04", "IMG-05"},
			needs:     succeeding, creates: 10, least: 4,
			run: longestTexts,
		},
		{
			Name: "absent-fields", Does: "every combination of fields that may be left out",
			Exercises: []string{"REQ-06", "IMG-03", "IMG-04", "IMG-05"},
			needs:     succeeding, creates: 16, least: 2,
			run: absentFields,
		},
		{
			Name: "odd-names", Does: "names that must come back as they were: with spaces, capitals, marks and signs",
			Exercises: []string{"IMG-04", "OP-03"},
			needs:     succeeding, creates: 8, least: 1,
			run: oddNames,
		},
	}
}

// serve creates an image for each request by turns, follows the operations, and
// reads each image once.
func (s *stage) serve(list []*clouddesktop.CopyFromDesktopRequest) {
	var lives []*life
	for i, req := range list {
		if !s.ledger.affords(1) {
			s.short = true
			break
		}
		lives = append(lives, s.create(s.turn(i*readers), req, ""))
	}
	s.follow(lives, nil)
	for i, l := range lives {
		s.witness(l)
		s.look(s.turn(i), l)
	}
	if len(lives) > 0 {
		s.list(s.main(), s.folderOf(lives[0]), 0)
	}
}

func longestTexts(s *stage) {
	desktop := s.plan.Desktops.Succeeds
	var list []*clouddesktop.CopyFromDesktopRequest
	add := func(change func(*clouddesktop.CopyFromDesktopRequest)) {
		req := s.request(desktop, "long")
		change(req)
		list = append(list, req)
	}
	for _, char := range widths {
		add(func(r *clouddesktop.CopyFromDesktopRequest) { r.Name = filled(s.plan.Prefix, longestText, char) })
	}
	add(func(r *clouddesktop.CopyFromDesktopRequest) {
		r.Labels = labels(mostLabels - 1)
		r.Labels = labelled(r.Labels, filled("k-_0", longestKey, "z"), filled("", longestValue, "v"))
	})
	add(func(r *clouddesktop.CopyFromDesktopRequest) { r.Description = filled("", longestDescription, "a") })
	add(func(r *clouddesktop.CopyFromDesktopRequest) { r.Description = filled("", longestDescription, "😀") })
	add(func(r *clouddesktop.CopyFromDesktopRequest) {
		r.Labels = labelled(labelled(nil, "empty", ""), "a", "-_0z")
	})
	s.serve(list)
	// Ids that are as long as may be are of nothing that exists. A server may say
	// so, but not that they are too long.
	elsewhere := s.plan.Desktops.Absent
	if elsewhere == "" {
		elsewhere = unknownID(s.draw)
	}
	for i, char := range widths {
		req := s.request(filled("", longestText, char), "long")
		s.doomed(s.turn(i), Call{Method: methodCreate, Message: req})
		req = s.request(elsewhere, "long")
		req.FolderId = filled("", longestText, char)
		s.doomed(s.turn(i), Call{Method: methodCreate, Message: req})
	}
}

func absentFields(s *stage) {
	var list []*clouddesktop.CopyFromDesktopRequest
	const all = 1<<4 - 1
	for i := range all + 1 {
		// From all fields and from none inwards, so that the first tell most.
		n := all - i/2
		if i%2 == 1 {
			n = i / 2
		}
		req := &clouddesktop.CopyFromDesktopRequest{DesktopId: s.plan.Desktops.Succeeds}
		if n&1 != 0 || s.live() && s.plan.Prefix != "" {
			// What was made without a name can't be found if its answer is lost.
			req.Name = s.name("fields")
		}
		if n&2 != 0 {
			req.FolderId = s.where()
		}
		if n&4 != 0 {
			req.Labels = map[string]string{"number": string(rune('a' + n))}
		}
		if n&8 != 0 {
			req.Description = "Some fields are left out"
		}
		list = append(list, req)
	}
	s.serve(list)
}

func oddNames(s *stage) {
	var list []*clouddesktop.CopyFromDesktopRequest
	for _, name := range []string{
		" spaces around ",
		"Capital LETTERS",
		"e\u0301 is not \u00e9", // decomposed and composed
		"{{.Name}} ${HOME} %s %d {0} <b> \" ' \\",
		filled("exactly forty-nine characters ", 49, "x"),
		filled("more than forty characters ", 48, "日"),
		"\u202eright to left\u202c",
		"tab\tand line\nbreak",
	} {
		req := s.request(s.plan.Desktops.Succeeds, "odd")
		req.Name = filled(s.plan.Prefix+name, min(longestText, len([]rune(s.plan.Prefix+name))), "")
		list = append(list, proto.CloneOf(req))
	}
	s.serve(list)
}
