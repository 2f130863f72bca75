package rules

import (
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/optest-dev/optest/trace"
)

// tagged adds a field of text to a request in binary.
func tagged(e *trace.Event, number protowire.Number, text string) {
	e.Request = trace.NewBlob(protowire.AppendString(protowire.AppendTag(append([]byte{}, e.Request.Bytes()...), number, protowire.BytesType), text))
}

func TestStrangeFields(t *testing.T) {
	// made makes an image by a request with a field, and reads it as changed.
	made := func(number protowire.Number, text string, change func(*clouddesktop.DesktopImage)) func(*scene) {
		return func(s *scene) {
			c := s.client("first", overGRPC)
			l := c.begins(MethodCreate, copyOf(s, "an image", s.env.Desktops.Succeeds), time.Nanosecond)
			tagged(s.events[0], number, text)
			s.wait(time.Second)
			l.succeeds()
			shows(change)(l)
			c.reads(l)
		}
	}
	answered := func(before func(s *scene), answer func(*client, *clouddesktop.CopyFromDesktopRequest)) func(*scene) {
		return func(s *scene) {
			before(s)
			c := s.client("first", overGRPC)
			answer(c, copyOf(s, "an image", s.env.Desktops.Succeeds))
			tagged(s.events[len(s.events)-1], 99, "of a newer client")
		}
	}
	folder := func(text string) func(*clouddesktop.DesktopImage) {
		return func(m *clouddesktop.DesktopImage) { m.FolderId = text }
	}
	name := func(text string) func(*clouddesktop.DesktopImage) {
		return func(m *clouddesktop.DesktopImage) { m.Name = text }
	}
	nothing := func(*scene) {}
	oneIsGood := func(s *scene) { accepts(s.client("first", overGRPC), copyOf(s, "one", s.env.Desktops.Succeeds)) }
	perform(t, []play{
		{"REQ-11", "ignored", made(1, "folder of old", func(*clouddesktop.DesktopImage) {}), Pass},
		{"REQ-11", "reserved-tag-honoured as the folder", made(1, "folder of old", folder("folder of old")), Fail},
		{"REQ-11", "reserved-tag-honoured as the name", made(2, "name of old", name("name of old")), Fail},
		{"REQ-11", "by chance", made(2, "one", name("one")), Pass},
		{"REQ-11", "as the request says too", made(2, "an image", name("an image")), Pass},
		{"REQ-11", "unknown-field-rejected", answered(nothing, refusesFor("request")), Fail},
		{"REQ-11", "refused for a field that is known", answered(nothing, refusesFor("name")), NotExercised},
		{"REQ-11", "refused without a word", answered(nothing, fails(code.Code_INVALID_ARGUMENT)), NotExercised},
		{"REQ-11", "refused without a word where others were not", answered(oneIsGood, fails(code.Code_INTERNAL)), Fail},
		{"REQ-11", "unavailable", answered(oneIsGood, fails(code.Code_UNAVAILABLE)), NotExercised},
		{"REQ-11", "no strange field", sent(unchanged, refusesFor("request")), NotExercised},
	})

	garbled := func(answer func(*client, *clouddesktop.CopyFromDesktopRequest)) func(*scene) {
		return func(s *scene) {
			answer(s.client("first", overGRPC), copyOf(s, "an image", s.env.Desktops.Succeeds))
			tagged(s.events[0], 4, "na\xffme")
		}
	}
	perform(t, []play{
		{"REQ-12", "refused", garbled(fails(code.Code_INVALID_ARGUMENT)), Pass},
		{"REQ-12", "not decoded", garbled(fails(code.Code_INTERNAL)), Pass},
		{"REQ-12", "bad-utf8-accepted", garbled(accepts), Fail},
		{"REQ-12", "unavailable", garbled(fails(code.Code_UNAVAILABLE)), NotExercised},
		{"REQ-12", "text", sent(unchanged, accepts), NotExercised},
	})
}

