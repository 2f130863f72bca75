package rules

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/protobuf/proto"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// partly has an observer see the calls of some only, whose connections and readers
// have no names.
func partly(record func(*scene)) func(*scene) {
	return func(s *scene) {
		record(s)
		s.env.World = false
		sight := s.env.Header.GetSees()
		s.env.Header.Sees = nil
		for _, one := range sight {
			if one != optestv1.TraceHeader_ALL_WRITERS {
				s.env.Header.Sees = append(s.env.Header.Sees, one)
			}
		}
		for _, e := range s.events {
			e.Caller = &trace.Caller{Peer: "10.0.0.1:443"}
		}
	}
}

// byNobody is a scene whose calls say nothing of who makes them.
func byNobody(record func(*scene)) func(*scene) {
	return func(s *scene) {
		record(s)
		for _, e := range s.events {
			e.RequestHeader = without(e.RequestHeader, "authorization")
		}
	}
}

// blindTo is a scene whose observer does not see something.
func blindTo(sight optestv1.TraceHeader_Sight, record func(*scene)) func(*scene) {
	return func(s *scene) {
		record(s)
		var left []optestv1.TraceHeader_Sight
		for _, one := range s.env.Header.GetSees() {
			if one != sight {
				left = append(left, one)
			}
		}
		s.env.Header.Sees = left
	}
}

// answersOther is a create that is answered with an image which another request has
// asked for.
func answersOther(change func(*clouddesktop.CopyFromDesktopRequest), fields ...trace.Field) func(*scene) {
	return func(s *scene) {
		c := s.client("first", overGRPC)
		l := c.begins(MethodCreate, copyOf(s, "an image", s.env.Desktops.Succeeds), time.Nanosecond, uuidOne)
		s.wait(time.Second)
		l.succeeds()
		other := copyOf(s, "an image", s.env.Desktops.Succeeds)
		change(other)
		c.ok(MethodCreate, other, l.op, fields...)
		s.events = s.events[1:]
	}
}

