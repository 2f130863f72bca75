package rules

import (
	"strings"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/optest-dev/optest/trace"
)

// invented is an operation that the tape knows nothing of: like the youngest one
// of it, and younger.
func invented(t *Tape, id string) *operation.Operation {
	m := &operation.Operation{CreatedBy: "somebody"}
	for _, i := range t.Where(func(s *Seen) bool { return s.Answer != nil && creates(s) }) {
		if a := t.At(i).Answer; a.GetCreatedAt().IsValid() && !a.GetCreatedAt().AsTime().Before(m.GetCreatedAt().AsTime()) {
			m = proto.CloneOf(a.Operation)
		}
	}
	m.Id, m.Done, m.Result = id, false, nil
	m.CreatedAt = timestamppb.New(m.GetCreatedAt().AsTime().Add(time.Second))
	m.ModifiedAt = m.GetCreatedAt()
	setImageID(m, "image-of-"+id)
	return m
}

const inventedID = "operation-that-was-made-up"

// takes has an event be answered with a new operation.
func takes(t *Tape, i int) bool { return t.accept(i, invented(t, inventedID)) }

// bad is a refusal that names a field.
func bad(field string) trace.Failure {
	f := trace.Failure{Code: code.Code_INVALID_ARGUMENT, Message: "Illegal argument " + field}
	detail, err := anypb.New(&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: field, Description: "is illegal"}}})
	if err == nil {
		// Neither message has anything that can't be encoded.
		f.Details, _ = proto.Marshal(&status.Status{Code: int32(f.Code), Message: f.Message, Details: []*anypb.Any{detail}})
	}
	return f
}

// refusedFor reports whether a start was refused for the fields alone that the
// function holds for. It had no key, by which it may repeat another.
func refusedFor(is func(excess) bool) func(*Seen) bool {
	return func(s *Seen) bool {
		if !s.Starts() || !refused(s) || s.Request == nil || !keyless(s) {
			return false
		}
		found := excesses(s.Request)
		for _, e := range found {
			if !is(e) {
				return false
			}
		}
		return len(found) > 0
	}
}

// asks has an accepted create ask for what should be refused. It has no key, by
// which it may repeat another.
func asks(edit func(*clouddesktop.CopyFromDesktopRequest)) Corruption {
	return change(func(s *Seen) bool { return s.Is(MethodCreate) && started(s) && s.Request != nil && keyless(s) }, func(t *Tape, i int) bool {
		return asksAt(t, i, edit)
	})
}

func asksAt(t *Tape, i int, edit func(*clouddesktop.CopyFromDesktopRequest)) bool {
	request, ok := t.At(i).Request.(*clouddesktop.CopyFromDesktopRequest)
	if !ok {
		return false
	}
	request = proto.CloneOf(request)
	edit(request)
	return t.Ask(i, request)
}

// refuses has a start be refused for the first field that fits just so.
func refuses(is func(protoreflect.FieldDescriptor) bool) Corruption {
	fits := func(s *Seen) protoreflect.Name {
		if !s.Starts() || s.Request == nil || !s.OK() {
			return ""
		}
		r := s.Request.ProtoReflect()
		for _, l := range limitsOf(r.Descriptor()) {
			if l.length.set && l.field.Kind() == protoreflect.StringKind && is(l.field) {
				if text := r.Get(l.field).String(); len([]rune(text)) == l.length.most && !marked(text) {
					return l.field.Name()
				}
			}
		}
		return ""
	}
	return change(func(s *Seen) bool { return fits(s) != "" }, func(t *Tape, i int) bool {
		t.Fail(i, bad(string(fits(t.At(i)))))
		return true
	})
}

func isDescription(f protoreflect.FieldDescriptor) bool { return f.Name() == "description" }

func isShortText(f protoreflect.FieldDescriptor) bool { return !isDescription(f) }

