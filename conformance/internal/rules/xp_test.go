package rules

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/optest-dev/optest/trace"
)

// overBoth reads one done operation over gRPC and then, changed, over another
// protocol.
func overBoth(w wire, change func(*operation.Operation)) func(*scene) {
	return func(s *scene) {
		l := s.client("first", overGRPC).begins(MethodCreate, copyOf(s, "x", "desk-succeeds"), time.Nanosecond)
		l.succeeds()
		s.client("first", overGRPC).reads(l)
		readsChanged(s, w, l, change)
	}
}

func readsChanged(s *scene, w wire, l *life, change func(*operation.Operation)) {
	m := proto.CloneOf(l.op)
	change(m)
	s.client("second", w).ok(MethodGet, getRequest(l.op.GetId()), m)
}

// image changes the image in an operation.
func inImage(change func(*clouddesktop.DesktopImage)) func(*operation.Operation) {
	return func(m *operation.Operation) {
		image := &clouddesktop.DesktopImage{}
		if err := m.GetResponse().UnmarshalTo(image); err != nil {
			panic(err)
		}
		change(image)
		packed, err := anypb.New(image)
		if err != nil {
			panic(err)
		}
		m.Result = &operation.Operation_Response{Response: packed}
	}
}

func inFolder(world bool, record func(*scene)) func(*scene) {
	return func(s *scene) {
		s.env.World = world
		record(s)
	}
}

func TestOneAnswerOverAllProtocols(t *testing.T) {
	renamed := inImage(func(i *clouddesktop.DesktopImage) { i.Name = "renamed" })
	unlabelled := inImage(func(i *clouddesktop.DesktopImage) { i.Labels, i.Description = nil, "" })
	sandwich := func(change func(*operation.Operation)) func(*scene) {
		return inFolder(false, func(s *scene) {
			l := s.client("first", overGRPC).begins(MethodCreate, copyOf(s, "x", "desk-succeeds"), time.Nanosecond)
			l.succeeds()
			s.client("first", overGRPC).reads(l)
			readsChanged(s, overREST, l, change)
			s.client("first", overGRPC).reads(l)
		})
	}
	updated := func(before bool) func(*scene) {
		return func(s *scene) {
			c := s.client("first", overGRPC)
			l := c.begins(MethodCreate, copyOf(s, "x", "desk-succeeds"), time.Nanosecond)
			l.succeeds()
			c.reads(l)
			update := &clouddesktop.UpdateDesktopImageRequest{ImageId: l.image.GetId(), Name: "renamed", UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"name"}}}
			if before {
				c.begins(MethodUpdate, update, time.Nanosecond)
			}
			called := s.now
			readsChanged(s, overREST, l, renamed)
			if !before {
				c.begins(MethodUpdate, update, time.Nanosecond)
				s.events[len(s.events)-1].Called = called // it returns after the read, and was called before
			}
		}
	}
	for _, c := range []wireCase{
		{"XP-01", "equal", overBoth(overREST, func(*operation.Operation) {}), Pass},
		{"XP-01", "one protocol", func(s *scene) {
			c := s.client("first", overGRPC)
			l := c.begins(MethodCreate, copyOf(s, "x", "desk-succeeds"), time.Nanosecond)
			l.succeeds()
			c.reads(l)
			c.reads(l)
		}, NotExercised},
		{"XP-01", "not done yet", func(s *scene) {
			c := s.client("first", overGRPC)
			l := c.begins(MethodCreate, copyOf(s, "x", "desk-succeeds"), time.Nanosecond)
			c.reads(l)
			readsChanged(s, overREST, l, func(m *operation.Operation) { m.CreatedBy = "y" })
		}, NotExercised},
		{"XP-01", "no metadata", overBoth(overREST, func(m *operation.Operation) { m.Metadata = nil }), Fail},
		{"XP-01", "no metadata, others may write", inFolder(false, overBoth(overREST, func(m *operation.Operation) { m.Metadata = nil })), Fail},
		{"XP-01", "other stamp", overBoth(overConnectJSON, func(m *operation.Operation) { m.CreatedAt.Nanos = 0 }), Fail},
		{"XP-01", "other size", overBoth(overWeb, inImage(func(i *clouddesktop.DesktopImage) { i.StorageSize-- })), Fail},
		{"XP-01", "no result", overBoth(overConnect, func(m *operation.Operation) { m.Result = nil }), Fail},
		{"XP-01", "older schema", overBoth(overREST, unlabelled), Fail},
		{"XP-01", "older schema, others may write", inFolder(false, overBoth(overREST, unlabelled)), Pass},
		{"XP-01", "older schema between two equal reads", sandwich(unlabelled), Fail},
		{"XP-01", "current name after an update", updated(true), Pass},
		{"XP-01", "current name before the update has returned", updated(false), Pass},
		{"XP-01", "heartbeat", overBoth(overREST, func(m *operation.Operation) { m.ModifiedAt.Seconds++ }), Pass},
		{"XP-01", "newer server", overBoth(overWeb, func(m *operation.Operation) {
			m.ProtoReflect().SetUnknown([]byte{0xa2, 0x06, 0x01, 'x'})
			inImage(func(i *clouddesktop.DesktopImage) { i.Status = 99 })(m)
		}), Pass},
		{"XP-01", "error of another code", func(s *scene) {
			l := s.client("first", overGRPC).begins(MethodCreate, copyOf(s, "x", "desk-fails"), time.Nanosecond)
			l.failing(code.Code_NOT_FOUND, "gone")
			l.ends()
			s.client("first", overGRPC).reads(l)
			readsChanged(s, overREST, l, func(m *operation.Operation) { m.GetError().Code = 13 })
		}, Fail},
		{"XP-01", "error in another language", func(s *scene) {
			l := s.client("first", overGRPC).begins(MethodCreate, copyOf(s, "x", "desk-fails"), time.Nanosecond)
			l.failing(code.Code_NOT_FOUND, "gone")
			l.ends()
			s.client("first", overGRPC).reads(l)
			readsChanged(s, overREST, l, func(m *operation.Operation) { m.GetError().Message = "weg" })
		}, Pass},
	} {
		c.run(t)
	}
}

