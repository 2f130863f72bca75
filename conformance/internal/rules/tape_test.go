package rules

import (
	"strings"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// healthy is what the driver would have recorded of a server that keeps the whole
// contract: every rule that calls can exercise should find in it what it is about,
// and nothing to object to.
func healthy(t testing.TB) (*Env, []*trace.Event) {
	t.Helper()
	s := newScene(t)
	for _, part := range []func(*scene){
		healthySuccess, healthyFailures, healthyCancels, healthyImages, healthyRequests, healthyLengths, healthyKeys, healthyProtocols, healthyOddities,
	} {
		part(s)
		s.wait(time.Second)
	}
	return s.env, s.events
}

// copyOf is a request to copy an image from a desktop.
func copyOf(s *scene, name, desktop string) *clouddesktop.CopyFromDesktopRequest {
	return &clouddesktop.CopyFromDesktopRequest{
		FolderId: s.env.Folder, Name: name, DesktopId: desktop,
		Labels: map[string]string{"run": "optest", "empty": ""}, Description: "Made by a test",
	}
}

// healthySuccess creates over every protocol, and three readers poll, each at its
// own pace and some at once, until well after done. Two operations have stamps of
// whole seconds.
func healthySuccess(s *scene) {
	for i, w := range wires {
		unit := time.Nanosecond
		if i%2 == 1 {
			unit = time.Second
		}
		first, second, third := s.client("first", w), s.client("second", wires[(i+1)%len(wires)]), s.client("third", wires[(i+2)%len(wires)])
		one := first.begins(MethodCreate, copyOf(s, "image over "+w.String(), s.env.Desktops.Succeeds), unit)
		other := second.begins(MethodCreate, copyOf(s, "beside "+w.String(), s.env.Desktops.Succeeds), unit)
		for range 2 {
			s.wait(700 * time.Millisecond)
			first.reads(one)
			second.reads(other)
			first.looksAt(one.image.GetId())
			s.together(func() { first.reads(one); second.reads(one); third.reads(one) })
			third.reads(other)
		}
		s.wait(1300 * time.Millisecond)
		one.succeeds()
		s.together(func() { second.reads(one); third.reads(one); first.reads(one) })
		first.reads(other)
		s.wait(1200 * time.Millisecond)
		other.succeeds()
		for range 2 {
			first.reads(one)
			second.reads(other)
			third.reads(one)
			third.reads(other)
			s.wait(400 * time.Millisecond)
		}
		second.looksAt(one.image.GetId())
		third.lists(s.env.Folder, 3)
	}
}

// healthyFailures are early errors with a long roll-back, an error at once and one
// in the first answer.
func healthyFailures(s *scene) {
	r1, r2, r3 := s.client("first", overGRPC), s.client("second", overConnectJSON), s.client("third", overREST)
	for i, c := range []code.Code{code.Code_RESOURCE_EXHAUSTED, code.Code_INTERNAL} {
		l := r1.begins(MethodCreate, copyOf(s, "late failure", s.env.Desktops.FailsLate), []time.Duration{time.Nanosecond, time.Second}[i])
		s.wait(1100 * time.Millisecond)
		r1.reads(l)
		r2.looksAt(l.image.GetId())
		s.wait(1100 * time.Millisecond)
		l.failing(c, "Image quota is exceeded")
		for range 2 {
			s.together(func() { r1.reads(l); r2.reads(l); r3.reads(l) })
			s.wait(20 * time.Second)
		}
		l.ends()
		for range 2 {
			s.together(func() { r1.reads(l); r2.reads(l); r3.reads(l) })
		}
		r2.looksAt(l.image.GetId())
		r3.lists(s.env.Folder, 5)
	}

	l := r3.begins(MethodCreate, copyOf(s, "failure", s.env.Desktops.Fails), time.Nanosecond)
	s.wait(2 * time.Second)
	r3.reads(l)
	l.failing(code.Code_FAILED_PRECONDITION, "Desktop is being deleted")
	l.ends()
	for range 3 {
		r1.reads(l)
		r2.reads(l)
	}
	r1.looksAt(l.image.GetId())
	r1.lists(s.env.Folder, 5)

	l = s.server.make(MethodCreate, copyOf(s, "failure in the first answer", s.env.Desktops.Fails), time.Nanosecond)
	l.failing(code.Code_RESOURCE_EXHAUSTED, "Image quota is exceeded")
	l.ends()
	l.answers(r2)
	r2.reads(l)
	r1.reads(l)
	r1.looksAt(l.image.GetId())
}

// healthyCancels are Cancels that are honoured, during a roll-back, too late,
// refused, twice, and that the success wins against.
func healthyCancels(s *scene) {
	r1, r2, r3 := s.client("first", overGRPC), s.client("second", overREST), s.client("third", overWeb)
	request := func(l *life) proto.Message { return &operation.CancelOperationRequest{OperationId: l.op.GetId()} }
	final := &status.Status{Code: int32(code.Code_FAILED_PRECONDITION), Message: "Operation is done"}

	for _, c := range []*client{r1, r2, r3} {
		beside := r1.begins(MethodCreate, copyOf(s, "not to be cancelled", s.env.Desktops.Succeeds), time.Nanosecond)
		l := c.begins(MethodCreate, copyOf(s, "to be cancelled", s.env.Desktops.Succeeds), time.Nanosecond)
		s.wait(time.Second)
		r1.reads(l)
		l.failing(code.Code_CANCELLED, "Operation is cancelled")
		c.cancels(l)
		r2.reads(l)
		c.cancels(l)
		s.wait(3 * time.Second)
		l.ends()
		r1.reads(l)
		r3.reads(l)
		c.cancels(l)
		c.fails(MethodCancel, request(l), final)
		r1.reads(l)
		r1.looksAt(l.image.GetId())
		r2.lists(s.env.Folder, 10)
		r3.reads(beside)
		s.wait(time.Second)
		beside.succeeds()
		r1.reads(beside)
		c.fails(MethodCancel, request(beside), final)
		r2.reads(beside)
		c.cancels(beside)
		r2.reads(beside)
	}

	rolling := r1.begins(MethodCreate, copyOf(s, "cancelled in the roll-back", s.env.Desktops.FailsLate), time.Nanosecond)
	s.wait(time.Second)
	rolling.failing(code.Code_RESOURCE_EXHAUSTED, "Image quota is exceeded")
	r1.reads(rolling)
	r1.cancels(rolling)
	s.wait(time.Second)
	rolling.ends()
	r1.reads(rolling)
	r2.reads(rolling)

	refused := r1.begins(MethodCreate, copyOf(s, "can't be cancelled", s.env.Desktops.Succeeds), time.Nanosecond)
	r1.fails(MethodCancel, request(refused), &status.Status{Code: int32(code.Code_FAILED_PRECONDITION), Message: "Operation can't be cancelled"})
	s.wait(time.Second)
	refused.succeeds()
	r1.reads(refused)
	r2.reads(refused)

	raced := r2.begins(MethodCreate, copyOf(s, "done before it is cancelled", s.env.Desktops.Succeeds), time.Nanosecond)
	s.wait(time.Second)
	r1.cancels(raced)
	raced.succeeds()
	s.together(func() { r1.cancels(raced); r2.reads(raced); r3.reads(raced) })
	r1.reads(raced)
	r2.reads(raced)

	for _, w := range wires[:4] {
		s.client("first", w).fails(MethodCancel, &operation.CancelOperationRequest{}, s.server.illegal("operation_id", "required"))
	}
	for _, w := range wires {
		s.client("first", w).fails(MethodCancel, &operation.CancelOperationRequest{OperationId: "fv4-of-nobody"}, s.server.missing("Operation", "fv4-of-nobody"))
	}
}

// healthyImages are the other methods that start operations, and what they leave.
func healthyImages(s *scene) {
	r1, r2 := s.client("first", overGRPC), s.client("second", overConnect)
	finish := func(l *life) {
		r1.reads(l)
		s.wait(1500 * time.Millisecond)
		l.succeeds()
		r1.reads(l)
		r2.reads(l)
	}
	source := r1.begins(MethodCreate, copyOf(s, "source", s.env.Desktops.Succeeds), time.Nanosecond)
	finish(source)
	id := source.image.GetId()
	r2.looksAt(id)
	finish(r1.begins(MethodCopy, &clouddesktop.CopyDesktopImageRequest{FolderId: s.env.Folder, Name: "copy", ImageId: id}, time.Nanosecond))
	finish(r2.begins(MethodUpdate, &clouddesktop.UpdateDesktopImageRequest{
		ImageId: id, Name: "renamed", UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"name"}},
	}, time.Nanosecond))
	r1.looksAt(id)
	source.op.Result = &operation.Operation_Response{Response: s.server.packed(source.image)} // as it is by now
	r1.reads(source)
	deleted := r2.begins(MethodDelete, &clouddesktop.DeleteDesktopImageRequest{ImageId: id}, time.Nanosecond)
	r1.looksAt(id)
	finish(deleted)
	r1.looksAt(id)
	r2.lists(s.env.Folder, 7)
	r1.reads(source)
	unfiled := r1.begins(MethodCreate, &clouddesktop.CopyFromDesktopRequest{DesktopId: s.env.Desktops.Succeeds}, time.Nanosecond)
	unfiled.image.Name = "a name of the server's"
	finish(unfiled)
	r1.looksAt(unfiled.image.GetId())
}

