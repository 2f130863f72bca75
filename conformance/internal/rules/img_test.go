package rules

import (
	"strings"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// play is a scene that a rule is held to.
type play struct {
	rule, name string
	plays      func(*scene)
	want       Verdict
}

func perform(t *testing.T, plays []play) {
	t.Helper()
	for _, tt := range plays {
		t.Run(tt.rule+"/"+tt.name, func(t *testing.T) {
			s := newScene(t)
			tt.plays(s)
			r := Check(s.env, []*Rule{Find(tt.rule)}, s.events)[0]
			if r.Verdict != tt.want {
				t.Errorf("got %s\nwant %s", describe(r), tt.want)
			}
			for _, f := range r.Findings {
				if len(f.Evidence) < 1 || len(f.Evidence) > 3 || strings.Contains(f.Text, "%!") {
					t.Errorf("finding %q has %d events as evidence, want 1 to 3", f.Text, len(f.Evidence))
				}
			}
		})
	}
}

// succeeding makes an image and reads the operation once it is done, as changed.
func succeeding(change func(*life)) func(*scene) {
	return asking(func(*clouddesktop.CopyFromDesktopRequest) {}, change)
}

// asking is succeeding with another request.
func asking(ask func(*clouddesktop.CopyFromDesktopRequest), change func(*life)) func(*scene) {
	return func(s *scene) {
		c := s.client("first", overGRPC)
		request := copyOf(s, "an image", s.env.Desktops.Succeeds)
		ask(request)
		l := c.begins(MethodCreate, request, time.Nanosecond)
		s.wait(10 * time.Second)
		l.succeeds()
		change(l)
		c.reads(l)
	}
}

// shows changes the image in the response.
func shows(change func(*clouddesktop.DesktopImage)) func(*life) {
	return func(l *life) {
		image := proto.CloneOf(l.image)
		change(image)
		l.op.Result = &operation.Operation_Response{Response: l.scene.server.packed(image)}
	}
}

// respelled has the last answer be in JSON, with one text in the place of another.
func respelled[M any, P interface {
	*M
	proto.Message
}](plays func(*scene), old, other string) func(*scene) {
	return func(s *scene) {
		plays(s)
		e, m := s.events[len(s.events)-1], P(new(M))
		if err := proto.Unmarshal(e.Response.Bytes(), m); err != nil {
			s.t.Fatal(err)
		}
		raw, err := protojson.Marshal(m)
		if err != nil {
			s.t.Fatal(err)
		}
		e.ResponseCodec, e.Response = optestv1.Event_JSON, trace.NewBlob([]byte(strings.ReplaceAll(string(raw), old, other)))
	}
}

func names(id string) func(*life) {
	return func(l *life) {
		l.op.Metadata = l.scene.server.packed(&clouddesktop.CopyFromDesktopMetadata{ImageId: id})
	}
}

func nothingOdd(*life) {}

func TestImageContent(t *testing.T) {
	name := func(text string) func(*clouddesktop.CopyFromDesktopRequest) {
		return func(r *clouddesktop.CopyFromDesktopRequest) { r.Name = text }
	}
	named := func(text string) func(*life) {
		return shows(func(m *clouddesktop.DesktopImage) { m.Name = text })
	}
	status := func(n clouddesktop.DesktopImage_Status) func(*life) {
		return shows(func(m *clouddesktop.DesktopImage) { m.Status = n })
	}
	created := func(at *timestamppb.Timestamp) func(*life) {
		return shows(func(m *clouddesktop.DesktopImage) { m.CreatedAt = at })
	}
	noFolder := func(r *clouddesktop.CopyFromDesktopRequest) { r.FolderId = "" }
	perform(t, []play{
		{"IMG-01", "an id", succeeding(nothingOdd), Pass},
		{"IMG-01", "50 characters of 4 bytes", succeeding(names(strings.Repeat("😀", 50))), Pass},
		{"IMG-01", "51 characters", succeeding(names(strings.Repeat("i", 51))), Fail},
		{"IMG-01", "no id", succeeding(names("")), Fail},
		{"IMG-01", "no id of an image that was never begun", func(s *scene) {
			l := s.server.make(MethodCreate, copyOf(s, "refused", s.env.Desktops.Fails), time.Nanosecond)
			names("")(l)
			l.failing(code.Code_RESOURCE_EXHAUSTED, "Image quota is exceeded")
			l.ends()
			l.answers(s.client("first", overGRPC))
		}, NotExercised},
		{"IMG-02", "the same", succeeding(nothingOdd), Pass},
		{"IMG-02", "response-other-image", succeeding(shows(func(m *clouddesktop.DesktopImage) { m.Id = "another" })), Fail},
		{"IMG-02", "metadata gone", succeeding(func(l *life) { l.op.Metadata = nil }), NotExercised},

		{"IMG-03", "as asked", succeeding(nothingOdd), Pass},
		{"IMG-03", "folder-default", succeeding(shows(func(m *clouddesktop.DesktopImage) { m.FolderId = "default" })), Fail},
		{"IMG-03", "folder-swapped-with-desktop-id", succeeding(shows(func(m *clouddesktop.DesktopImage) { m.FolderId = "desk-succeeds" })), Fail},
		{"IMG-03", "no folder", asking(noFolder, shows(func(m *clouddesktop.DesktopImage) { m.FolderId = "" })), Fail},
		{"IMG-03", "one of the server's, where none was asked for", asking(noFolder, nothingOdd), Pass},

		{"IMG-04", "as asked", asking(name(" A e\u0301 \u00e9 "), nothingOdd), Pass},
		{"IMG-04", "name-trimmed", asking(name(" spaces "), named("spaces")), Fail},
		{"IMG-04", "name-truncated-at-49", asking(name(strings.Repeat("n", 50)), named(strings.Repeat("n", 49))), Fail},
		{"IMG-04", "name-NFC", asking(name("e\u0301"), named("\u00e9")), Fail},
		{"IMG-04", "one of the server's, where none was asked for", asking(name(""), named("image-1")), NotExercised},
		{"IMG-05", "as asked", succeeding(nothingOdd), Pass},
		{"IMG-05", "labels-dropped", succeeding(shows(func(m *clouddesktop.DesktopImage) { m.Labels = nil })), Fail},
		{"IMG-05", "labels-merged-with-previous", succeeding(shows(func(m *clouddesktop.DesktopImage) {
			m.Labels = map[string]string{"run": "optest", "empty": "", "previous": "label"}
		})), Fail},
		{"IMG-05", "another description", succeeding(shows(func(m *clouddesktop.DesktopImage) { m.Description = "" })), Fail},
		{"IMG-05", "labels of the server's, where none were asked for", asking(func(r *clouddesktop.CopyFromDesktopRequest) {
			r.Labels, r.Description = nil, ""
		}, shows(func(m *clouddesktop.DesktopImage) { m.Labels = map[string]string{"made": "by-default"} })), NotExercised},

		{"IMG-06", "ACTIVE", succeeding(nothingOdd), Pass},
		{"IMG-06", "status-0", succeeding(status(0)), Fail},
		{"IMG-06", "status-99", succeeding(status(99)), Warned},
		{"IMG-07", "ACTIVE", succeeding(nothingOdd), Pass},
		{"IMG-07", "success-while-CREATING", succeeding(status(clouddesktop.DesktopImage_CREATING)), Warned},
		{"IMG-07", "status-0", succeeding(status(0)), Warned},
		{"IMG-07", "DELETING by nobody", succeeding(status(clouddesktop.DesktopImage_DELETING)), Warned},
		{"IMG-07", "a status of a newer server", succeeding(status(99)), Pass},
		{"IMG-06", "a name of a newer server's in JSON", respelled[operation.Operation](succeeding(nothingOdd), "ACTIVE", "VERIFYING"), Warned},
		{"IMG-06", "no name in JSON", respelled[operation.Operation](succeeding(status(0)), "ACTIVE", "VERIFYING"), Fail},
		{"IMG-07", "a name of a newer server's in JSON", respelled[operation.Operation](succeeding(nothingOdd), "ACTIVE", "VERIFYING"), Pass},
		{"IMG-08", "sizes", succeeding(nothingOdd), Pass},
		{"IMG-08", "negative-size", succeeding(shows(func(m *clouddesktop.DesktopImage) { m.MinDiskSize = -1 })), Fail},
		{"IMG-08", "int32-overflowed size", succeeding(shows(func(m *clouddesktop.DesktopImage) { m.StorageSize = -1 << 30 })), Fail},
		{"IMG-08", "no size", succeeding(shows(func(m *clouddesktop.DesktopImage) { m.StorageSize = 0 })), Warned},
		{"IMG-09", "its own", succeeding(nothingOdd), Pass},
		{"IMG-09", "image-created-at-of-source-desktop", succeeding(created(stamp(-7*365*24*time.Hour, time.Second))), Warned},
		{"IMG-09", "of the future", succeeding(created(stamp(time.Hour, time.Second))), Warned},
		{"IMG-09", "none", succeeding(created(nil)), Fail},
		{"IMG-09", "no time", succeeding(created(&timestamppb.Timestamp{Seconds: 1, Nanos: -1})), Fail},
		{"IMG-09", "two seconds late", succeeding(created(stamp(12*time.Second, time.Second))), Pass},
		{"IMG-09", "two seconds early", succeeding(created(stamp(-2*time.Second, time.Second))), Pass},
	})
}

// written makes an image, has somebody write to it, and reads the operation again,
// with the image as it is by then.
func written(method string, request proto.Message, change func(*clouddesktop.DesktopImage), when func(*trace.Event)) func(*scene) {
	return func(s *scene) {
		c, other := s.client("first", overGRPC), s.client("second", overREST)
		l := c.begins(MethodCreate, copyOf(s, "an image", s.env.Desktops.Succeeds), time.Nanosecond)
		s.wait(10 * time.Second)
		l.succeeds()
		c.reads(l)
		switch r := request.(type) {
		case *clouddesktop.UpdateDesktopImageRequest:
			r.ImageId = l.image.GetId()
		case *clouddesktop.DeleteDesktopImageRequest:
			r.ImageId = l.image.GetId()
		}
		write := s.server.make(method, request, time.Nanosecond)
		when(write.answers(other))
		change(l.image)
		l.op.Result = &operation.Operation_Response{Response: s.server.packed(l.image)}
		c.reads(l)
		s.wait(10 * time.Second)
		c.reads(l)
	}
}

// longUnderWay has a call return only after all others.
func longUnderWay(e *trace.Event) { e.Returned += time.Minute }

func TestImageThatOthersWriteTo(t *testing.T) {
	atOnce := func(*trace.Event) {}
	rename := func(m *clouddesktop.DesktopImage) { m.Name = "renamed" }
	relabel := func(m *clouddesktop.DesktopImage) { m.Labels, m.Description = nil, "changed" }
	remove := func(m *clouddesktop.DesktopImage) { m.Status = clouddesktop.DesktopImage_DELETING }
	update := func() proto.Message { return &clouddesktop.UpdateDesktopImageRequest{} }
	deletion := func() proto.Message { return &clouddesktop.DeleteDesktopImageRequest{} }
	perform(t, []play{
		{"IMG-04", "renamed", written(MethodUpdate, update(), rename, atOnce), Pass},
		{"IMG-04", "renamed by a call that is under way", written(MethodUpdate, update(), rename, longUnderWay), Pass},
		{"IMG-04", "renamed by a call that deletes", written(MethodDelete, deletion(), rename, atOnce), Fail},
		{"IMG-05", "changed", written(MethodUpdate, update(), relabel, atOnce), Pass},
		{"IMG-05", "changed by a call that is under way", written(MethodUpdate, update(), relabel, longUnderWay), Pass},
		{"IMG-07", "being deleted", written(MethodDelete, deletion(), remove, atOnce), Pass},
		{"IMG-07", "being deleted by a call that is under way", written(MethodDelete, deletion(), remove, longUnderWay), Pass},
		{"IMG-07", "DELETING by an update", written(MethodUpdate, update(), remove, atOnce), Warned},
		{"IMG-04", "renamed by a call that came later", func(s *scene) {
			c := s.client("first", overGRPC)
			l := c.begins(MethodCreate, copyOf(s, "an image", s.env.Desktops.Succeeds), time.Nanosecond)
			s.wait(10 * time.Second)
			l.succeeds()
			shows(rename)(l)
			c.reads(l)
			s.wait(time.Second)
			c.begins(MethodUpdate, &clouddesktop.UpdateDesktopImageRequest{ImageId: l.image.GetId(), Name: "renamed"}, time.Nanosecond)
		}, Fail},
	})
}

func TestRequestOfALostCall(t *testing.T) {
	uuid := key("7d2b9e06-5c1a-4c0e-9a57-3f8f6f0f5a11")
	lost := func(name string, lose func(c *client, request proto.Message)) func(*scene) {
		return func(s *scene) {
			c := s.client("first", overGRPC)
			first := copyOf(s, name, s.env.Desktops.Succeeds)
			first.Labels = map[string]string{"of": "the-first"}
			lose(c, first)
			l := s.server.make(MethodCreate, first, time.Nanosecond)
			c.ok(MethodCreate, copyOf(s, "an image", s.env.Desktops.Succeeds), l.op, uuid)
			s.wait(time.Second)
			l.succeeds()
			c.reads(l)
		}
	}
	reset := func(c *client, request proto.Message) { c.lost(MethodCreate, request, 2, uuid) }
	unavailable := func(c *client, request proto.Message) {
		c.fails(MethodCreate, request, c.server.failure(code.Code_UNAVAILABLE, "The answer is lost"), uuid)
	}
	refused := func(c *client, request proto.Message) {
		c.fails(MethodCreate, request, c.server.illegal("name", "too short"), uuid)
	}
	perform(t, []play{
		{"IMG-04", "the operation may be of the lost call", lost("another", reset), NotExercised},
		{"IMG-04", "the operation may be of the call that was unavailable", lost("another", unavailable), NotExercised},
		{"IMG-04", "the operation is not of the refused call", lost("another", refused), Fail},
		{"IMG-05", "the operation may be of the lost call", lost("an image", reset), NotExercised},
		{"IMG-04", "the operation may be of the call at the same time", func(s *scene) {
			c, other := s.client("first", overGRPC), s.client("second", overGRPC)
			first := copyOf(s, "another", s.env.Desktops.Succeeds)
			l := s.server.make(MethodCreate, first, time.Nanosecond)
			s.together(func() {
				c.ok(MethodCreate, copyOf(s, "an image", s.env.Desktops.Succeeds), l.op, uuid)
				other.ok(MethodCreate, first, l.op, uuid)
			})
			s.wait(time.Second)
			l.succeeds()
			c.reads(l)
		}, NotExercised},
	})
}