func TestRefusalsOverAllProtocols(t *testing.T) {
	invalid := func(s *scene) *status.Status { return s.server.illegal("desktop_id", "required") }
	two := func(first, second *status.Status, w wire, fields ...trace.Field) func(*scene) {
		return func(s *scene) {
			s.client("first", overGRPC).fails(MethodCreate, copyOf(s, "x", ""), first, fields...)
			s.client("first", w).fails(MethodCreate, copyOf(s, "x", ""), second, fields...)
		}
	}
	bare := statusWith(code.Code_INVALID_ARGUMENT, "x")
	fieldsOf := func(fields ...string) *status.Status {
		s := newScene(t)
		return s.server.illegal(strings.Join(fields, ","), "x")
	}
	for _, c := range []wireCase{
		{"XP-03", "alike", func(s *scene) {
			for _, w := range wires {
				s.client("first", w).fails(MethodCreate, copyOf(s, "x", ""), invalid(s))
			}
		}, Pass},
		{"XP-03", "one protocol", func(s *scene) {
			s.client("first", overGRPC).fails(MethodCreate, copyOf(s, "x", ""), invalid(s))
			s.client("second", overGRPC).fails(MethodCreate, copyOf(s, "x", ""), statusWith(code.Code_INTERNAL, "x"))
		}, NotExercised},
		{"XP-03", "500 for 400", two(bare, statusWith(code.Code_INTERNAL, "x"), overREST), Fail},
		{"XP-03", "500 before 400", two(statusWith(code.Code_INTERNAL, "x"), bare, overConnectJSON), Fail},
		{"XP-03", "taken by one", func(s *scene) {
			s.client("first", overGRPC).fails(MethodCreate, copyOf(s, "x", ""), invalid(s))
			s.client("first", overREST).begins(MethodCreate, copyOf(s, "x", ""), time.Nanosecond)
		}, Fail},
		{"XP-03", "another field", two(fieldsOf("desktop_id"), fieldsOf("name"), overREST), Fail},
		{"XP-03", "a field in camel case", two(fieldsOf("desktop_id"), fieldsOf("desktopId"), overREST), Pass},
		{"XP-03", "another entry of a map", two(fieldsOf("labels[A]"), fieldsOf("labels[B]"), overREST), Pass},
		{"XP-03", "no details", two(fieldsOf("desktop_id"), bare, overREST), Warned},
		{"XP-03", "a code that does not exist", two(bare, statusWith(17, "x"), overREST), NotExercised},
		{"XP-03", "throttled", two(bare, statusWith(code.Code_RESOURCE_EXHAUSTED, "x"), overREST), NotExercised},
		{"XP-03", "unavailable", two(bare, statusWith(code.Code_UNAVAILABLE, "x"), overREST), NotExercised},
		{"XP-03", "the state has changed", two(statusWith(code.Code_NOT_FOUND, "x"), statusWith(code.Code_ALREADY_EXISTS, "x"), overREST), NotExercised},
		{"XP-03", "without and with a token", func(s *scene) {
			s.client("first", overGRPC).fails(MethodCreate, copyOf(s, "x", ""), bare)
			s.client("first", overREST).fails(MethodCreate, copyOf(s, "x", ""), statusWith(code.Code_INTERNAL, "x"), anonymous)
		}, NotExercised},
		{"XP-03", "refused for its key", two(bare, statusWith(code.Code_INTERNAL, "x"), overREST, key("no UUID")), NotExercised},
		{"XP-03", "JSON that is refused for its form", func(s *scene) {
			s.client("first", overGRPC).begins(MethodCreate, copyOf(s, "x", "d"), time.Nanosecond)
			e := s.client("first", overConnectJSON).fails(MethodCreate, copyOf(s, "x", "d"), bare)
			e.Request = trace.NewBlob([]byte(strings.Replace(string(e.Request.Bytes()), "desktopId", "desktop_id", 1)))
		}, NotExercised},
		{"XP-03", "a proxy's page", func(s *scene) {
			s.client("first", overGRPC).fails(MethodCreate, copyOf(s, "x", ""), bare)
			byProxy(404)(s.client("first", overREST).fails(MethodCreate, copyOf(s, "x", ""), bare))
		}, NotExercised},
		{"XP-03", "fields that only binary has", func(s *scene) {
			e := s.client("first", overGRPC).fails(MethodCreate, copyOf(s, "x", "d"), bare)
			e.Request = trace.NewBlob(append(append([]byte{}, e.Request.Bytes()...), 0xa2, 0x06, 0x01, 'x'))
			s.client("first", overREST).begins(MethodCreate, copyOf(s, "x", "d"), time.Nanosecond)
		}, NotExercised},
	} {
		c.run(t)
	}
}

