package rules

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/genproto/googleapis/rpc/code"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

var (
	uuidOne = key("7d2b9e06-5c1a-4c0e-9a57-3f8f6f0f5a11")
	uuidTwo = key("0f0e0d0c-0b0a-4908-8706-050403020100")
)

// twice makes a create with a key, lets some time go by, and goes on.
func twice(again func(c *client, first *life)) func(*scene) {
	return func(s *scene) {
		c := s.client("first", overGRPC)
		l := c.begins(MethodCreate, copyOf(s, "an image", s.env.Desktops.Succeeds), time.Nanosecond, uuidOne)
		s.wait(time.Second)
		again(c, l)
	}
}

// anew has a create be answered with an operation of its own.
func anew(name string, fields ...trace.Field) func(c *client, first *life) {
	return func(c *client, _ *life) {
		c.begins(MethodCreate, copyOf(c.scene, name, c.env.Desktops.Succeeds), time.Nanosecond, fields...)
	}
}

// answersWith has a create be answered with the first one's operation.
func answersWith(name string, fields ...trace.Field) func(c *client, first *life) {
	return func(c *client, first *life) {
		c.ok(MethodCreate, copyOf(c.scene, name, c.env.Desktops.Succeeds), first.op, fields...)
	}
}

func failsWith(n code.Code, name string, fields ...trace.Field) func(c *client, first *life) {
	return func(c *client, _ *life) {
		c.fails(MethodCreate, copyOf(c.scene, name, c.env.Desktops.Succeeds), c.server.failure(n, "It can't be"), fields...)
	}
}

func TestRepeatedCalls(t *testing.T) {
	same := answersWith("an image", uuidOne)
	doneThen := func(again func(c *client, first *life)) func(c *client, first *life) {
		return func(c *client, first *life) {
			first.succeeds()
			c.reads(first)
			again(c, first)
		}
	}
	stale := func(c *client, first *life) {
		first.op.Done, first.op.Result = false, nil
		first.answers(c.scene.client("second", overREST), uuidOne)
	}
	// lost lists the folder, loses a create, and repeats it.
	lost := func(before, again func(c *client)) func(*scene) {
		return func(s *scene) {
			c := s.client("first", overGRPC)
			before(c)
			c.fails(MethodCreate, copyOf(s, "lost", s.env.Desktops.Succeeds), s.server.failure(code.Code_UNAVAILABLE, "The answer was lost"), uuidOne)
			again(c)
		}
	}
	lists := func(names ...string) func(c *client) {
		return func(c *client) {
			var images []*clouddesktop.DesktopImage
			for i, name := range names {
				images = append(images, &clouddesktop.DesktopImage{Id: fmt.Sprint("old-", i), FolderId: c.env.Folder, Name: name})
			}
			c.page(c.env.Folder, "", "", images...)
		}
	}
	exists := func(c *client) { failsWith(code.Code_ALREADY_EXISTS, "lost", uuidOne)(c, nil) }
	perform(t, []play{
		{"IDM-01", "the same", twice(same), Pass},
		{"IDM-01", "the same when done", twice(doneThen(same)), Pass},
		{"IDM-01", "key-ignored", twice(anew("an image", uuidOne)), Fail},
		{"IDM-01", "another image", twice(func(c *client, first *life) { names("another")(first); first.answers(c, uuidOne) }), Fail},
		{"IDM-01", "key-returns-first-snapshot", twice(doneThen(stale)), Fail},
		{"IDM-01", "stale where reads may be", eventually(twice(doneThen(stale))), Pass},
		{"IDM-01", "stale for too long", eventually(twice(doneThen(func(c *client, first *life) { c.wait(6 * time.Second); stale(c, first) }))), Fail},
		{"IDM-01", "stale on one connection", eventually(twice(doneThen(func(c *client, first *life) {
			first.op.Done, first.op.Result = false, nil
			first.answers(c, uuidOne)
		}))), Fail},
		{"IDM-01", "forgotten after a minute", twice(func(c *client, first *life) { c.wait(time.Minute); anew("an image", uuidOne)(c, first) }), NotExercised},
		{"IDM-01", "another key", twice(anew("an image", uuidTwo)), NotExercised},
		{"IDM-01", "another request", twice(anew("another", uuidOne)), NotExercised},
		{"IDM-01", "no UUID", func(s *scene) {
			c := s.client("first", overGRPC)
			for range 2 {
				anew("an image", key("no UUID"))(c, nil)
			}
		}, NotExercised},
		{"IDM-01", "unavailable", twice(failsWith(code.Code_UNAVAILABLE, "an image", uuidOne)), NotExercised},
		{"IDM-01", "refused", twice(failsWith(code.Code_ALREADY_EXISTS, "an image", uuidOne)), Fail},
		{"IDM-01", "after a call that is lost", func(s *scene) {
			c := s.client("first", overGRPC)
			c.lost(MethodCreate, copyOf(s, "an image", s.env.Desktops.Succeeds), optestv1.Event_Failure_RESET, uuidOne)
			anew("an image", uuidOne)(c, nil)
		}, NotExercised},
		{"IDM-01", "already-exists-despite-key", lost(lists("old"), exists), Fail},
		{"IDM-01", "the name was taken before", lost(lists("lost"), exists), NotExercised},
		{"IDM-01", "the name may have been taken before", lost(func(*client) {}, exists), NotExercised},
		{"IDM-01", "the name was taken by another call", lost(lists("old"), func(c *client) { anew("lost", uuidTwo)(c, nil); exists(c) }), NotExercised},
		{"IDM-01", "others may have taken the name", func(s *scene) { s.env.World = false; lost(lists("old"), exists)(s) }, NotExercised},
		{"IDM-01", "the call had no effect", lost(lists("old"), func(c *client) { anew("lost", uuidOne)(c, nil) }), NotExercised},

		{"IDM-05", "the first one's operation", twice(answersWith("another", uuidOne)), Pass},
		{"IDM-05", "refused", twice(failsWith(code.Code_INVALID_ARGUMENT, "another", uuidOne)), Pass},
		{"IDM-05", "refused in another way", twice(failsWith(code.Code_FAILED_PRECONDITION, "another", uuidOne)), Pass},
		{"IDM-05", "key-scoped-to-body", twice(anew("another", uuidOne)), Fail},
		{"IDM-05", "another key", twice(anew("another", uuidTwo)), NotExercised},
		{"IDM-05", "forgotten after a minute", twice(func(c *client, first *life) { c.wait(time.Minute); anew("another", uuidOne)(c, first) }), NotExercised},
	})
}

