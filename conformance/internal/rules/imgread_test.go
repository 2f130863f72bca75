package rules

import (
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"
)

// failure is a status without details.
func (s *server) failure(c code.Code, message string) *status.Status {
	return &status.Status{Code: int32(c), Message: message}
}

func imageRequestOf(l *life) *clouddesktop.GetDesktopImageRequest {
	return &clouddesktop.GetDesktopImageRequest{ImageId: l.image.GetId()}
}

// misses reads an image that the server then does not find.
func (c *client) misses(l *life) {
	c.fails(MethodGetImage, imageRequestOf(l), c.server.missing("DesktopImage", l.image.GetId()))
}

// sees reads an image as changed.
func (c *client) sees(l *life, change func(*clouddesktop.DesktopImage)) {
	image := proto.CloneOf(l.image)
	change(image)
	c.ok(MethodGetImage, imageRequestOf(l), image)
}

func eventually(plays func(*scene)) func(*scene) {
	return func(s *scene) {
		s.env.Window = 5 * time.Second
		plays(s)
	}
}

func TestImageWhileItIsMade(t *testing.T) {
	// during makes an image, has it read, and goes on as told.
	during := func(read, on func(c *client, l *life)) func(*scene) {
		return func(s *scene) {
			c := s.client("first", overGRPC)
			l := c.begins(MethodCreate, copyOf(s, "an image", s.env.Desktops.Succeeds), time.Nanosecond)
			s.wait(time.Second)
			read(c, l)
			s.wait(10 * time.Second)
			on(c, l)
		}
	}
	finds := func(c *client, l *life) { c.looksAt(l.image.GetId()) }
	misses := func(c *client, l *life) { c.misses(l) }
	inProgress := func(c *client, l *life) { c.reads(l) }
	succeeds := func(c *client, l *life) { l.succeeds(); c.reads(l) }
	fails := func(c *client, l *life) { l.failing(code.Code_ABORTED, "The disk is gone"); l.ends(); c.reads(l) }
	is := func(status clouddesktop.DesktopImage_Status) func(c *client, l *life) {
		return func(c *client, l *life) {
			c.sees(l, func(m *clouddesktop.DesktopImage) { m.Status = status })
		}
	}
	both := func(list ...func(c *client, l *life)) func(c *client, l *life) {
		return func(c *client, l *life) {
			for _, f := range list {
				f(c, l)
			}
		}
	}
	pause := func(d time.Duration) func(c *client, l *life) {
		return func(c *client, _ *life) { c.wait(d) }
	}
	cancels := func(c *client, l *life) { c.cancels(l) }
	refusesCancel := func(c *client, l *life) {
		c.fails(MethodCancel, &operation.CancelOperationRequest{OperationId: l.op.GetId()}, c.server.failure(code.Code_FAILED_PRECONDITION, "It can't be"))
	}
	perform(t, []play{
		{"IMG-10", "found", during(finds, inProgress), Pass},
		{"IMG-10", "not-visible-until-done", during(misses, inProgress), Fail},
		{"IMG-10", "not found, and the operation succeeds", during(misses, succeeds), Fail},
		{"IMG-10", "not found, and the operation is never read", during(misses, func(*client, *life) {}), NotExercised},
		{"IMG-10", "not found, and the operation fails", during(misses, fails), NotExercised},
		{"IMG-10", "not found after a Cancel", during(both(cancels, misses), both(inProgress, succeeds)), NotExercised},
		{"IMG-10", "not found after a Cancel that was refused", during(both(refusesCancel, misses), inProgress), Fail},
		{"IMG-10", "not to be seen by everybody", during(func(c *client, l *life) {
			c.fails(MethodGetImage, imageRequestOf(l), c.server.failure(code.Code_PERMISSION_DENIED, "Permission denied"))
		}, inProgress), NotExercised},
		{"IMG-10", "ACTIVE long before the end", during(is(clouddesktop.DesktopImage_ACTIVE), inProgress), Fail},
		{"IMG-10", "ACTIVE a moment before the end", during(both(is(clouddesktop.DesktopImage_ACTIVE), inProgress), succeeds), Pass},
		{"IMG-10", "a status of a newer server", during(is(99), inProgress), Pass},
		{"IMG-10", "a name of a newer server's in JSON", during(func(c *client, l *life) {
			respelled[clouddesktop.DesktopImage](func(*scene) { c.looksAt(l.image.GetId()) }, "CREATING", "VERIFYING")(c.scene)
		}, inProgress), Pass},
		{"IMG-10", "no status in JSON", during(func(c *client, l *life) {
			respelled[clouddesktop.DesktopImage](func(*scene) { is(0)(c, l) }, "CREATING", "VERIFYING")(c.scene)
		}, inProgress), Fail},
		{"IMG-10", "polled once in ten minutes", during(both(misses, pause(10*time.Minute), inProgress), both(pause(10*time.Minute), fails)), Fail},

		{"IMG-10", "not found at first where reads may be late", eventually(during(both(misses, pause(6*time.Second), finds), inProgress)), Pass},
		{"IMG-10", "never found where reads may be late", eventually(during(misses, inProgress)), Inconclusive},
		{"IMG-10", "not found after the window", eventually(during(both(pause(5*time.Second), misses), inProgress)), Fail},
		{"IMG-10", "not found after the window, by a read that may be stale", eventually(during(both(pause(5*time.Second), misses, inProgress), fails)), NotExercised},
	})
}

