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

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// sent makes a create as changed, which the server answers as told.
func sent(ask func(*clouddesktop.CopyFromDesktopRequest), answer func(c *client, r *clouddesktop.CopyFromDesktopRequest)) func(*scene) {
	return func(s *scene) {
		c := s.client("first", overREST)
		r := copyOf(s, "an image", s.env.Desktops.Succeeds)
		ask(r)
		answer(c, r)
	}
}

// Answers to a create.

func accepts(c *client, r *clouddesktop.CopyFromDesktopRequest) {
	c.begins(MethodCreate, r, time.Nanosecond)
}

func fails(n code.Code) func(*client, *clouddesktop.CopyFromDesktopRequest) {
	return func(c *client, r *clouddesktop.CopyFromDesktopRequest) {
		c.fails(MethodCreate, r, c.server.failure(n, "It can't be"))
	}
}

func refusesFor(field string) func(*client, *clouddesktop.CopyFromDesktopRequest) {
	return func(c *client, r *clouddesktop.CopyFromDesktopRequest) {
		c.fails(MethodCreate, r, c.server.illegal(field, "is illegal"))
	}
}

// ends has the create be answered with an operation that is done with the code.
func endsWith(n code.Code) func(*client, *clouddesktop.CopyFromDesktopRequest) {
	return func(c *client, r *clouddesktop.CopyFromDesktopRequest) {
		l := c.server.make(MethodCreate, r, time.Nanosecond)
		l.failing(n, "It can't be")
		l.ends()
		l.answers(c)
	}
}

// ofAProxy answers with a page of somebody between.
func ofAProxy(n code.Code) func(*client, *clouddesktop.CopyFromDesktopRequest) {
	return func(c *client, r *clouddesktop.CopyFromDesktopRequest) {
		e := c.fails(MethodCreate, r, c.server.failure(n, "Bad gateway"))
		e.ResponseCodec = optestv1.Event_FOREIGN
	}
}

func unchanged(*clouddesktop.CopyFromDesktopRequest) {}

func TestRequired(t *testing.T) {
	without := func(r *clouddesktop.CopyFromDesktopRequest) { r.DesktopId = "" }
	more := func(r *clouddesktop.CopyFromDesktopRequest) { r.DesktopId, r.Name = "", strings.Repeat("n", 51) }
	noName := func(r *clouddesktop.CopyFromDesktopRequest) { r.Name = "" }
	perform(t, []play{
		{"REQ-01", "refused", sent(without, refusesFor("desktop_id")), Pass},
		{"REQ-01", "required-ignored", sent(without, accepts), Fail},
		{"REQ-01", "async-validation", sent(without, endsWith(code.Code_INVALID_ARGUMENT)), Fail},
		{"REQ-01", "rest-500-for-400", sent(without, fails(code.Code_INTERNAL)), Fail},
		{"REQ-01", "NOT_FOUND", sent(without, fails(code.Code_NOT_FOUND)), Fail},
		{"REQ-01", "there", sent(unchanged, accepts), NotExercised},
		{"REQ-01", "unavailable", sent(without, fails(code.Code_UNAVAILABLE)), NotExercised},
		{"REQ-01", "no token", sent(without, fails(code.Code_UNAUTHENTICATED)), NotExercised},
		{"REQ-01", "the page of a proxy", sent(without, ofAProxy(code.Code_INTERNAL)), NotExercised},
		{"REQ-01", "refused for something else as well", sent(more, refusesFor("name")), NotExercised},

		{"REQ-06", "without a name", sent(noName, accepts), Pass},
		{"REQ-06", "over-strict-name", sent(noName, refusesFor("name")), Warned},
		{"REQ-06", "in JSON's spelling", sent(func(r *clouddesktop.CopyFromDesktopRequest) { r.FolderId = "" }, refusesFor("folderId")), Warned},
		{"REQ-06", "refused for something else", sent(noName, refusesFor("desktop_id")), Pass},
		{"REQ-06", "refused without a word", sent(noName, fails(code.Code_INVALID_ARGUMENT)), NotExercised},
		{"REQ-06", "there", sent(unchanged, refusesFor("name")), NotExercised},

		{"REQ-07", "refused", sent(without, refusesFor("desktop_id")), Pass},
		{"REQ-07", "async-validation", sent(without, endsWith(code.Code_INVALID_ARGUMENT)), Warned},
		{"REQ-07", "a failure of another kind", sent(without, endsWith(code.Code_ABORTED)), NotExercised},
		{"REQ-07", "what no limit forbids", sent(unchanged, endsWith(code.Code_INVALID_ARGUMENT)), NotExercised},

		{"REQ-08", "named", sent(without, refusesFor("desktop_id")), Pass},
		{"REQ-08", "in JSON's spelling", sent(without, refusesFor("desktopId")), Pass},
		{"REQ-08", "with a path", sent(without, refusesFor("request.desktop_id")), Pass},
		{"REQ-08", "one of two", sent(more, refusesFor("name")), Pass},
		{"REQ-08", "no-details", sent(without, fails(code.Code_INVALID_ARGUMENT)), Warned},
		{"REQ-08", "names-wrong-field", sent(without, refusesFor("request")), Warned},
		{"REQ-08", "refused for what no limit forbids", sent(unchanged, fails(code.Code_INVALID_ARGUMENT)), NotExercised},
		{"REQ-08", "of a read", func(s *scene) {
			s.client("first", overGRPC).fails(MethodGet, &operation.GetOperationRequest{}, s.server.illegal("operation_id", "required"))
		}, Pass},
	})
}