func TestCallers(t *testing.T) {
	read := &operation.GetOperationRequest{OperationId: "fv4-of-somebody"}
	reads := func(s *scene, reader string, fields ...trace.Field) {
		c := s.client(reader, overGRPC)
		c.ok(MethodGet, read, &operation.Operation{Id: "fv4-of-somebody"}, fields...)
	}
	denied := func(n code.Code, reader string, fields ...trace.Field) func(*scene) {
		return func(s *scene) {
			s.client(reader, overGRPC).fails(MethodGet, read, s.server.failure(n, "No"), fields...)
		}
	}
	foreign := func(plays func(*scene)) func(*scene) {
		return func(s *scene) { s.env.Foreign = "fv4-of-somebody"; plays(s) }
	}
	perform(t, []play{
		{"REQ-13", "no token", denied(code.Code_UNAUTHENTICATED, "first", anonymous), Pass},
		{"REQ-13", "auth-ignored", func(s *scene) { reads(s, "first"); reads(s, "first", anonymous) }, Fail},
		{"REQ-13", "auth-ignored at first", func(s *scene) { reads(s, "first", anonymous); reads(s, "first") }, Fail},
		{"REQ-13", "tokens that are never seen", func(s *scene) { reads(s, "first", anonymous); reads(s, "second", anonymous) }, NotExercised},
		{"REQ-13", "a server that knows nobody", func(s *scene) { s.env.Auth = false; reads(s, "first"); reads(s, "first", anonymous) }, NotExercised},
		{"REQ-13", "a wrong token", denied(code.Code_UNAUTHENTICATED, stranger), Pass},
		{"REQ-13", "a wrong token is good enough", func(s *scene) { reads(s, stranger) }, Fail},
		{"REQ-13", "somebody else's is forbidden", foreign(denied(code.Code_PERMISSION_DENIED, "first")), Pass},
		{"REQ-13", "somebody else's is not found", foreign(denied(code.Code_NOT_FOUND, "first")), Pass},
		{"REQ-13", "foreign-op-readable", foreign(func(s *scene) { reads(s, "first") }), Fail},
		{"REQ-13", "a preflight", func(s *scene) {
			reads(s, "first")
			reads(s, "first", anonymous)
			e := s.events[1]
			e.HTTPRequest, e.Response = "OPTIONS /operations/x", nil
		}, NotExercised},
	})
}

func TestRefusedCreates(t *testing.T) {
	long := func(s *scene, name string) *clouddesktop.CopyFromDesktopRequest {
		r := copyOf(s, name, s.env.Desktops.Succeeds)
		r.DesktopId = ""
		return r
	}
	// between lists the folder, makes calls, and lists the folder again, with an image
	// of nobody's if it has a name.
	between := func(name string, calls func(c *client)) func(*scene) {
		return func(s *scene) {
			c := s.client("first", overGRPC)
			old := &clouddesktop.DesktopImage{Id: "old", FolderId: s.env.Folder, Name: "old"}
			c.page(s.env.Folder, "", "", old)
			calls(c)
			list := []*clouddesktop.DesktopImage{old}
			if name != "" {
				list = append(list, &clouddesktop.DesktopImage{Id: "new", FolderId: s.env.Folder, Name: name})
			}
			c.page(s.env.Folder, "", "", list...)
		}
	}
	refuses := func(c *client) { refusesFor("desktop_id")(c, long(c.scene, "refused")) }
	loses := func(name string) func(c *client) {
		return func(c *client) { c.lost(MethodCreate, copyOf(c.scene, name, c.env.Desktops.Succeeds), 2) }
	}
	then := func(list ...func(c *client)) func(c *client) {
		return func(c *client) {
			for _, f := range list {
				f(c)
			}
		}
	}
	created := func(late bool) func(*scene) {
		return func(s *scene) {
			c := s.client("first", overGRPC)
			c.page(s.env.Folder, "", "")
			refuses(c)
			l := c.begins(MethodCreate, copyOf(s, "made", s.env.Desktops.Succeeds), time.Nanosecond)
			if late {
				longUnderWay(s.events[len(s.events)-1])
			}
			c.page(s.env.Folder, "", "", l.image)
		}
	}
	perform(t, []play{
		{"REQ-02", "nothing made", between("", refuses), Pass},
		{"REQ-02", "reject-but-create", between("refused", refuses), Fail},
		{"REQ-02", "under another name", between("another", refuses), Fail},
		{"REQ-02", "a lost call may have made it", between("lost", then(refuses, loses("lost"))), Pass},
		{"REQ-02", "an unavailable call may have made it", between("lost", then(refuses, func(c *client) {
			fails(code.Code_UNAVAILABLE)(c, copyOf(c.scene, "lost", c.env.Desktops.Succeeds))
		})), Pass},
		{"REQ-02", "a lost call has another name", between("refused", then(refuses, loses("lost"))), Fail},
		{"REQ-02", "after a call that can't be read", between("another", then(refuses, func(c *client) {
			e := c.fails(MethodCreate, copyOf(c.scene, "garbled", c.env.Desktops.Succeeds), c.server.failure(code.Code_INTERNAL, "It can't be read"))
			e.Request = trace.NewBlob([]byte("\n\xff"))
		})), Fail},
		{"REQ-02", "by nobody's call", between("another", func(*client) {}), NotExercised},
		{"REQ-02", "by an operation", created(false), Pass},
		{"REQ-02", "by a create that is under way", created(true), Pass},
		{"REQ-02", "in another folder", between("refused", func(c *client) {
			r := long(c.scene, "refused")
			r.FolderId = "elsewhere"
			refusesFor("desktop_id")(c, r)
		}), NotExercised},
		{"REQ-02", "async-validation", func(s *scene) { endsWith(code.Code_INVALID_ARGUMENT)(s.client("first", overGRPC), long(s, "refused")) }, Fail},
		{"REQ-02", "a failure of another kind", func(s *scene) { endsWith(code.Code_ABORTED)(s.client("first", overGRPC), long(s, "refused")) }, NotExercised},
		{"REQ-02", "where others may write", func(s *scene) { s.env.World = false; between("refused", refuses)(s) }, NotApplicable},
	})
}

