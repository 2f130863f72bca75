package rules

import (
	"fmt"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/genproto/googleapis/rpc/code"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// page answers a List by itself.
func (c *client) page(folder, token, next string, images ...*clouddesktop.DesktopImage) {
	c.ok(MethodListImage, &clouddesktop.ListDesktopImagesRequest{FolderId: folder, PageToken: token},
		&clouddesktop.ListDesktopImagesResponse{DesktopImages: images, NextPageToken: next})
}

func TestListedImages(t *testing.T) {
	// listing makes an image and a few others, and has them listed.
	listing := func(list func(c *client, one *life, others []*clouddesktop.DesktopImage)) func(*scene) {
		return func(s *scene) {
			c := s.client("first", overGRPC)
			var others []*clouddesktop.DesktopImage
			for i := range 3 {
				l := c.begins(MethodCreate, copyOf(s, fmt.Sprint("other ", i), s.env.Desktops.Succeeds), time.Nanosecond)
				others = append(others, l.image)
				l.succeeds()
				c.reads(l)
			}
			one := c.begins(MethodCreate, copyOf(s, "one", s.env.Desktops.Succeeds), time.Nanosecond)
			s.wait(time.Second)
			one.succeeds()
			c.reads(one)
			list(c, one, others)
		}
	}
	type images = []*clouddesktop.DesktopImage
	deleted := func(late bool) func(c *client, one *life, others images) {
		return func(c *client, one *life, others images) {
			c.begins(MethodDelete, &clouddesktop.DeleteDesktopImageRequest{ImageId: one.image.GetId()}, time.Nanosecond)
			if late {
				longUnderWay(c.events[len(c.events)-1])
			}
			c.page(c.env.Folder, "", "", others...)
		}
	}
	lacking := func(c *client, _ *life, others images) { c.page(c.env.Folder, "", "", others...) }
	perform(t, []play{
		{"IMG-14", "once", listing(func(c *client, _ *life, _ images) { c.lists(c.env.Folder, 100) }), Pass},
		{"IMG-14", "once over two pages", listing(func(c *client, _ *life, _ images) { c.lists(c.env.Folder, 2) }), Pass},
		{"IMG-14", "listed-twice", listing(func(c *client, one *life, others images) {
			c.page(c.env.Folder, "", "", append(others, one.image, one.image)...)
		}), Fail},
		{"IMG-14", "on two pages", listing(func(c *client, one *life, others images) {
			c.page(c.env.Folder, "", "two", append(others[:2:2], one.image)...)
			c.page(c.env.Folder, "two", "", others[2], one.image)
		}), Fail},
		{"IMG-14", "on two pages that shift", listing(func(c *client, one *life, others images) {
			c.page(c.env.Folder, "", "two", append(others[:2:2], one.image)...)
			c.begins(MethodCreate, copyOf(c.scene, "in front", c.env.Desktops.Succeeds), time.Nanosecond)
			c.page(c.env.Folder, "two", "", others[2], one.image)
		}), NotExercised},
		{"IMG-14", "on two pages that shift by a call under way", listing(func(c *client, one *life, others images) {
			c.page(c.env.Folder, "", "two", append(others[:2:2], one.image)...)
			c.begins(MethodCreate, copyOf(c.scene, "in front", c.env.Desktops.Succeeds), time.Nanosecond)
			longUnderWay(c.events[len(c.events)-1])
			c.page(c.env.Folder, "two", "", others[2], one.image)
		}), NotExercised},
		{"IMG-14", "on two pages, after a request that is no message", listing(func(c *client, one *life, others images) {
			garbled := c.fails(MethodCreate, copyOf(c.scene, "garbled", c.env.Desktops.Succeeds), c.server.failure(code.Code_INTERNAL, "It can't be read"))
			garbled.Request = trace.NewBlob([]byte("\n\xff"))
			c.page(c.env.Folder, "", "two", append(others[:2:2], one.image)...)
			c.page(c.env.Folder, "two", "", others[2], one.image)
		}), Fail},
		{"IMG-14", "listed-in-other-folder", listing(func(c *client, one *life, _ images) { c.page("another folder", "", "", one.image) }), Fail},
		{"IMG-14", "not at all", listing(lacking), Fail},
		{"IMG-14", "not at all, by a filter", listing(func(c *client, _ *life, others images) {
			c.ok(MethodListImage, &clouddesktop.ListDesktopImagesRequest{FolderId: c.env.Folder, Filter: `name="other 1"`},
				&clouddesktop.ListDesktopImagesResponse{DesktopImages: others[:1]})
		}), NotExercised},
		{"IMG-14", "not on the first page", listing(func(c *client, _ *life, others images) { c.page(c.env.Folder, "", "two", others...) }), NotExercised},
		{"IMG-14", "deleted", listing(deleted(false)), Pass},
		{"IMG-14", "deleted by a call that is under way", listing(deleted(true)), Pass},
		{"IMG-14", "late where reads may be", eventually(listing(lacking)), NotExercised},
		{"IMG-14", "late for too long", eventually(listing(func(c *client, one *life, others images) {
			c.wait(6 * time.Second)
			lacking(c, one, others)
		})), Fail},
	})
}

func TestWalksAreBounded(t *testing.T) {
	s := newScene(t)
	c := s.client("first", overGRPC)
	d := newDecoder()
	var w walks
	page := func(folder, token, next string) *walk {
		c.page(folder, token, next, &clouddesktop.DesktopImage{Id: folder + token})
		return w.page(d.see(s.events[len(s.events)-1]))
	}
	for i := range 10 * maxWalks {
		page(fmt.Sprint("folder ", i), "", "next")
	}
	if len(w.open) > maxWalks || len(w.order) > maxWalks {
		t.Errorf("%d walks are open and %d ordered, want at most %d", len(w.open), len(w.order), maxWalks)
	}
	if page("folder 0", "next", "") != nil {
		t.Error("the oldest walk goes on, want it forgotten")
	}
	got := page(fmt.Sprint("folder ", 10*maxWalks-1), "next", "")
	if got == nil || got.pages != 2 || len(got.images) != 2 {
		t.Errorf("the latest walk is %+v, want one of two pages", got)
	}
	if page("folder 1", "of nobody", "") != nil {
		t.Error("a page in the middle is a walk, want none")
	}
}

func TestWritesAreBounded(t *testing.T) {
	create := func(at time.Duration, done *Seen) *Seen {
		return &Seen{Event: &trace.Event{Called: at, Returned: at + time.Millisecond, Outcome: optestv1.Event_OK}, Method: &Method{Starts: true}, Op: &Op{Done: done}}
	}
	done := &Seen{Event: &trace.Event{Returned: time.Second}}
	var w writes
	for range maxWrites {
		w.note(create(0, done))
	}
	w.note(create(time.Hour, nil))
	if len(w.calls) != 1 || w.during(2*time.Second, time.Minute) || !w.during(time.Hour, 2*time.Hour) {
		t.Errorf("%d writes are kept, want the one that is not over", len(w.calls))
	}
	for range maxWrites {
		w.note(create(time.Hour, nil))
	}
	if len(w.calls) > maxWrites || !w.during(2*time.Second, time.Minute) {
		t.Errorf("of %d writes none may be going on, want some: there were too many to keep", len(w.calls))
	}
}
