package drive

import (
	"fmt"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
)

// watchScripts watch one operation each from its first answer to long after its
// end.
func watchScripts() []*Script {
	return []*Script{
		{
			Name: "success-watched", Does: "three readers watch an operation that succeeds over every protocol, and its image",
			Exercises: []string{
				"OP-01", "OP-02", "OP-04", "OP-05", "OP-06", "OP-07", "OP-08", "OP-14", "OP-15", "OP-16", "OP-18", "IMG-01", "IMG-02", "IMG-10", "IMG-11", "IMG-14",
				"LRO-01", "LRO-02", "LRO-04", "LRO-05", "LRO-07", "LRO-08", "LRO-16", "LRO-17", "XP-01", "XP-02", "IDM-01",
			},
			needs: succeeding, creates: 1, least: 1,
			run: func(s *stage) { s.watch(s.plan.Desktops.Succeeds, "success") },
		},
		{
			Name: "failure-watched", Does: "three readers watch an operation that fails over every protocol, and that no image is left",
			Exercises: []string{"OP-10", "OP-11", "OP-12", "IMG-12", "LRO-03", "XP-01"},
			needs:     failing, creates: 1, least: 1,
			run: func(s *stage) { s.watch(s.plan.Desktops.Fails, "failure") },
		},
		{
			Name: "late-failure-watched", Does: "three readers watch an operation that shows its failure before it is done",
			Exercises: []string{"OP-09", "OP-10", "IMG-12", "LRO-03", "LRO-10", "LRO-11"},
			needs:     failingLate, creates: 1, least: 1,
			run: func(s *stage) { s.watch(s.plan.Desktops.FailsLate, "late-failure") },
		},
	}
}

// lifeScripts watch several operations.
func lifeScripts() []*Script {
	return []*Script{
		{
			Name: "late-readers", Does: "one reader sees operations end, and only then others begin to read",
			Exercises: []string{"LRO-01", "LRO-07", "LRO-17", "LRO-18"},
			needs:     succeeding, creates: 2, least: 1,
			run: lateReaders,
		},
		{
			Name: "many-lives", Does: "operations of every fate run side by side, two of one name, and are read by turns",
			Exercises: []string{"IMG-13", "OP-02", "LRO-05"},
			needs:     succeeding, creates: 6, least: 2,
			run: manyLives,
		},
		{
			Name: "across-protocols", Does: "what was created over one protocol is read over all others",
			Exercises: []string{"XP-01", "XP-04"},
			needs:     succeeding, creates: 5, least: 2,
			run: acrossProtocols,
		},
	}
}

// watch follows one operation with all readers from its first answer to long after
// its end, and looks at its image.
func (s *stage) watch(desktop, kind string) {
	req := s.request(desktop, kind)
	req.Labels = map[string]string{"purpose": "conformance", "empty": ""}
	req.Description = "Watched by three readers: \"quotes\", ümlauts, слова, 画像, 😀"
	l := s.create(s.main(), req, uuid(s.draw))
	if l.id == "" {
		return
	}
	conns := s.everyone()
	conns = conns[:s.many(len(conns))]
	for _, c := range conns {
		s.read(c, l)
		s.look(c, l)
	}
	s.overlap(l)
	s.again(s.turn(1), l)
	folder := s.folderOf(l)
	s.list(s.main(), folder, 0)
	failed := false
	s.observe(l, func(round int) {
		// Right after the failure shows is when the image is being removed.
		shows := !failed && l.failing()
		failed = failed || shows
		if round%8 == 3 || shows {
			s.look(s.turn(round), l)
		}
		if round%16 == 5 || shows {
			s.list(s.turn(round), folder, 0)
			s.again(s.turn(round), l)
		}
	})
	// At once after the end, and again after a while.
	s.look(s.main(), l)
	s.list(s.main(), folder, 0)
	s.settle(3, l)
	for n := range s.many(90) {
		s.read(s.turn(n), l)
		s.wait(s.gap(0, closely))
	}
	s.overlap(l)
	for _, c := range conns {
		s.look(c, l)
		s.again(c, l)
	}
	s.list(s.main(), folder, 0)
	s.list(s.turn(1), folder, 2)
	s.list(s.turn(2), s.elsewhere(), 0)
}

// folderOf is where the image of an operation is, empty if nobody knows.
func (s *stage) folderOf(l *life) string {
	if f := l.request.GetFolderId(); f != "" {
		return f
	}
	return s.where()
}

// elsewhere is a folder that the run makes no images in.
func (s *stage) elsewhere() string { return "b1goptestelsewhere00" }

func lateReaders(s *stage) {
	desktops := []string{s.plan.Desktops.Succeeds}
	if d := s.plan.Desktops.FailsLate; d != "" {
		desktops = append(desktops, d)
	}
	for _, desktop := range desktops {
		l := s.begin(desktop, "late")
		first := s.main()
		s.until(first, l, func(l *life) bool { return l.done })
		for n := range s.many(8) {
			for reader := 1; reader < readers; reader++ {
				s.read(s.conn(reader, s.protocols()[0]), l)
			}
			s.read(first, l)
			s.wait(s.gap(0, closely))
			if n == 3 {
				s.overlap(l)
			}
		}
	}
}

func manyLives(s *stage) {
	d := s.plan.Desktops
	twin := s.name("twin")
	var lives []*life
	for i, desktop := range []string{d.Succeeds, d.Succeeds, d.Fails, d.FailsLate, d.Succeeds, d.FailsLate} {
		if desktop == "" {
			continue
		}
		req := s.request(desktop, "many")
		if i < 2 {
			req.Name = twin
		}
		lives = append(lives, s.create(s.turn(i*readers), req, ""))
		s.wait(firstGap)
	}
	s.follow(lives, func(round int, l *life) {
		if round%5 == 1 {
			s.look(s.turn(round), l)
		}
	})
	s.settle(1, lives...)
	for _, l := range lives {
		s.look(s.main(), l)
	}
	s.list(s.main(), s.where(), 0)
}

func acrossProtocols(s *stage) {
	var lives []*life
	for i, p := range s.protocols() {
		req := s.request(s.plan.Desktops.Succeeds, "across")
		req.Description = fmt.Sprintf("Created over %s", p)
		req.Labels = map[string]string{"protocol": p.String()}
		lives = append(lives, s.create(s.conn(i, p), req, ""))
	}
	for _, l := range lives {
		for i, p := range s.protocols() {
			s.read(s.conn(i, p), l)
			s.look(s.conn(i, p), l)
		}
	}
	s.follow(lives, nil)
	for _, l := range lives {
		for i, p := range s.protocols() {
			s.read(s.conn(i, p), l)
			s.look(s.conn(i, p), l)
			s.do(s.conn(i, p), Call{Method: methodList, Message: &clouddesktop.ListDesktopImagesRequest{FolderId: s.folderOf(l)}})
		}
	}
}