func TestSpans(t *testing.T) {
	const endless = 1<<31 - 1
	for text, want := range map[string]span{
		"<=50": {0, 50, true}, "<50": {0, 49, true}, ">=1": {1, endless, true}, ">0": {1, endless, true},
		"1-63": {1, 63, true}, "36": {36, 36, true}, " 36 ": {36, 36, true},
	} {
		if got := parseSpan(text); got != want {
			t.Errorf("span %q is %v, want %v", text, got, want)
		}
	}
	for _, text := range []string{"", "<=", "many", "1-", "-1", "<=99999999999", "1-2-3", "=5"} {
		if got := parseSpan(text); got.set {
			t.Errorf("span %q is %v, want none", text, got)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		s := parseSpan(rapid.String().Draw(t, "text"))
		if n := rapid.IntRange(0, 1000).Draw(t, "n"); !s.set && !s.has(n) {
			t.Fatalf("a span that is none lacks %d", n)
		}
	})
}

func TestFieldPaths(t *testing.T) {
	desc := (&clouddesktop.CopyFromDesktopRequest{}).ProtoReflect().Descriptor()
	for path, want := range map[string]protowire.Number{
		"name": 4, "folder_id": 3, "folderId": 3, "request.folder_id": 3, "labels[name]": 9, "labels.name": 9, "labels[\"a.b\"]": 9, "Name": 4,
		"": 0, "request": 0, "idempotency-key": 0, "[name]": 0,
	} {
		var got protowire.Number
		if f := fieldAt(desc, path); f != nil {
			got = f.Number()
		}
		if got != want {
			t.Errorf("path %q is to field %d, want %d", path, got, want)
		}
	}
}

// FuzzGarbledField holds what is found garbled against what Go's decoder says.
func FuzzGarbledField(f *testing.F) {
	desc := (&clouddesktop.CopyFromDesktopRequest{}).ProtoReflect().Descriptor()
	valid, _ := proto.Marshal(&clouddesktop.CopyFromDesktopRequest{Name: "é", DesktopId: "d", Labels: map[string]string{"k": "v"}})
	f.Add(valid)
	f.Add([]byte("\x22\x02a\xff"))
	f.Add([]byte("J\x05\n\x01k\x12\x01\xff"))
	f.Add([]byte("J\x04\n\x02\xff\xff"))
	f.Add([]byte{0x22, 0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		tags, ok := Tags(data)
		if !ok {
			return
		}
		field := garbledField(desc, tags)
		err := proto.Unmarshal(data, &clouddesktop.CopyFromDesktopRequest{})
		if field != "" && err == nil {
			t.Errorf("%s of %x is garbled, and Go decodes it", field, data)
		}
	})
}
