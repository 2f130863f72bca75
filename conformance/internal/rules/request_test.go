package rules

import (
	"fmt"
	"strings"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// healthyRequests are requests that a server refuses, and odd ones that it has to
// take.
func healthyRequests(s *scene) {
	reader := s.client("second", overGRPC)
	for _, w := range wires {
		c := s.client("first", w)
		reader.lists(s.env.Folder, 100)
		c.fails(MethodCreate, copyOf(s, "no desktop", ""), s.server.illegal("desktop_id", "required"))
		absent := s.server.missing("Desktop", s.env.Desktops.Absent)
		absent.Message = "Desktop „desk-absent“ is 100% unknown"
		c.fails(MethodCreate, copyOf(s, "unknown desktop", s.env.Desktops.Absent), absent)
		reader.lists(s.env.Folder, 100)
		c.fails(MethodGet, &operation.GetOperationRequest{OperationId: "fv4-of-nobody"}, s.server.missing("Operation", "fv4-of-nobody"))
		c.fails(MethodGet, &operation.GetOperationRequest{OperationId: "a/b"}, s.server.missing("Operation", "a/b"))
		if w != overREST { // which has no path for it
			c.fails(MethodGet, &operation.GetOperationRequest{}, s.server.illegal("operation_id", "required"))
		}
		c.fails(MethodGetImage, &clouddesktop.GetDesktopImageRequest{ImageId: "fdv-of-nobody"}, s.server.missing("DesktopImage", "fdv-of-nobody"))
		if w != overGRPC {
			continue
		}
		denied := &status.Status{Code: int32(code.Code_PERMISSION_DENIED), Message: "Permission denied"}
		c.fails(MethodGet, &operation.GetOperationRequest{OperationId: s.env.Foreign}, denied)
		c.fails(MethodCancel, &operation.CancelOperationRequest{OperationId: s.env.Foreign}, denied)
		unknown := &status.Status{Code: int32(code.Code_UNAUTHENTICATED), Message: "The token is missing"}
		c.fails(MethodGet, &operation.GetOperationRequest{OperationId: "fv4-of-nobody"}, unknown, anonymous)
		c.fails(MethodCreate, copyOf(s, "nobody's", s.env.Desktops.Succeeds), unknown, anonymous)
	}

	c := s.client("first", overGRPC)
	for _, tail := range [][]byte{
		protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "folder of old"),
		protowire.AppendString(protowire.AppendTag(nil, 2, protowire.BytesType), "name of old"),
		protowire.AppendString(protowire.AppendTag(nil, 99, protowire.BytesType), "of a newer client"),
	} {
		l := c.begins(MethodCreate, copyOf(s, "tags of other versions", s.env.Desktops.Succeeds), time.Nanosecond)
		e := s.events[len(s.events)-1]
		e.Request = trace.NewBlob(append(append([]byte{}, e.Request.Bytes()...), tail...))
		s.wait(time.Second)
		l.succeeds()
		c.reads(l)
		c.looksAt(l.image.GetId())
	}
	garbled := c.asks(MethodCreate, copyOf(s, "garbled", s.env.Desktops.Succeeds), nil)
	garbled.Request = trace.NewBlob([]byte(strings.Replace(string(garbled.Request.Bytes()), "garbled", "garb\xffed", 1)))
	c.refuse(garbled, &status.Status{Code: int32(code.Code_INVALID_ARGUMENT), Message: "The request is no protobuf message"})
	c.ends(garbled)
	reader.lists(s.env.Folder, 100)

	rest := s.client("first", overREST)
	l := rest.begins(MethodCreate, copyOf(s, "verbs", s.env.Desktops.Succeeds), time.Nanosecond)
	for _, odd := range []struct{ method, request string }{
		{MethodGet, "HEAD /operations/" + l.op.GetId()},
		{MethodCancel, "HEAD /operations/" + l.op.GetId() + ":cancel"},
		{MethodCancel, "OPTIONS /operations/" + l.op.GetId() + ":cancel"},
		{MethodCancel, "POST /operations/" + l.op.GetId() + ":cancel"},
	} {
		e := rest.asks(odd.method, &operation.GetOperationRequest{OperationId: l.op.GetId()}, nil)
		e.HTTPRequest, e.HTTPStatus = odd.request, 405
		e.Outcome, e.ResponseCodec, e.Response = optestv1.Event_FAILED, optestv1.Event_FOREIGN, trace.NewBlob(nil)
		e.Failure = &trace.Failure{Code: code.Code_UNKNOWN, Message: "HTTP 405 without a google.rpc.Status"}
		e.ResponseHeader = sortedFields(map[string]string{"allow": "GET", "content-length": "0"})
		rest.ends(e)
		rest.reads(l)
	}
	s.wait(time.Second)
	l.succeeds()
	rest.reads(l)
}