func TestLengths(t *testing.T) {
	name := func(text string) func(*clouddesktop.CopyFromDesktopRequest) {
		return func(r *clouddesktop.CopyFromDesktopRequest) { r.Name = text }
	}
	folder := func(text string) func(*clouddesktop.CopyFromDesktopRequest) {
		return func(r *clouddesktop.CopyFromDesktopRequest) { r.FolderId = text }
	}
	desktop := func(text string) func(*clouddesktop.CopyFromDesktopRequest) {
		return func(r *clouddesktop.CopyFromDesktopRequest) { r.DesktopId = text }
	}
	described := func(n int) func(*clouddesktop.CopyFromDesktopRequest) {
		return func(r *clouddesktop.CopyFromDesktopRequest) { r.Description = strings.Repeat("é", n) }
	}
	var plays []play
	for _, char := range []string{"x", "é", "語", "😀"} {
		fits, long := strings.Repeat(char, 50), strings.Repeat(char, 51)
		plays = append(plays,
			play{"REQ-03", "50 of " + char, sent(name(fits), accepts), Pass},
			play{"REQ-03", "50 of " + char + " refused", sent(name(fits), refusesFor("name")), Fail},
			play{"REQ-03", "51 of " + char, sent(name(long), refusesFor("name")), Pass},
			play{"REQ-03", "51 of " + char + " accepted", sent(name(long), accepts), Fail},
			play{"REQ-03", "51 of " + char + " in folder_id", sent(folder(long), fails(code.Code_NOT_FOUND)), Fail},
		)
	}
	perform(t, append(plays, []play{
		{"REQ-03", "limit-49", sent(name(strings.Repeat("n", 50)), refusesFor("name")), Fail},
		{"REQ-03", "limit-in-bytes", sent(name(strings.Repeat("é", 26)), refusesFor("name")), Fail},
		{"REQ-03", "limit-in-utf16", sent(name(strings.Repeat("😀", 26)), refusesFor("name")), Fail},
		{"REQ-03", "limit-ignored", sent(desktop(strings.Repeat("d", 51)), fails(code.Code_NOT_FOUND)), Fail},
		{"REQ-03", "an unknown folder", sent(folder(strings.Repeat("f", 50)), fails(code.Code_NOT_FOUND)), Pass},
		{"REQ-03", "a folder of others", sent(folder(strings.Repeat("f", 51)), fails(code.Code_PERMISSION_DENIED)), NotExercised},
		{"REQ-03", "refused for another field", sent(name(strings.Repeat("n", 50)), refusesFor("desktop_id")), Pass},
		{"REQ-03", "refused without a word", sent(name(strings.Repeat("n", 50)), fails(code.Code_INVALID_ARGUMENT)), NotExercised},
		{"REQ-03", "a short name that is not liked", sent(name("bad name"), refusesFor("name")), NotExercised},
		{"REQ-03", "letters with marks", sent(name(strings.Repeat("e\u0301", 26)), refusesFor("name")), NotExercised},
		{"REQ-03", "two fields too long", sent(func(r *clouddesktop.CopyFromDesktopRequest) {
			r.Name, r.FolderId = strings.Repeat("n", 51), strings.Repeat("f", 51)
		}, refusesFor("name")), NotExercised},
		{"REQ-03", "async-validation", sent(name(strings.Repeat("n", 51)), endsWith(code.Code_INVALID_ARGUMENT)), Fail},

		{"REQ-05", "1024", sent(described(1024), accepts), Pass},
		{"REQ-05", "1024 refused", sent(described(1024), refusesFor("description")), Fail},
		{"REQ-05", "1025", sent(described(1025), refusesFor("description")), Pass},
		{"REQ-05", "desc-limit-ignored", sent(described(1025), accepts), Fail},
		{"REQ-05", "of the seed", func(s *scene) { s.env.Contract = Seed; sent(described(1025), accepts)(s) }, NotApplicable},
	}...))
}