var (
	corruptRequired = either(
		change(refusedFor(func(e excess) bool { return e.what == "required" }), takes),
		asks(func(r *clouddesktop.CopyFromDesktopRequest) { r.DesktopId = "" }),
	)
	corruptLength = either(
		change(refusedFor(func(e excess) bool { return e.what == "length" && isShortText(e.field) && !e.field.IsMap() }), takes),
		asks(func(r *clouddesktop.CopyFromDesktopRequest) { r.Name = strings.Repeat("é", 51) }),
		refuses(isShortText),
	)
	corruptDescription = either(
		change(refusedFor(func(e excess) bool { return e.what == "length" && isDescription(e.field) }), takes),
		asks(func(r *clouddesktop.CopyFromDesktopRequest) { r.Description = strings.Repeat("é", 1025) }),
		refuses(isDescription),
	)
	corruptLabels = either(
		change(refusedFor(func(e excess) bool { return e.field.IsMap() }), takes),
		asks(func(r *clouddesktop.CopyFromDesktopRequest) { r.Labels = map[string]string{"Upper": "case"} }),
	)
	corruptOptional = change(func(s *Seen) bool { return s.Is(MethodCreate) && started(s) && s.Request != nil }, func(t *Tape, i int) bool {
		t.Fail(i, bad("name"))
		return asksAt(t, i, func(r *clouddesktop.CopyFromDesktopRequest) { r.Name = "" })
	})
	corruptSynchronous = change(func(s *Seen) bool { return creates(s) && refusedFor(func(excess) bool { return true })(s) }, func(t *Tape, i int) bool {
		m := invented(t, inventedID)
		m.Done = true
		m.Result = &operation.Operation_Error{Error: &status.Status{Code: int32(code.Code_INVALID_ARGUMENT), Message: "Illegal argument"}}
		return t.accept(i, m)
	})
	corruptDetails = change(func(s *Seen) bool { return refused(s) && s.Request != nil && len(excesses(s.Request)) > 0 }, func(t *Tape, i int) bool {
		f := bad("request")
		if t.At(i).Number%2 == 0 {
			f.Details = nil
		}
		t.Fail(i, f)
		return true
	})
	corruptUnknown = change(func(s *Seen) bool {
		r, ok := s.Request.(*operation.GetOperationRequest)
		empty := ok && r.GetOperationId() == "" && refused(s)
		return s.Is(MethodGet) && ok && s.Failed() && (empty || s.Code() == code.Code_NOT_FOUND)
	}, func(t *Tape, i int) bool {
		id := operationOf(t.At(i))
		known := t.Where(func(s *Seen) bool { return s.Answer != nil && operationOf(s) == id })
		empty := id == ""
		if empty {
			id = inventedID
		}
		return (empty || t.Env.World && id != t.Env.Foreign && len(known) == 0) && t.accept(i, invented(t, id))
	})
	corruptText = either(
		change(func(s *Seen) bool {
			return s.Starts() && s.RequestErr != nil && s.Failed() && garbledField(s.Method.Desc.Input(), sentTags(s)) != ""
		}, takes),
		change(func(s *Seen) bool { return s.Is(MethodCreate) && started(s) && sentTags(s) != nil }, func(t *Tape, i int) bool {
			t.Change(i, func(e *trace.Event) {
				tail := protowire.AppendString(protowire.AppendTag(nil, 4, protowire.BytesType), "na\xffme")
				e.Request = trace.NewBlob(append(append([]byte{}, e.Request.Bytes()...), tail...))
			})
			return true
		}),
	)
)

// corruptAbsent has a copy of a desktop that does not exist succeed.
func corruptAbsent() Corruption {
	succeeds := func(t *Tape, i int) bool {
		m := invented(t, inventedID)
		m.Done = true
		packed, err := anypb.New(&clouddesktop.DesktopImage{Id: "image-of-" + inventedID, FolderId: t.Env.Folder, Status: clouddesktop.DesktopImage_ACTIVE})
		if err != nil {
			return false
		}
		m.Result = &operation.Operation_Response{Response: packed}
		return t.accept(i, m)
	}
	return change(func(s *Seen) bool { return s.Is(MethodCreate) && s.Request != nil && !s.Unsure() }, func(t *Tape, i int) bool {
		r, ok := t.At(i).Request.(*clouddesktop.CopyFromDesktopRequest)
		return ok && t.Env.Desktops.Absent != "" && r.GetDesktopId() == t.Env.Desktops.Absent && succeeds(t, i)
	})
}

var corruptAnonymous = either(
	change(func(s *Seen) bool {
		return s.Failed() && guarded(s) && s.Method != nil && s.Method.Desc.Output().FullName() == "yandex.cloud.operation.Operation" &&
			(s.Code() == code.Code_UNAUTHENTICATED || s.Code() == code.Code_PERMISSION_DENIED)
	}, func(t *Tape, i int) bool {
		s := t.At(i)
		_, token := s.RequestHeader.Get("authorization")
		id := operationOf(s)
		if token && (id == "" || id != t.Env.Foreign) {
			return false
		}
		if id == "" {
			id = inventedID
		}
		return t.accept(i, invented(t, id))
	}),
	change(func(s *Seen) bool { return s.OK() && guarded(s) && s.Response != nil }, func(t *Tape, i int) bool {
		others := t.Where(func(s *Seen) bool {
			_, token := s.RequestHeader.Get("authorization")
			return token && guarded(s) && s != t.At(i)
		})
		t.Change(i, func(e *trace.Event) {
			var left trace.Fields
			for _, f := range e.RequestHeader {
				if f.Name != "authorization" {
					left = append(left, f)
				}
			}
			e.RequestHeader = left
		})
		return t.Env.Auth && len(others) > 0
	}),
)