// healthyOddities are what looks wrong and is not: calls of which nobody knows the
// end, a stall, and a clock of images that is two seconds off.
func healthyOddities(s *scene) {
	r1, r2 := s.client("first", overGRPC), s.client("second", overREST)
	retried := s.server.make(MethodCreate, copyOf(s, "answer was lost", s.env.Desktops.Succeeds), time.Nanosecond)
	uuid := key("7d2b9e06-5c1a-4c0e-9a57-3f8f6f0f5a11")
	r1.lost(MethodCreate, retried.request, optestv1.Event_Failure_RESET, uuid)
	r2.lists(s.env.Folder, 50)
	retried.answers(r1, uuid)
	s.wait(time.Second)
	r1.reads(retried)
	r1.lost(MethodGet, &operation.GetOperationRequest{OperationId: retried.op.GetId()}, optestv1.Event_Failure_TIMEOUT)
	r1.lost(MethodCancel, &operation.CancelOperationRequest{OperationId: retried.op.GetId()}, optestv1.Event_Failure_TIMEOUT)
	s.wait(time.Second)
	retried.failing(code.Code_CANCELLED, "Operation is cancelled")
	r2.reads(retried)
	retried.ends()
	r2.reads(retried)
	r1.reads(retried)

	s.cost = 5 * time.Second
	slow := r2.begins(MethodCreate, copyOf(s, "slow", s.env.Desktops.Succeeds), time.Second)
	s.together(func() { r1.reads(slow); r2.reads(slow) })
	slow.image.CreatedAt = stamp(s.now+2*time.Second, time.Second)
	s.wait(4 * time.Second)
	slow.succeeds()
	r1.reads(slow)
	s.cost = 2 * time.Millisecond
	r2.reads(slow)
	r2.looksAt(slow.image.GetId())

	late := r1.asks(MethodGet, &operation.GetOperationRequest{OperationId: slow.op.GetId()}, []trace.Field{{Name: "grpc-timeout", Value: "1m"}})
	r1.refuse(late, &status.Status{Code: int32(code.Code_DEADLINE_EXCEEDED), Message: "context deadline exceeded"})
	late.Timeout = time.Millisecond
	r1.ends(late)
	r2.reads(slow)
	long := r1.begins(MethodCreate, copyOf(s, strings.Repeat("😀", 50), s.env.Desktops.Succeeds), time.Nanosecond)
	s.wait(time.Second)
	long.succeeds()
	r1.reads(long)
	r1.reads(long)
}