func TestLabels(t *testing.T) {
	labels := func(m map[string]string) func(*clouddesktop.CopyFromDesktopRequest) {
		return func(r *clouddesktop.CopyFromDesktopRequest) { r.Labels = m }
	}
	many := func(n int) map[string]string {
		m := map[string]string{}
		for i := range n {
			m[fmt.Sprint("k", i)] = "v"
		}
		return m
	}
	var plays []play
	for name, m := range map[string]map[string]string{
		"65": many(65), "empty key": {"": "v"}, "capital": {"A": "v"}, "capital inside": {"aB": "v"}, "64 characters": {strings.Repeat("k", 64): "v"},
		"long value": {"k": strings.Repeat("v", 64)}, "capital value": {"k": "V"}, "a line feed": {"k\n": "v"}, "digit first": {"1": "v"},
	} {
		plays = append(plays,
			play{"REQ-04", name + " refused", sent(labels(m), refusesFor("labels")), Pass},
			play{"REQ-04", name + " accepted", sent(labels(m), accepts), Fail},
		)
	}
	for name, m := range map[string]map[string]string{
		"64": many(64), "empty value": {"k": ""}, "63 characters": {strings.Repeat("k", 63): "v"}, "value of 63": {"k": strings.Repeat("v", 63)},
	} {
		plays = append(plays,
			play{"REQ-04", name + " accepted", sent(labels(m), accepts), Pass},
			play{"REQ-04", name + " refused", sent(labels(m), refusesFor("labels[k]")), Fail},
		)
	}
	perform(t, plays)
}

func TestWhatDoesNotExist(t *testing.T) {
	c := func(s *scene) *client { return s.client("first", overGRPC) }
	get := func(id string) *operation.GetOperationRequest {
		return &operation.GetOperationRequest{OperationId: id}
	}
	empty := func(st func(s *scene) *status.Status) func(*scene) {
		return func(s *scene) { c(s).fails(MethodGet, get(""), st(s)) }
	}
	// strange has a read be answered with an operation that nobody has started, at
	// the time after the start of one that somebody has.
	strange := func(at time.Duration, before func(s *scene)) func(*scene) {
		return func(s *scene) {
			before(s)
			s.wait(time.Second)
			c(s).begins(MethodCreate, copyOf(s, "one", s.env.Desktops.Succeeds), time.Nanosecond)
			other := s.server.make(MethodCreate, copyOf(s, "other", s.env.Desktops.Succeeds), time.Nanosecond)
			other.op.CreatedAt = stamp(s.now+at, time.Nanosecond)
			c(s).reads(other)
		}
	}
	nothing := func(*scene) {}
	absent := func(answer func(c *client, r *clouddesktop.CopyFromDesktopRequest)) func(*scene) {
		return func(s *scene) {
			sent(func(r *clouddesktop.CopyFromDesktopRequest) { r.DesktopId = s.env.Desktops.Absent }, answer)(s)
		}
	}
	perform(t, []play{
		{"REQ-09", "no id", empty(func(s *scene) *status.Status { return s.server.illegal("operation_id", "required") }), Pass},
		{"REQ-09", "required-ignored", empty(func(s *scene) *status.Status { return s.server.missing("Operation", "") }), Fail},
		{"REQ-09", "no id and no answer", empty(func(s *scene) *status.Status { return s.server.failure(code.Code_UNAVAILABLE, "Later") }), NotExercised},
		{"REQ-09", "unknown", func(s *scene) { c(s).fails(MethodGet, get("nobody's"), s.server.missing("Operation", "nobody's")) }, Pass},
		{"REQ-09", "unknown and forbidden", func(s *scene) {
			c(s).fails(MethodGet, get("nobody's"), s.server.failure(code.Code_PERMISSION_DENIED, "Permission denied"))
		}, Pass},
		{"REQ-09", "unknown-is-created", strange(time.Second, nothing), Fail},
		{"REQ-09", "from before the run", strange(-time.Hour, nothing), NotExercised},
		{"REQ-09", "where others may start some", strange(time.Second, func(s *scene) { s.env.World = false }), NotExercised},
		{"REQ-09", "of an answer that can't be read", strange(time.Second, func(s *scene) {
			accepts(c(s), copyOf(s, "unreadable", s.env.Desktops.Succeeds))
			s.events[0].Response = nil
		}), NotExercised},
		{"REQ-09", "its start is under way", func(s *scene) {
			l := c(s).begins(MethodCreate, copyOf(s, "one", s.env.Desktops.Succeeds), time.Nanosecond)
			longUnderWay(s.events[0])
			accepts(c(s), copyOf(s, "other", s.env.Desktops.Succeeds))
			l.op.CreatedAt = stamp(s.now+time.Second, time.Nanosecond)
			c(s).reads(l)
		}, NotExercised},
		{"REQ-09", "somebody else's", func(s *scene) {
			strange(time.Second, nothing)(s)
			s.env.Foreign = fmt.Sprintf("fv4%017d", s.server.made)
		}, NotExercised},

		{"REQ-10", "NOT_FOUND", absent(fails(code.Code_NOT_FOUND)), Pass},
		{"REQ-10", "a failure", absent(endsWith(code.Code_NOT_FOUND)), Pass},
		{"REQ-10", "unknown-desktop-succeeds", absent(func(c *client, r *clouddesktop.CopyFromDesktopRequest) {
			l := c.begins(MethodCreate, r, time.Nanosecond)
			l.succeeds()
			c.reads(l)
		}), Fail},
		{"REQ-10", "in progress", absent(accepts), NotExercised},
		{"REQ-10", "unavailable", absent(fails(code.Code_UNAVAILABLE)), NotExercised},
		{"REQ-10", "of no known desktop", func(s *scene) {
			s.env.Desktops.Absent = ""
			sent(unchanged, fails(code.Code_NOT_FOUND))(s)
		}, NotExercised},
	})
}