// A view that lacks calls must not turn into an accusation what these explain, and
// still has to be one where nothing can.
func TestPartialViews(t *testing.T) {
	renamed := func(r *clouddesktop.CopyFromDesktopRequest) { r.Name = "another" }
	moved := func(r *clouddesktop.CopyFromDesktopRequest) { r.FolderId = "another-folder" }
	missed := live(time.Nanosecond, func(l *living) { isMissed(l, l.b) })
	between := live(time.Nanosecond, func(l *living) {
		l.a.reads(l.life)
		l.wait(time.Second)
		isMissed(l, l.b)
		l.wait(time.Second)
		l.a.reads(l.life)
	})
	hidden := live(time.Nanosecond, func(l *living) {
		l.b.fails(MethodGetImage, &clouddesktop.GetDesktopImageRequest{ImageId: l.image.GetId()}, l.server.missing("Image", "x"))
		l.wait(time.Minute)
		l.a.reads(l.life)
	})
	deleted := live(time.Nanosecond, func(l *living) {
		l.wait(time.Minute)
		l.a.fails(MethodGetImage, &clouddesktop.GetDesktopImageRequest{ImageId: l.image.GetId()}, l.server.missing("Image", "x"))
		l.succeeds()
		l.a.reads(l.life)
	})
	replayed := func(s *scene) {
		c := s.client("first", overGRPC)
		l := c.begins(MethodCreate, copyOf(s, "an image", s.env.Desktops.Succeeds), time.Nanosecond, uuidOne)
		bad := copyOf(s, "an image", s.env.Desktops.Succeeds)
		bad.Labels = map[string]string{"Upper": "case"}
		bad.DesktopId = ""
		c.ok(MethodCreate, bad, l.op, uuidOne)
	}
	taken := func(fields ...trace.Field) func(*scene) {
		return func(s *scene) {
			bad := copyOf(s, "an image", s.env.Desktops.Succeeds)
			bad.Labels = map[string]string{"Upper": "case"}
			bad.DesktopId = ""
			s.client("first", overGRPC).begins(MethodCreate, bad, time.Nanosecond, fields...)
		}
	}
	pages := func(s *scene) {
		r := &clouddesktop.ListDesktopImagesRequest{FolderId: s.env.Folder, PageToken: "a-minute-old"}
		s.client("first", overGRPC).ok(MethodListImage, r, &clouddesktop.ListDesktopImagesResponse{})
		s.client("first", overREST).fails(MethodListImage, r, s.server.failure(code.Code_INVALID_ARGUMENT, "The page token has expired"))
	}
	keyRefused := func(s *scene) {
		r := copyOf(s, "an image", s.env.Desktops.Succeeds)
		s.client("first", overGRPC).begins(MethodCreate, r, time.Nanosecond)
		s.client("first", overREST).fails(MethodCreate, r, s.server.failure(code.Code_INVALID_ARGUMENT, "The key is no UUID"))
	}
	stale := func(s *scene) {
		s.env.Window = 5 * time.Second
		c := s.client("first", overGRPC)
		l := c.begins(MethodCreate, copyOf(s, "an image", s.env.Desktops.Succeeds), time.Nanosecond, uuidOne)
		s.wait(time.Second)
		pending := proto.CloneOf(l.op)
		l.succeeds()
		c.reads(l)
		c.ok(MethodCreate, copyOf(s, "an image", s.env.Desktops.Succeeds), pending, uuidOne)
	}
	capitals := func(s *scene) {
		c := s.client("first", overGRPC)
		small, large := key("aaaaaaaa-0000-4000-8000-000000000001"), key("AAAAAAAA-0000-4000-8000-000000000001")
		c.lost(MethodCreate, copyOf(s, "an image", s.env.Desktops.Succeeds), optestv1.Event_Failure_TIMEOUT, small)
		l := c.begins(MethodCreate, copyOf(s, "an image", s.env.Desktops.Succeeds), time.Nanosecond, small)
		l.succeeds()
		c.ok(MethodCreate, copyOf(s, "another", s.env.Desktops.Succeeds), l.op, large)
		s.events = []*trace.Event{s.events[0], s.events[2]}
	}
	for _, w := range []wireCase{
		{"IMG-04", "a key that was there before", partly(answersOther(renamed, uuidOne)), Warned},
		{"IMG-04", "renamed by somebody", partly(answersOther(renamed)), Warned},
		{"IMG-04", "nobody else can have", answersOther(renamed), Fail},
		{"IMG-03", "a key that was there before", partly(answersOther(moved, uuidOne)), Warned},
		{"IMG-03", "no key", partly(answersOther(moved)), Fail},
		{"IMG-03", "it is not seen whether there was a key", blindTo(optestv1.TraceHeader_METADATA, partly(answersOther(moved))), Warned},
		{"IMG-04", "lost with the key in small letters", capitals, NotExercised},
		{"LRO-14", "of another caller, perhaps", partly(missed), Warned},
		{"LRO-14", "callers are nobody", partly(byNobody(missed)), Fail},
		{"LRO-14", "callers are nobody, as far as can be seen", blindTo(optestv1.TraceHeader_METADATA, partly(byNobody(missed))), Warned},
		{"LRO-14", "a driver's readers", missed, Fail},
		{"XP-04", "of another caller, perhaps", partly(between), Warned},
		{"XP-04", "callers are nobody", partly(byNobody(between)), Fail},
		{"IMG-10", "of another caller, perhaps", partly(hidden), Warned},
		{"IMG-10", "callers are nobody", partly(byNobody(hidden)), Fail},
		{"IMG-10", "deleted by somebody, perhaps", partly(byNobody(deleted)), NotExercised},
		{"IMG-10", "deleted by nobody", deleted, Fail},
		{"REQ-04", "answered by the key alone", replayed, Pass},
		{"REQ-01", "answered by the key alone", replayed, NotExercised},
		{"REQ-04", "answered by the key alone, perhaps", partly(taken(uuidOne)), NotExercised},
		{"REQ-04", "first with its key", taken(uuidOne), Fail},
		{"REQ-04", "no key", partly(taken()), Fail},
		{"REQ-01", "no key", partly(taken()), Fail},
		{"XP-03", "next page", pages, NotExercised},
		{"XP-03", "keys are not seen", blindTo(optestv1.TraceHeader_METADATA, keyRefused), NotApplicable},
		{"IDM-01", "stale over unknown connections", partly(stale), Pass},
		{"IDM-01", "stale over one connection", stale, Fail},
	} {
		w.run(t)
	}
}

// An observer of a healthy trace that misses calls accuses nobody.
func TestSamplesOfHealthyTrace(t *testing.T) {
	whole, events := healthy(t)
	env := *whole
	env.World = false
	d := newEyes()
	for seed := range uint64(100) {
		draw := rand.New(rand.NewPCG(seed, 0))
		most := 1 + draw.IntN(99)
		var left []*trace.Event
		for _, e := range events {
			if draw.IntN(100) < most {
				left = append(left, e)
			}
		}
		for _, r := range d.check(&env, All(), left) {
			if r.Verdict == Fail {
				t.Errorf("seed %d: of %d events %d are left, and that is %s", seed, len(events), len(left), describe(r))
			}
		}
	}
}
