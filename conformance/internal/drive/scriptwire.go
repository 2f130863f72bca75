package drive

import (
	"fmt"
	"net/http"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// wireScripts are requests that generated clients don't send.
func wireScripts() []*Script {
	return []*Script{
		{
			Name: "raw-requests", Does: "requests with fields that the contract has reserved or does not have, with text that is not UTF-8, and with JSON names of both kinds",
			Exercises: []string{"REQ-11", "REQ-12", "XP-02"},
			needs:     succeeding, creates: 10, least: 1,
			run: rawRequests,
		},
		{
			Name: "strangers", Does: "calls without a token, with a wrong one, and for an operation of somebody else",
			Exercises: []string{"REQ-13", "OP-07", "ERR-06"},
			needs:     secured,
			creates:   1,
			run:       strangers,
		},
		{
			Name: "somebody-elses", Does: "an operation of somebody else is read and, where that can do no harm, cancelled",
			Exercises: []string{"REQ-13"},
			needs: func(w *World) string {
				if w.plan.Foreign == "" {
					return "no operation of somebody else is known"
				}
				return ""
			},
			run: func(s *stage) {
				for i, p := range s.protocols() {
					s.get(s.conn(i, p), s.plan.Foreign)
					if !s.live() { // there, a server that lets us would do harm
						s.cancel(s.conn(i, p), s.plan.Foreign)
					}
				}
			},
		},
		{
			Name: "deadlines", Does: "calls that have little time, and some with hardly any",
			Exercises: []string{"ERR-10"},
			needs:     succeeding, creates: 4, least: 1,
			run: deadlines,
		},
		{
			Name: "paths", Does: "paths over REST that hold an operation's id and more, escaped",
			Exercises: []string{"XP-07"},
			needs:     needs(succeeding, speaking(REST)), creates: 1, least: 1,
			run: paths,
		},
	}
}

// encoded is a request as bytes followed by further fields.
func encoded(m proto.Message, further ...[]byte) []byte {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return nil // of messages that are made here, none fails
	}
	for _, f := range further {
		b = append(b, f...)
	}
	return b
}

func textField(n protowire.Number, text string) []byte {
	return protowire.AppendString(protowire.AppendTag(nil, n, protowire.BytesType), text)
}

func numberField(n protowire.Number, value uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, n, protowire.VarintType), value)
}

func rawRequests(s *stage) {
	var lives []*life
	desktop := s.plan.Desktops.Succeeds
	start := func(c *Conn, req *clouddesktop.CopyFromDesktopRequest, raw []byte) {
		r := s.do(c, Call{Method: methodCreate, Message: req, Raw: raw})
		l := &life{id: r.operation().GetId(), desktop: desktop, request: req, first: r, began: time.Now()}
		l.see(r)
		lives = append(lives, l)
	}
	var binary []Protocol
	for _, p := range s.protocols() {
		if p != ConnectJSON && p != REST {
			binary = append(binary, p)
		}
	}
	for i, p := range binary[:s.many(len(binary))] {
		c := s.conn(i, p)
		// What the reserved numbers once were or may have been.
		req := s.request(desktop, "reserved")
		start(c, req, encoded(req, textField(1, "b1gformerfolder00000"), textField(2, "former name"), textField(5, "five"), textField(6, "six"), textField(7, "seven")))
		bare := &clouddesktop.CopyFromDesktopRequest{DesktopId: desktop, Name: s.name("reserved")}
		start(c, bare, encoded(bare, textField(1, "b1gformerfolder00000"), textField(2, "former name"), numberField(5, 5)))
		// What a newer client may send.
		newer := s.request(desktop, "newer")
		start(c, newer, encoded(newer, textField(11, "of a newer version"), numberField(99, 1), textField(4242, "far off"), protowire.AppendFixed64(protowire.AppendTag(nil, 100, protowire.Fixed64Type), 7)))
	}
	folder := s.where()
	s.list(s.main(), folder, 0)
	for i, p := range binary {
		req := s.request(desktop, "spoilt")
		named := proto.CloneOf(req)
		named.Name = ""
		s.doomed(s.conn(i, p), Call{Method: methodCreate, Message: req, Raw: encoded(named, textField(4, "spoilt \xff\xfe\xc3\x28"))})
		s.doomed(s.conn(i, p), Call{Method: methodCreate, Message: req, Raw: []byte("\x0a\xff no message")})
	}
	s.list(s.main(), folder, 0)
	for i, p := range s.protocols() {
		if p != ConnectJSON && p != REST {
			continue
		}
		c := s.conn(i, p)
		req := s.request(desktop, "json")
		req.Labels = map[string]string{"json": "names"}
		for _, names := range []protojson.MarshalOptions{{UseProtoNames: true}, {EmitUnpopulated: true}} {
			if raw, err := names.Marshal(req); err == nil {
				start(c, req, raw)
			}
		}
		s.doomed(c, Call{Method: methodCreate, Message: req, Raw: []byte(`{"desktopId": `)})
		s.doomed(c, Call{Method: methodCreate, Message: req, Raw: fmt.Appendf(nil, `{"desktopId": %q, "name": "spoilt `+"\xff\xfe"+`"}`, desktop)})
		s.doomed(c, Call{Method: methodCreate, Message: req, Raw: fmt.Appendf(nil, `{"desktopId": %q, "name": 7}`, desktop)})
	}
	s.follow(lives, nil)
	s.witness(lives...)
	for _, l := range lives {
		s.look(s.main(), l)
	}
}

