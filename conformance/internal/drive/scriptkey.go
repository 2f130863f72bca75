package drive

import (
	"strings"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

// keyScripts repeat calls, with idempotency keys and without.
func keyScripts() []*Script {
	return []*Script{
		{
			Name: "key-repeated", Does: "a call is repeated with its key over every protocol, while the operation runs and after",
			Exercises: []string{"IDM-01", "IMG-13", "LRO-16"},
			needs:     succeeding, creates: 1, least: 1,
			run: keyRepeated,
		},
		{
			Name: "key-at-once", Does: "many callers make the same call with the same key at once",
			Exercises: []string{"IDM-02"},
			needs:     succeeding, creates: 2, least: 1,
			run: keyAtOnce,
		},
		{
			Name: "keys-apart", Does: "the same request twice with different keys, and twice without a key",
			Exercises: []string{"IDM-03", "IDM-04", "IMG-13"},
			needs:     succeeding, creates: 4, least: 2,
			run: keysApart,
		},
		{
			Name: "key-other-request", Does: "a key comes again with another request",
			Exercises: []string{"IDM-05"},
			needs:     succeeding, creates: 1, least: 1,
			run: keyOtherRequest,
		},
		{
			Name: "key-odd", Does: "keys that are no UUIDs, the same one in capitals, and one that a refused request has had before",
			Exercises: []string{"IDM-06", "IDM-07"},
			needs:     succeeding, creates: 5, least: 1,
			run: keyOdd,
		},
		{
			Name: "key-other-method", Does: "the key of a copy comes again with Update, Copy and Delete",
			Exercises: []string{"IDM-07"},
			needs:     succeeding, creates: 2, least: 1,
			run: keyOtherMethod,
		},
	}
}

func keyRepeated(s *stage) {
	l := s.create(s.main(), s.request(s.plan.Desktops.Succeeds, "repeated"), uuid(s.draw))
	for i := range s.protocols() {
		s.again(s.turn(i*readers), l)
	}
	s.wait(firstGap)
	for n := range s.many(40) {
		s.again(s.turn(n), l)
	}
	s.follow([]*life{l}, func(round int, l *life) {
		if round%4 == 1 {
			s.again(s.turn(round), l)
		}
	})
	s.witness(l)
	for n := range s.many(80) {
		s.again(s.turn(n), l)
	}
	s.witness(l)
}

func keyAtOnce(s *stage) {
	// So many that a server is caught which heeds all keys but one of twenty.
	const callers, rounds = 16, 6
	for round := range rounds {
		// Over one connection that can carry many calls, then over all there are.
		conns := s.everyone()
		if round == 0 {
			conns = []*Conn{s.main()}
		}
		req := s.request(s.plan.Desktops.Succeeds, "at-once")
		call := Call{Method: methodCreate, Message: req, Header: map[string]string{headerKey: uuid(s.draw)}}
		replies := make([]*reply, max(2, s.many(callers)))
		var tasks []func(*stage)
		for i := range replies {
			tasks = append(tasks, func(own *stage) { replies[i] = own.do(conns[i%len(conns)], call) })
		}
		s.together(tasks...)
		lives := map[string]*life{}
		for _, r := range replies {
			if r != nil && r.operation().GetId() != "" {
				id := r.operation().GetId()
				lives[id] = &life{id: id, desktop: req.GetDesktopId(), request: req, began: time.Now(), last: r.operation(), image: imageOf(r.operation())}
			}
		}
		for _, l := range lives {
			s.follow([]*life{l}, nil)
			s.witness(l)
			s.look(s.main(), l)
		}
		s.list(s.main(), s.where(), 0)
		if s.live() {
			return
		}
	}
}

func keysApart(s *stage) {
	req := s.request(s.plan.Desktops.Succeeds, "apart")
	plain := s.request(s.plan.Desktops.Succeeds, "plain")
	lives := []*life{
		s.create(s.main(), req, uuid(s.draw)),
		s.create(s.main(), req, uuid(s.draw)),
		s.create(s.turn(1), plain, ""),
		s.create(s.turn(1), plain, ""),
	}
	s.follow(lives, nil)
	s.witness(lives...)
}

func keyOtherRequest(s *stage) {
	l := s.create(s.main(), s.request(s.plan.Desktops.Succeeds, "other-request"), uuid(s.draw))
	if l.id == "" {
		return
	}
	folder := s.folderOf(l)
	s.list(s.main(), folder, 0)
	other := s.request(s.plan.Desktops.Succeeds, "another")
	described := proto.CloneOf(l.request)
	described.Description = "Of another request with the same key"
	for i, req := range []*clouddesktop.CopyFromDesktopRequest{other, described} {
		for n := range s.many(len(s.protocols())) {
			s.create(s.turn(i+n*readers), req, l.key)
		}
	}
	s.list(s.main(), folder, 0)
	s.follow([]*life{l}, nil)
	s.create(s.main(), other, l.key)
	s.witness(l)
	s.list(s.main(), folder, 0)
}

func keyOdd(s *stage) {
	var lives []*life
	desktop := s.plan.Desktops.Succeeds
	// A key that a refused request has had.
	burnt := uuid(s.draw)
	refused := s.request("", "burnt")
	s.doomed(s.main(), Call{Method: methodCreate, Message: refused, Header: map[string]string{headerKey: burnt}})
	lives = append(lives, s.create(s.main(), s.request(desktop, "burnt"), burnt))
	// One key in two ways to write it.
	key := uuid(s.draw)
	req := s.request(desktop, "case")
	lives = append(lives, s.create(s.main(), req, key), s.create(s.main(), req, strings.ToUpper(key)))
	for _, odd := range []string{"not-a-uuid", strings.Repeat("k", 300)} {
		for i, p := range s.protocols()[:s.many(len(s.protocols()))] {
			lives = append(lives, s.create(s.conn(i, p), s.request(desktop, "odd-key"), odd))
		}
	}
	s.follow(lives, nil)
	s.witness(lives...)
}

func keyOtherMethod(s *stage) {
	l := s.create(s.main(), s.request(s.plan.Desktops.Succeeds, "other-method"), uuid(s.draw))
	s.follow([]*life{l}, nil)
	if !l.succeeded() || l.image == "" {
		return
	}
	header := map[string]string{headerKey: l.key}
	var further []*life
	for _, call := range []Call{
		{Method: methodUpdate, Message: &clouddesktop.UpdateDesktopImageRequest{
			ImageId: l.image, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"description"}}, Description: "Updated",
		}},
		{Method: methodCopy, Message: &clouddesktop.CopyDesktopImageRequest{FolderId: s.folderOf(l), Name: s.name("copy"), ImageId: l.image}},
		{Method: methodDelete, Message: &clouddesktop.DeleteDesktopImageRequest{ImageId: l.image}},
	} {
		call.Header = header
		further = append(further, s.watchCall(s.main(), call))
	}
	s.witness(append(further, l)...)
}

// watchCall makes a call that starts an operation, and follows that to its end.
func (s *stage) watchCall(c *Conn, call Call) *life {
	r := s.do(c, call)
	l := &life{id: r.operation().GetId(), first: r, began: time.Now()}
	l.see(r)
	s.follow([]*life{l}, nil)
	return l
}
