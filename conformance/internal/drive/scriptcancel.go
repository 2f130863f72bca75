package drive

import (
	"net/http"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
)

// cancelScripts cancel operations at every moment of their lives.
func cancelScripts() []*Script {
	return []*Script{
		{
			Name: "cancel-one-of-many", Does: "one of several operations of one name is cancelled, and the others go on",
			Exercises: []string{"LRO-19", "CXL-09", "CXL-01"},
			needs:     succeeding, creates: 3, least: 2,
			run: func(s *stage) {
				name := s.name("neighbour")
				var lives []*life
				for i := range 3 {
					req := s.request(s.plan.Desktops.Succeeds, "neighbour")
					req.Name = name
					lives = append(lives, s.create(s.turn(i), req, ""))
					s.wait(firstGap)
				}
				for i, l := range lives {
					s.read(s.turn(i), l)
				}
				s.stop(s.main(), lives[0])
				for i, l := range lives {
					s.read(s.turn(i), l)
				}
				s.follow(lives, nil)
				s.settle(1, lives...)
				for _, l := range lives {
					s.look(s.main(), l)
				}
				s.list(s.main(), s.folderOf(lives[0]), 0)
			},
		},
		{
			Name: "cancel-in-progress", Does: "an operation in progress is cancelled, again while it ends, and again after that",
			Exercises: []string{"CXL-01", "CXL-02", "CXL-03", "CXL-04", "CXL-05", "CXL-07", "CXL-08", "IMG-12"},
			needs:     succeeding, creates: 1, least: 1,
			run: func(s *stage) {
				l := s.begin(s.plan.Desktops.Succeeds, "cancel")
				s.read(s.turn(1), l)
				s.wait(10 * time.Second)
				s.read(s.turn(2), l)
				s.look(s.main(), l)
				s.stop(s.main(), l)
				s.afterCancel(l)
			},
		},
		{
			Name: "cancel-done", Does: "operations that have ended well and badly are cancelled over every protocol",
			Exercises: []string{"CXL-02", "CXL-05", "LRO-02", "LRO-03", "LRO-04"},
			needs:     succeeding, creates: 3, least: 1,
			run: func(s *stage) {
				d := s.plan.Desktops
				for _, desktop := range []string{d.Succeeds, d.Fails, d.FailsLate} {
					if desktop == "" {
						continue
					}
					l := s.begin(desktop, "cancel-done")
					s.follow([]*life{l}, nil)
					s.witness(l)
					for i, p := range s.protocols() {
						s.stop(s.conn(i, p), l)
						s.read(s.conn(i+1, p), l)
					}
					s.settle(1, l)
					s.look(s.main(), l)
				}
			},
		},
		{
			Name: "cancel-at-once", Does: "operations are cancelled right after they were created, over every protocol",
			Exercises: []string{"CXL-01", "CXL-03", "CXL-07", "XP-04"},
			needs:     succeeding, creates: 5, least: 1,
			run: func(s *stage) {
				for i, p := range s.protocols() {
					l := s.create(s.conn(i, p), s.request(s.plan.Desktops.Succeeds, "cancel-early"), "")
					s.stop(s.conn(i+1, p), l)
					s.afterCancel(l)
				}
			},
		},
		{
			Name: "cancel-rollback", Does: "an operation is cancelled while it shows an error and is not done",
			Exercises: []string{"CXL-02", "CXL-05", "LRO-10", "LRO-11", "IMG-12"},
			needs:     failingLate, creates: 1, least: 1,
			run: func(s *stage) {
				l := s.begin(s.plan.Desktops.FailsLate, "cancel-late")
				s.until(s.main(), l, (*life).failing)
				s.look(s.main(), l)
				s.stop(s.main(), l)
				s.afterCancel(l)
			},
		},
		{
			Name: "cancel-race", Does: "operations are cancelled about when they end, by several callers at once",
			Exercises: []string{"CXL-02", "CXL-03", "LRO-17"},
			needs:     succeeding, creates: 4, least: 1,
			run: cancelRace,
		},
		{
			Name: "cancel-verbs", Does: "requests over REST that read, announce or ask for options, and none of which may cancel",
			Exercises: []string{"CXL-10", "CXL-09"},
			needs:     needs(succeeding, speaking(REST)), creates: 2, least: 1,
			run: cancelVerbs,
		},
	}
}

// afterCancel watches the end of an operation that was cancelled, cancels it
// again, and looks for what is left.
func (s *stage) afterCancel(l *life) {
	if l.id == "" {
		return
	}
	s.witness(l)
	s.stop(s.turn(1), l)
	s.follow([]*life{l}, nil)
	s.look(s.main(), l)
	s.stop(s.turn(2), l)
	s.witness(l)
	s.settle(2, l)
	s.stop(s.main(), l)
	s.read(s.main(), l)
	s.look(s.turn(1), l)
	s.list(s.main(), s.folderOf(l), 0)
}

// cancelRace cancels operations shortly before, at and shortly after the end that
// an earlier one has had.
func cancelRace(s *stage) {
	desktop := s.plan.Desktops.Succeeds
	known := s.spanOf(desktop)
	if known.done == 0 {
		l := s.begin(desktop, "race")
		s.until(s.main(), l, func(l *life) bool { return l.done })
		known = s.spanOf(desktop)
	}
	for i := range s.many(3) {
		l := s.begin(desktop, "race")
		if known.done > 0 {
			s.pass(known.running + time.Duration(i)*(known.done-known.running)/2)
		} else {
			s.wait(30 * time.Second)
		}
		if l.id == "" {
			return
		}
		l.cancelled = true
		a, b, c, d := s.turn(0), s.turn(1), s.turn(2), s.turn(3)
		s.together(
			func(own *stage) { own.cancel(a, l.id) },
			func(own *stage) { own.get(b, l.id) },
			func(own *stage) { own.cancel(c, l.id) },
			func(own *stage) { own.get(d, l.id) },
		)
		s.read(s.main(), l)
		s.afterCancel(l)
	}
}

func cancelVerbs(s *stage) {
	l := s.begin(s.plan.Desktops.Succeeds, "verbs")
	if l.id == "" {
		return
	}
	rest := s.conn(0, REST)
	path := "/operations/" + l.id
	s.read(rest, l)
	for _, header := range []map[string]string{
		nil,
		{"Purpose": "prefetch"},
		{"Sec-Purpose": "prefetch"},
		{"X-Purpose": "preview"},
		{"X-Moz": "prefetch"},
	} {
		s.do(rest, Call{Method: methodGet, Message: &operation.GetOperationRequest{OperationId: l.id}, Header: header})
	}
	for _, target := range []string{path, path + ":cancel"} {
		method := methodGet
		if target != path {
			method = methodCancel
		}
		for _, verb := range []string{http.MethodHead, http.MethodOptions} {
			s.do(rest, Call{Method: method, Verb: verb, Target: target})
			s.read(s.turn(1), l)
		}
	}
	s.wait(5 * time.Second)
	s.witness(l)
	// Of the verbs that may cancel, the documents name two.
	l.cancelled = true
	s.do(rest, Call{Method: methodCancel, Verb: http.MethodPost, Target: path + ":cancel"})
	s.read(s.main(), l)
	s.stop(rest, l)
	s.afterCancel(l)
}