func TestImageAfterTheEnd(t *testing.T) {
	after := func(read func(c *client, l *life)) func(*scene) {
		return func(s *scene) {
			c := s.client("first", overGRPC)
			l := c.begins(MethodCreate, copyOf(s, "an image", s.env.Desktops.Succeeds), time.Second)
			s.wait(10 * time.Second)
			l.succeeds()
			c.reads(l)
			read(c, l)
		}
	}
	sees := func(change func(*clouddesktop.DesktopImage)) func(*scene) {
		return after(func(c *client, l *life) { c.sees(l, change) })
	}
	rename := func(m *clouddesktop.DesktopImage) { m.Name = "renamed" }
	resize := func(m *clouddesktop.DesktopImage) { m.StorageSize++ }
	updated := func(change func(*clouddesktop.DesktopImage), late bool) func(*scene) {
		return after(func(c *client, l *life) {
			write := c.begins(MethodUpdate, &clouddesktop.UpdateDesktopImageRequest{ImageId: l.image.GetId(), Name: "renamed"}, time.Nanosecond)
			if late {
				longUnderWay(c.events[len(c.events)-1])
			}
			c.sees(l, change)
			c.reads(write)
		})
	}
	perform(t, []play{
		{"IMG-11", "as responded", after(func(c *client, l *life) { c.looksAt(l.image.GetId()) }), Pass},
		{"IMG-11", "response-stale-snapshot", sees(resize), Fail},
		{"IMG-11", "another id", sees(func(m *clouddesktop.DesktopImage) { m.Id = "another" }), Fail},
		{"IMG-11", "renamed by nobody", sees(rename), Fail},
		{"IMG-11", "renamed where others may write", func(s *scene) { s.env.World = false; sees(rename)(s) }, Pass},
		{"IMG-11", "renamed", updated(rename, false), Pass},
		{"IMG-11", "renamed by a call that is under way", updated(rename, true), Pass},
		{"IMG-11", "resized while it was renamed", updated(resize, false), Fail},
		{"IMG-11", "a finer stamp", sees(func(m *clouddesktop.DesktopImage) { m.CreatedAt.Nanos = 123456789 }), Pass},
		{"IMG-11", "another stamp", sees(func(m *clouddesktop.DesktopImage) { m.CreatedAt.Seconds++ }), Fail},
		{"IMG-11", "stale where reads may be", eventually(sees(resize)), NotExercised},
		{"IMG-11", "stale for too long", eventually(after(func(c *client, l *life) {
			c.wait(6 * time.Second)
			c.sees(l, resize)
		})), Fail},
		{"IMG-11", "later answers of the operation differ", after(func(c *client, l *life) {
			c.looksAt(l.image.GetId())
			shows(resize)(l)
			c.reads(l)
		}), Fail},
		{"IMG-11", "not found", after(func(c *client, l *life) { c.misses(l) }), Fail},
		{"IMG-11", "not found where others may delete", func(s *scene) {
			s.env.World = false
			after(func(c *client, l *life) { c.misses(l) })(s)
		}, NotExercised},
		{"IMG-11", "not found where reads may be stale", eventually(after(func(c *client, l *life) { c.misses(l) })), NotExercised},
		{"IMG-11", "not to be seen", after(func(c *client, l *life) {
			c.fails(MethodGetImage, imageRequestOf(l), c.server.failure(code.Code_PERMISSION_DENIED, "Permission denied"))
		}), NotExercised},
		{"IMG-11", "deleted", after(func(c *client, l *life) {
			c.begins(MethodDelete, &clouddesktop.DeleteDesktopImageRequest{ImageId: l.image.GetId()}, time.Nanosecond)
			c.misses(l)
		}), NotExercised},
		{"IMG-11", "deleted by a call that is under way", after(func(c *client, l *life) {
			c.begins(MethodDelete, &clouddesktop.DeleteDesktopImageRequest{ImageId: l.image.GetId()}, time.Nanosecond)
			longUnderWay(c.events[len(c.events)-1])
			c.misses(l)
		}), NotExercised},
	})
}