func strangers(s *stage) {
	l := &life{}
	if desktop := s.plan.Desktops.Succeeds; desktop != "" {
		l = s.begin(desktop, "strangers")
	}
	id := l.id
	if id == "" {
		id = unknownID(s.draw)
	}
	folder := s.where()
	s.list(s.main(), folder, 0)
	for i, p := range s.protocols() {
		c := s.conn(i, p)
		for _, header := range []map[string]string{nil, {"Authorization": "Bearer optest-wrong-token"}} {
			if header != nil {
				// By the name of its reader, its calls are known for a stranger's.
				c = s.dial("stranger", p, s.plan.Endpoint)
			}
			with := func(call Call) Call {
				call.Anonymous, call.Header = true, header
				return call
			}
			s.do(c, with(Call{Method: methodGet, Message: &operation.GetOperationRequest{OperationId: id}}))
			s.doomed(c, with(Call{Method: methodCreate, Message: s.request(l.desktop, "stranger")}))
			s.do(c, with(Call{Method: methodCancel, Message: &operation.CancelOperationRequest{OperationId: id}}))
			if folder != "" {
				s.do(c, with(Call{Method: methodList, Message: &clouddesktop.ListDesktopImagesRequest{FolderId: folder}}))
			}
		}
	}
	s.list(s.main(), folder, 0)
	s.follow([]*life{l}, nil)
	s.witness(l)
}

func deadlines(s *stage) {
	l := s.begin(s.plan.Desktops.Succeeds, "deadline")
	get := Call{Method: methodGet, Message: &operation.GetOperationRequest{OperationId: l.id}}
	var lives []*life
	for i, p := range s.protocols() {
		for _, timeout := range []time.Duration{10 * time.Second, time.Second, 100 * time.Millisecond, time.Millisecond, time.Nanosecond, time.Nanosecond} {
			call := get
			call.Timeout = timeout
			s.do(s.conn(i, p), call)
		}
		// Of a create that has run out of time nobody knows whether it has made an
		// image. The same key finds out.
		key := uuid(s.draw)
		req := s.request(s.plan.Desktops.Succeeds, "deadline")
		r := s.do(s.conn(i, p), Call{Method: methodCreate, Message: req, Header: map[string]string{headerKey: key}, Timeout: time.Second})
		if !r.ok() && !s.ledger.affords(1) {
			break
		}
		lives = append(lives, s.create(s.conn(i+1, p), req, key))
	}
	s.follow(append(lives, l), nil)
	s.witness(append(lives, l)...)
}

func paths(s *stage) {
	l := s.begin(s.plan.Desktops.Succeeds, "paths")
	if l.id == "" {
		return
	}
	c := s.conn(0, REST)
	for _, tail := range []string{"%2Fcancel", "%2F", "%2Fa%2Fb", "%3Acancel", "%20", "%3Acancel%2F", "%00"} {
		s.do(c, Call{Method: methodGet, Verb: http.MethodGet, Target: "/operations/" + l.id + tail})
		s.read(s.turn(1), l)
	}
	s.do(c, Call{Method: methodGet, Verb: http.MethodGet, Target: "/operations/%2E%2E%2Foperations%2F" + l.id})
	s.do(c, Call{Method: methodImage, Verb: http.MethodGet, Target: "/cloud-desktop/v1/images/" + l.image + "%2Fx"})
	s.follow([]*life{l}, nil)
	s.witness(l)
}
