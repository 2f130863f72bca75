package rules

import (
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// wireCase is what happens, and what one rule makes of it.
type wireCase struct {
	rule, name string
	record     func(*scene)
	want       Verdict
}

func (w wireCase) run(t *testing.T) {
	t.Run(w.rule+"/"+w.name, func(t *testing.T) {
		s := newScene(t)
		w.record(s)
		for _, e := range s.events {
			if e.Number == 0 {
				t.Fatal("an event was not recorded")
			}
		}
		if r := Check(s.env, []*Rule{Find(w.rule)}, s.events)[0]; r.Verdict != w.want {
			t.Errorf("got %s\nwant %s", describe(r), w.want)
		}
	})
}

func getRequest(id string) proto.Message { return &operation.GetOperationRequest{OperationId: id} }

func statusWith(c code.Code, message string) *status.Status {
	return &status.Status{Code: int32(c), Message: message}
}

// readsOver is a read that succeeds, changed.
func readsOver(w wire, change func(*trace.Event)) func(*scene) {
	return func(s *scene) {
		c := s.client("first", w)
		change(c.reads(c.begins(MethodCreate, copyOf(s, "x", "desk-succeeds"), time.Nanosecond)))
		s.events = s.events[1:]
	}
}

// failsOver is a read that fails with a status, changed.
func failsOver(w wire, st *status.Status, change func(*trace.Event)) func(*scene) {
	return func(s *scene) {
		change(s.client("first", w).fails(MethodGet, getRequest("fv4-of-nobody"), st))
	}
}

func asRecorded(*trace.Event) {}

// framesEnd moves the end of an answer.
func framesEnd(trailers optestv1.Event_Frames_Trailers, messages, partial uint32) func(*trace.Event) {
	return func(e *trace.Event) {
		e.Frames = &trace.Frames{Trailers: trailers, Messages: messages, Partial: partial}
		if trailers == optestv1.Event_Frames_MISSING {
			e.Trailer = nil
			e.Outcome, e.Failure = optestv1.Event_INDETERMINATE, &trace.Failure{Message: "the answer ends without grpc-status"}
		}
	}
}

// cutShort breaks an answer off on its way.
func cutShort(e *trace.Event) {
	framesEnd(optestv1.Event_Frames_MISSING, 0, 7)(e)
	e.Failure.Cause = optestv1.Event_Failure_RESET
}

// byProxy puts a page of a proxy in an answer's place.
func byProxy(httpStatus uint32) func(*trace.Event) {
	return func(e *trace.Event) {
		e.ResponseCodec, e.HTTPStatus, e.Response = optestv1.Event_FOREIGN, httpStatus, trace.NewBlob([]byte("<html>"))
		e.ResponseHeader = with(e.ResponseHeader, "content-type", "text/html")
		e.Trailer = nil
		e.Outcome, e.Failure = optestv1.Event_INDETERMINATE, &trace.Failure{Message: "a page"}
		if httpStatus/100 == 4 {
			e.Outcome, e.Failure.Code = optestv1.Event_FAILED, code.Code_UNKNOWN
		}
		if e.Frames != nil {
			e.Frames = &trace.Frames{Trailers: optestv1.Event_Frames_MISSING}
		}
	}
}

func inTurn(changes ...func(*trace.Event)) func(*trace.Event) {
	return func(e *trace.Event) {
		for _, change := range changes {
			change(e)
		}
	}
}

func setHeader(name, value string) func(*trace.Event) {
	return func(e *trace.Event) { e.ResponseHeader = with(e.ResponseHeader, name, value) }
}

func setTrailer(name, value string) func(*trace.Event) {
	return func(e *trace.Event) { e.Trailer = with(e.Trailer, name, value) }
}

const (
	endsAfter  = optestv1.Event_Frames_AFTER
	endsOnly   = optestv1.Event_Frames_ONLY
	endsInBody = optestv1.Event_Frames_IN_BODY
	endsNot    = optestv1.Event_Frames_MISSING
)