func TestReach(t *testing.T) {
	// A word for each call: who, and whether the operation is there.
	story := func(window time.Duration, calls string) func(*scene) {
		return func(s *scene) {
			s.env.Window = window
			over := map[byte]wire{'g': overGRPC, 'w': overWeb, 'c': overConnect, 'r': overREST}
			l := s.client("first", overGRPC).begins(MethodCreate, copyOf(s, "x", "desk-succeeds"), time.Nanosecond)
			for _, call := range strings.Fields(calls) {
				s.wait(time.Second)
				c := s.client("first", over[call[0]])
				switch call[1] {
				case '+':
					c.reads(l)
				case '-':
					c.fails(MethodGet, getRequest(l.op.GetId()), s.server.missing("Operation", l.op.GetId()))
				case '!':
					c.fails(MethodGet, getRequest(l.op.GetId()), statusWith(code.Code_UNAVAILABLE, "x"))
				case 'p':
					byProxy(404)(c.fails(MethodGet, getRequest(l.op.GetId()), s.server.missing("Operation", l.op.GetId())))
				}
			}
		}
	}
	for calls, want := range map[string]Verdict{
		"g+ r+ w+ c+":          Pass,
		"g+ g+":                NotExercised,
		"g+ r- g+":             Fail,
		"g+ r- r- w+":          Fail,
		"g- r- g- r+ g+":       Pass, // not on all replicas yet
		"r- r- r- g+":          NotExercised,
		"g+ r+ g- r- w- c-":    Pass, // expired
		"g+ r! g+ r+":          Pass,
		"g+ rp g+ r+":          Pass,
		"g+ g- g+":             NotExercised, // of one protocol, which is another rule's
		"g+ r+ g+ r- g+ r+ g+": Fail,
	} {
		wireCase{"XP-04", calls, story(0, calls), want}.run(t)
	}
	wireCase{"XP-04", "within the window", story(5*time.Second, "g+ r- g+ r+"), Pass}.run(t)
	wireCase{"XP-04", "after the window", story(2*time.Second, "g+ g+ g+ r- g+"), Fail}.run(t)
}

func TestPaths(t *testing.T) {
	asks := func(tail, id string) func(*scene) {
		return func(s *scene) {
			c := s.client("first", overREST)
			l := c.begins(MethodCreate, copyOf(s, "x", "desk-succeeds"), time.Nanosecond)
			l.op.Id = "fv4"
			e := c.reads(l)
			e.HTTPRequest = "GET /operations/fv4" + tail
			if id == "" {
				c.refuse(e, s.server.missing("Operation", "x"))
				return
			}
			l.op.Id = id
			raw, _ := encoded(l.op, e.ResponseCodec)
			e.Response = trace.NewBlob(raw)
		}
	}
	for i, row := range []struct {
		tail, id string
		want     Verdict
	}{
		{"", "fv4", NotExercised},
		{"%2Fx", "", Pass},
		{"%2Fx", "fv4/x", Pass},
		{"%2Fx", "fv4", Fail},
		{"%2fcancel", "fv4", Fail},
		{"%2F", "fv4", Fail},
		{"%3Acancel", "", Pass},
		{"%3Acancel", "fv4:cancel", Pass},
		{"%3Acancel", "fv4", Warned},
		{"%20", "fv4", NotExercised},
		{"?x=a%2Fb", "fv4", NotExercised},
	} {
		wireCase{"XP-07", fmt.Sprint(i, row.tail), asks(row.tail, row.id), row.want}.run(t)
	}
}