func TestCallsAtOnce(t *testing.T) {
	// racing sends creates at once: the first is answered with an operation, and so
	// are others but the last, which is answered as told.
	racing := func(last func(c *client, first *life)) func(*scene) {
		return func(s *scene) {
			l := s.server.make(MethodCreate, copyOf(s, "an image", s.env.Desktops.Succeeds), time.Nanosecond)
			s.together(func() {
				for i, w := range wires {
					l.answers(s.client(fmt.Sprint("racer ", i), w), uuidOne)
				}
				last(s.client("last", overGRPC), l)
			})
		}
	}
	perform(t, []play{
		{"IDM-02", "one operation", racing(answersWith("an image", uuidOne)), Pass},
		{"IDM-02", "key-check-then-act race", racing(anew("an image", uuidOne)), Fail},
		{"IDM-02", "two images", racing(func(c *client, first *life) { names("another")(first); first.answers(c, uuidOne) }), Fail},
		{"IDM-02", "ABORTED to the loser", racing(failsWith(code.Code_ABORTED, "an image", uuidOne)), Warned},
		{"IDM-02", "another key", racing(anew("an image", uuidTwo)), Pass},
		{"IDM-02", "one after another", twice(anew("an image", uuidOne)), NotExercised},
		{"IDM-02", "where others may write", func(s *scene) { s.env.World = false; racing(anew("an image", uuidOne))(s) }, NotApplicable},
		{"IDM-02", "the lost one", racing(func(c *client, first *life) {
			c.lost(MethodCreate, first.request, optestv1.Event_Failure_TIMEOUT, uuidOne)
		}), Pass},
	})
}

func TestCallsApart(t *testing.T) {
	keyless := func(again func(c *client, first *life)) func(*scene) {
		return func(s *scene) {
			c := s.client("first", overGRPC)
			again(c, c.begins(MethodCreate, copyOf(s, "an image", s.env.Desktops.Succeeds), time.Nanosecond))
		}
	}
	deletes := func(fields ...trace.Field) func(*scene) {
		return func(s *scene) {
			c := s.client("first", overGRPC)
			l := c.begins(MethodCreate, copyOf(s, "an image", s.env.Desktops.Succeeds), time.Nanosecond)
			deleted := c.begins(MethodDelete, &clouddesktop.DeleteDesktopImageRequest{ImageId: l.image.GetId()}, time.Nanosecond, fields...)
			deleted.answers(c)
		}
	}
	perform(t, []play{
		{"IDM-03", "two operations", twice(anew("an image", uuidTwo)), Pass},
		{"IDM-03", "body-hash-dedup", twice(answersWith("an image", uuidTwo)), Fail},
		{"IDM-03", "one key in capitals", twice(answersWith("an image", key(strings.ToUpper(uuidOne.Value)))), NotExercised},
		{"IDM-03", "another request", twice(anew("another", uuidTwo)), NotExercised},
		{"IDM-03", "no UUID", twice(answersWith("an image", key("no UUID"))), NotExercised},
		{"IDM-04", "two operations", keyless(anew("an image")), Pass},
		{"IDM-04", "the name is taken", keyless(failsWith(code.Code_ALREADY_EXISTS, "an image")), Pass},
		{"IDM-04", "always-dedup", keyless(answersWith("an image")), Warned},
		{"IDM-04", "with a key", twice(answersWith("an image", uuidOne)), NotExercised},
		{"IDM-04", "one deletion", deletes(), NotExercised},
	})
}