// healthyLengths are requests at the limits and a character beyond, of characters
// of one, two and four bytes.
func healthyLengths(s *scene) {
	c, reader := s.client("first", overGRPC), s.client("second", overConnectJSON)
	set := map[string]func(*clouddesktop.CopyFromDesktopRequest, string){
		"folder_id":  func(r *clouddesktop.CopyFromDesktopRequest, v string) { r.FolderId = v },
		"name":       func(r *clouddesktop.CopyFromDesktopRequest, v string) { r.Name = v },
		"desktop_id": func(r *clouddesktop.CopyFromDesktopRequest, v string) { r.DesktopId = v },
	}
	tooLong := func(field string) *status.Status { return s.server.illegal(field, "longer than 50 characters") }
	finish := func(l *life) {
		s.wait(time.Second)
		l.succeeds()
		c.reads(l)
		c.looksAt(l.image.GetId())
	}
	for _, letter := range []string{"x", "é", "😀"} {
		for _, field := range []string{"folder_id", "name", "desktop_id"} {
			ok, long := copyOf(s, "length", s.env.Desktops.Succeeds), copyOf(s, "length", s.env.Desktops.Succeeds)
			set[field](ok, strings.Repeat(letter, 50))
			set[field](long, strings.Repeat(letter, 51))
			switch field {
			case "name":
				finish(c.begins(MethodCreate, ok, time.Nanosecond))
			case "folder_id":
				c.fails(MethodCreate, ok, s.server.missing("Folder", ok.GetFolderId()))
			case "desktop_id":
				c.fails(MethodCreate, ok, s.server.missing("Desktop", ok.GetDesktopId()))
			}
			c.fails(MethodCreate, long, tooLong(field))
		}
	}
	ok, long := copyOf(s, "description", s.env.Desktops.Succeeds), copyOf(s, "description", s.env.Desktops.Succeeds)
	ok.Description, long.Description = strings.Repeat("é", 1024), strings.Repeat("é", 1025)
	finish(c.begins(MethodCreate, ok, time.Nanosecond))
	c.fails(MethodCreate, long, s.server.illegal("description", "longer than 1024 characters"))
	many := func(n int) map[string]string {
		labels := map[string]string{}
		for i := range n {
			labels[fmt.Sprintf("k%d", i)] = "v"
		}
		return labels
	}
	for _, labels := range []map[string]string{many(65), {"": "v"}, {"A": "v"}, {strings.Repeat("k", 64): "v"}, {"k": strings.Repeat("v", 64)}, {"k": "V"}} {
		r := copyOf(s, "labels", s.env.Desktops.Succeeds)
		r.Labels = labels
		c.fails(MethodCreate, r, s.server.illegal("labels", "not as documented"))
	}
	for _, labels := range []map[string]string{many(64), {"k": ""}, {strings.Repeat("k", 63): strings.Repeat("v", 63)}} {
		r := copyOf(s, "labels", s.env.Desktops.Succeeds)
		r.Labels = labels
		finish(c.begins(MethodCreate, r, time.Nanosecond))
	}
	for _, r := range []*clouddesktop.CopyFromDesktopRequest{copyOf(s, "", s.env.Desktops.Succeeds), copyOf(s, "no folder", s.env.Desktops.Succeeds)} {
		if r.GetName() != "" {
			r.FolderId = ""
		}
		finish(c.begins(MethodCreate, r, time.Nanosecond))
	}
	reader.lists(s.env.Folder, 100)
}