func TestImageOfAFailure(t *testing.T) {
	failed := func(done bool, read func(c *client, l *life)) func(*scene) {
		return func(s *scene) {
			c := s.client("first", overConnectJSON)
			l := c.begins(MethodCreate, copyOf(s, "an image", s.env.Desktops.FailsLate), time.Nanosecond)
			s.wait(time.Second)
			l.failing(code.Code_RESOURCE_EXHAUSTED, "Image quota is exceeded")
			if done {
				l.op.Done = true
			}
			c.reads(l)
			read(c, l)
		}
	}
	finds := func(c *client, l *life) { c.looksAt(l.image.GetId()) }
	lists := func(c *client, _ *life) { c.lists(c.env.Folder, 10) }
	perform(t, []play{
		{"IMG-12", "gone", failed(true, func(c *client, l *life) { c.misses(l) }), Pass},
		{"IMG-12", "not to be seen", failed(true, func(c *client, l *life) {
			c.fails(MethodGetImage, imageRequestOf(l), c.server.failure(code.Code_PERMISSION_DENIED, "Permission denied"))
		}), Pass},
		{"IMG-12", "failed-but-image-left", failed(true, finds), Fail},
		{"IMG-12", "left in the list", failed(true, lists), Fail},
		{"IMG-12", "not yet gone while it is rolled back", failed(false, finds), NotExercised},
		{"IMG-12", "stale where reads may be", eventually(failed(true, finds)), NotExercised},
		{"IMG-12", "stale for too long", eventually(failed(true, func(c *client, l *life) {
			c.wait(6 * time.Second)
			finds(c, l)
		})), Fail},
		{"IMG-12", "where others may write", func(s *scene) { s.env.World = false; failed(true, finds)(s) }, NotApplicable},
		{"IMG-12", "read before the operation was", func(s *scene) {
			c := s.client("first", overGRPC)
			l := c.begins(MethodCreate, copyOf(s, "an image", s.env.Desktops.FailsLate), time.Nanosecond)
			l.failing(code.Code_RESOURCE_EXHAUSTED, "Image quota is exceeded")
			l.op.Done = true
			s.together(func() { c.reads(l); c.looksAt(l.image.GetId()) })
		}, NotExercised},
	})
}

func TestIDsOfNewImages(t *testing.T) {
	two := func(id func(one *life) string) func(*scene) {
		return func(s *scene) {
			c := s.client("first", overGRPC)
			one := c.begins(MethodCreate, copyOf(s, "one", s.env.Desktops.Succeeds), time.Nanosecond)
			other := s.server.make(MethodCreate, copyOf(s, "other", s.env.Desktops.Succeeds), time.Nanosecond)
			if id != nil {
				names(id(one))(other)
			}
			other.answers(c)
			c.reads(one)
		}
	}
	perform(t, []play{
		{"IMG-13", "different", two(nil), Pass},
		{"IMG-13", "image-id-reused", two(func(one *life) string { return one.image.GetId() }), Fail},
		{"IMG-13", "image-id = desktop-id", two(func(one *life) string { return one.scene.env.Desktops.Succeeds }), Fail},
		{"IMG-13", "repeated calls", func(s *scene) {
			c := s.client("first", overGRPC)
			uuid := key("7d2b9e06-5c1a-4c0e-9a57-3f8f6f0f5a11")
			l := c.begins(MethodCreate, copyOf(s, "one", s.env.Desktops.Succeeds), time.Nanosecond, uuid)
			l.answers(c, uuid)
			s.wait(time.Second)
			l.succeeds()
			l.answers(c, uuid)
		}, Pass},
		{"IMG-13", "written to", written(MethodUpdate, &clouddesktop.UpdateDesktopImageRequest{}, func(*clouddesktop.DesktopImage) {}, longUnderWay), Pass},
	})
}

func TestOwnersAreRememberedFor(t *testing.T) {
	o := newOwners()
	claim := func(image, op string) bool {
		_, taken := o.claim(image, &Seen{Op: &Op{ID: op}})
		return taken
	}
	claim("first", "a")
	for i := range 2 * maxLatest {
		if claim(string(rune('A'+i)), "b") {
			t.Fatalf("image %d is taken, want it new", i)
		}
	}
	if !claim("first", "c") {
		t.Error("the first image is not taken, want it to be that of another operation")
	}
	if claim("first", "a") {
		t.Error("the first image is taken, want it to be the operation's own")
	}
}