func TestOddAndBurntKeys(t *testing.T) {
	odd := func(answer func(c *client, first *life)) func(*scene) {
		return func(s *scene) { answer(s.client("first", overGRPC), nil) }
	}
	broken := func(s *scene) *clouddesktop.CopyFromDesktopRequest {
		r := copyOf(s, "an image", s.env.Desktops.Succeeds)
		r.DesktopId = ""
		return r
	}
	// burnt has a call be refused, and repeats it with its key and a request that is
	// right.
	burnt := func(again func(c *client, first *life)) func(*scene) {
		return func(s *scene) {
			c := s.client("first", overGRPC)
			c.fails(MethodCreate, broken(s), s.server.illegal("desktop_id", "required"), uuidOne)
			again(c, nil)
		}
	}
	refusedAgain := func(c *client, _ *life) {
		c.fails(MethodCreate, copyOf(c.scene, "an image", c.env.Desktops.Succeeds), c.server.illegal("desktop_id", "required"), uuidOne)
	}
	method := func(answer func(c *client, l *life, request *clouddesktop.DeleteDesktopImageRequest)) func(*scene) {
		return twice(func(c *client, first *life) {
			answer(c, first, &clouddesktop.DeleteDesktopImageRequest{ImageId: first.image.GetId()})
		})
	}
	perform(t, []play{
		{"IDM-06", "refused", odd(failsWith(code.Code_INVALID_ARGUMENT, "an image", key("no UUID"))), Pass},
		{"IDM-06", "ignored", odd(anew("an image", key("no UUID"))), Pass},
		{"IDM-06", "bad-key-500", odd(failsWith(code.Code_INTERNAL, "an image", key("no UUID"))), Warned},
		{"IDM-06", "unavailable", odd(failsWith(code.Code_UNAVAILABLE, "an image", key("no UUID"))), NotExercised},
		{"IDM-06", "a UUID", odd(failsWith(code.Code_INTERNAL, "an image", uuidOne)), NotExercised},
		{"IDM-06", "the page of a proxy", func(s *scene) {
			failsWith(code.Code_INTERNAL, "an image", key("no UUID"))(s.client("first", overREST), nil)
			s.events[0].ResponseCodec = optestv1.Event_FOREIGN
		}, NotExercised},

		{"IDM-07", "free again", burnt(anew("an image", uuidOne)), Pass},
		{"IDM-07", "failed-call-burns-key", burnt(refusedAgain), Warned},
		{"IDM-07", "refused for reasons of the server's", burnt(failsWith(code.Code_INVALID_ARGUMENT, "an image", uuidOne)), NotExercised},
		{"IDM-07", "refused where it was accepted elsewhere", func(s *scene) {
			anew("an image", uuidTwo)(s.client("second", overREST), nil)
			burnt(failsWith(code.Code_FAILED_PRECONDITION, "an image", uuidOne))(s)
		}, Warned},
		{"IDM-07", "refused for something else", burnt(func(c *client, _ *life) {
			r := copyOf(c.scene, strings.Repeat("n", 51), c.env.Desktops.Succeeds)
			c.fails(MethodCreate, r, c.server.illegal("name", "too long"), uuidOne)
		}), NotExercised},
		{"IDM-07", "the key has an operation already", twice(func(c *client, first *life) {
			burnt(failsWith(code.Code_INVALID_ARGUMENT, "an image", uuidOne))(c.scene)
		}), NotExercised},
		{"IDM-07", "two methods, two operations", method(func(c *client, _ *life, r *clouddesktop.DeleteDesktopImageRequest) {
			c.begins(MethodDelete, r, time.Nanosecond, uuidOne)
		}), Pass},
		{"IDM-07", "key-shared-across-methods", method(func(c *client, first *life, r *clouddesktop.DeleteDesktopImageRequest) {
			c.ok(MethodDelete, r, first.op, uuidOne)
		}), Warned},
		{"IDM-07", "another method and no key", method(func(c *client, first *life, r *clouddesktop.DeleteDesktopImageRequest) {
			c.ok(MethodDelete, r, first.op)
		}), NotExercised},
	})
}