// healthyKeys are idempotent requests and repeated ones without a key.
func healthyKeys(s *scene) {
	c, other := s.client("first", overGRPC), s.client("second", overREST)
	request := copyOf(s, "idempotent", s.env.Desktops.Succeeds)
	finish := func(l *life) {
		s.wait(time.Second)
		l.succeeds()
		c.reads(l)
	}
	uuid := func(n int) trace.Field { return key(fmt.Sprintf("00000000-0000-4000-8000-%012d", n)) }

	for i, w := range wires {
		c := s.client("first", w)
		l := c.begins(MethodCreate, request, time.Nanosecond, uuid(i))
		l.answers(c, uuid(i))
		s.wait(time.Second)
		c.reads(l)
		l.answers(other, uuid(i))
		finish(l)
		l.answers(c, uuid(i))
		c.reads(l)
	}
	l := s.server.make(MethodCreate, request, time.Nanosecond)
	s.together(func() {
		for i := range 16 {
			l.answers(s.client(fmt.Sprint("racer-", i), wires[i%len(wires)]), uuid(10))
		}
	})
	finish(l)
	finish(c.begins(MethodCreate, request, time.Nanosecond, uuid(11)))
	finish(c.begins(MethodCreate, request, time.Nanosecond, uuid(12)))
	finish(c.begins(MethodCreate, request, time.Nanosecond))
	finish(c.begins(MethodCreate, request, time.Nanosecond))

	l = c.begins(MethodCreate, request, time.Nanosecond, uuid(13))
	changed := proto.CloneOf(request)
	changed.Name = "another body"
	c.ok(MethodCreate, changed, l.op, uuid(13))
	finish(l)
	c.fails(MethodDelete, &clouddesktop.DeleteDesktopImageRequest{ImageId: "fdv-of-nobody"}, s.server.missing("DesktopImage", "fdv-of-nobody"), uuid(13))
	c.fails(MethodCreate, copyOf(s, "burnt key", ""), s.server.illegal("desktop_id", "required"), uuid(14))
	finish(c.begins(MethodCreate, copyOf(s, "burnt key", s.env.Desktops.Succeeds), time.Nanosecond, uuid(14)))
	c.fails(MethodCreate, request, s.server.illegal("idempotency-key", "no UUID"), key("not a UUID"))
	deleted := c.begins(MethodDelete, &clouddesktop.DeleteDesktopImageRequest{ImageId: l.image.GetId()}, time.Nanosecond, uuid(15))
	finish(deleted)
	finish(c.begins(MethodCreate, request, time.Nanosecond, uuid(15)))
}

// healthyProtocols read the same done operations and images over all protocols.
func healthyProtocols(s *scene) {
	creator := s.client("first", overConnect)
	good := creator.begins(MethodCreate, copyOf(s, "over all protocols", s.env.Desktops.Succeeds), time.Nanosecond)
	bad := creator.begins(MethodCreate, copyOf(s, "over all protocols", s.env.Desktops.Fails), time.Millisecond)
	for _, w := range wires {
		s.client("second", w).reads(good)
	}
	s.wait(time.Second)
	good.succeeds()
	bad.failing(code.Code_NOT_FOUND, "Desktop „Ä“ is gone")
	bad.ends()
	for _, w := range wires {
		c := s.client("second", w)
		c.reads(good)
		c.reads(bad)
		c.looksAt(good.image.GetId())
		c.looksAt(bad.image.GetId())
		c.lists(s.env.Folder, 100)
	}
}
