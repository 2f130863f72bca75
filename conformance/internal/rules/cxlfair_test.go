package rules

import (
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/status"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// asksAt makes a call over REST with a verb of its own at the path of the operation.
func (l *living) asksAt(method, verb, suffix string, fields ...trace.Field) *trace.Event {
	c := l.client("third", overREST)
	e := c.asks(method, l.getRequest(), fields)
	e.HTTPRequest = verb + " /operations/" + l.op.GetId() + suffix
	c.refuse(e, &status.Status{Code: int32(code.Code_UNIMPLEMENTED), Message: "no"})
	e.HTTPStatus, e.ResponseCodec = 405, optestv1.Event_FOREIGN
	return c.ends(e)
}

// Whatever may have cancelled an operation is a cause.
func TestCausesAreFair(t *testing.T) {
	after := func(cause func(*living)) func(*scene) {
		return live(time.Nanosecond, func(l *living) {
			l.client("third", overREST).reads(l.life)
			l.a.reads(l.life)
			cause(l)
			l.wait(time.Second)
			l.stopped()
			l.a.reads(l.life)
		})
	}
	fails := func(c code.Code) func(*scene) {
		return after(func(l *living) {
			l.a.fails(MethodCancel, l.cancelRequest(), &status.Status{Code: int32(c), Message: "no"})
		})
	}
	underWay := after(func(l *living) {
		l.b.lost(MethodCancel, l.cancelRequest(), optestv1.Event_Failure_TIMEOUT).Returned += time.Minute
	})
	posted := after(func(l *living) { l.asksAt(MethodCancel, "POST", ":cancel") })
	lost := after(func(l *living) {
		e := l.asksAt(MethodCancel, "POST", ":cancel")
		e.Outcome, e.Failure = optestv1.Event_INDETERMINATE, &trace.Failure{Cause: optestv1.Event_Failure_TIMEOUT}
	})
	ofWhat := after(func(l *living) {
		e := l.a.lost(MethodCancel, l.cancelRequest(), optestv1.Event_Failure_TIMEOUT)
		e.Request, e.RequestFidelity = nil, optestv1.Event_UNSEEN
	})
	startUnseen := func(s *scene) {
		after(func(*living) {})(s)
		s.events = s.events[1:]
	}
	// The first answer to the start was not seen, only that to its repetition.
	repeated := func(cause func(*living)) func(*scene) {
		return func(s *scene) {
			live(time.Nanosecond, func(l *living) {
				cause(l)
				l.wait(time.Second)
				l.stopped()
				l.a.ok(MethodCreate, copyOf(l.scene, "an image", l.env.Desktops.Succeeds), l.op)
			})(s)
			s.events = s.events[1:]
		}
	}
	beforeKnown := repeated(func(l *living) { l.a.lost(MethodCancel, l.cancelRequest(), optestv1.Event_Failure_TIMEOUT) })
	ofAnother := repeated(func(l *living) {
		l.a.lost(MethodCancel, &operation.CancelOperationRequest{OperationId: "another"}, optestv1.Event_Failure_TIMEOUT)
	})
	plays := []play{{"CXL-09", "a Cancel of another operation that is not known yet", ofAnother, Fail}}
	for _, id := range []string{"CXL-09", "LRO-19", "CXL-10"} {
		want := NotExercised
		if id == "CXL-10" {
			want = Pass // there was a plain read
		}
		pass := want
		if id == "CXL-09" {
			pass = Pass
		}
		plays = append(
			plays,
			play{id, "a Cancel that was unavailable", fails(code.Code_UNAVAILABLE), pass},
			play{id, "a Cancel that was refused", fails(code.Code_FAILED_PRECONDITION), pass},
			play{id, "a Cancel that is under way", underWay, want},
			play{id, "by POST", posted, pass},
			play{id, "by POST, without an answer", lost, pass},
			play{id, "a Cancel of nobody knows what", ofWhat, want},
			play{id, "started before anybody looked", startUnseen, want},
			play{id, "a Cancel of an operation that is not known yet", beforeKnown, NotExercised},
		)
	}
	perform(t, plays)
}

func TestVerbsThatCancel(t *testing.T) {
	by := func(method, verb, suffix string, fields ...trace.Field) func(*scene) {
		return live(time.Nanosecond, func(l *living) {
			other := l.a.begins(MethodCreate, copyOf(l.scene, "other", l.env.Desktops.Succeeds), time.Nanosecond)
			l.a.cancels(other)
			l.a.reads(l.life)
			l.asksAt(method, verb, suffix, fields...)
			l.stopped()
			l.a.reads(l.life)
		})
	}
	perform(t, []play{
		{"CXL-10", "HEAD", by(MethodCancel, "HEAD", ":cancel"), Fail},
		{"CXL-10", "OPTIONS", by(MethodCancel, "OPTIONS", ":cancel"), Fail},
		{"CXL-10", "HEAD of the operation", by(MethodGet, "HEAD", ""), Fail},
		{"CXL-10", "a prefetch", by(MethodGet, "GET", "", trace.Field{Name: "sec-purpose", Value: "prefetch"}), Fail},
		{"CXL-10", "a prefetch, and nothing comes of it", live(time.Nanosecond, func(l *living) {
			l.asksAt(MethodCancel, "HEAD", ":cancel")
			l.done()
		}), Pass},
		{"CXL-10", "the Cancel of another one hits this", live(time.Nanosecond, func(l *living) {
			other := l.a.begins(MethodCreate, copyOf(l.scene, "other", l.env.Desktops.Succeeds), time.Nanosecond)
			l.client("third", overREST).reads(l.life)
			l.a.cancels(other)
			l.stopped()
			l.a.reads(l.life)
		}), Pass},
		{"CXL-10", "where others may cancel", func(s *scene) { s.env.World = false; by(MethodCancel, "HEAD", ":cancel")(s) }, NotApplicable},
	})
}

func TestRefusedCancelsAreFair(t *testing.T) {
	second := func(change func(*living, *trace.Event)) func(*scene) {
		return live(time.Nanosecond, func(l *living) {
			l.cancelled()
			change(l, l.b.fails(MethodCancel, l.cancelRequest(), &status.Status{Code: int32(code.Code_INTERNAL), Message: "HTTP 400"}))
		})
	}
	perform(t, []play{
		{"CXL-05", "a page of a proxy", second(func(_ *living, e *trace.Event) { e.ResponseCodec = optestv1.Event_FOREIGN }), Pass},
		{"CXL-02", "a page of a proxy", second(func(_ *living, e *trace.Event) { e.ResponseCodec = optestv1.Event_FOREIGN }), NotExercised},
		{"CXL-05", "by another verb", live(time.Nanosecond, func(l *living) {
			l.cancelled()
			e := l.asksAt(MethodCancel, "POST", ":cancel")
			e.Failure.Code, e.ResponseCodec = code.Code_NOT_FOUND, optestv1.Event_JSON
		}), NotExercised},
		{"CXL-05", "expired meanwhile", second(func(_ *living, e *trace.Event) { e.Failure.Code = code.Code_NOT_FOUND }), Pass},
		{"CXL-05", "not known to a replica yet", live(time.Nanosecond, func(l *living) {
			staleReads(l.scene)
			l.a.cancels(l.life)
			l.b.fails(MethodCancel, l.cancelRequest(), l.server.missing("Operation", "x"))
		}), Pass},
		{"CXL-05", "unknown at the second time", live(time.Nanosecond, func(l *living) {
			l.a.cancels(l.life)
			l.b.fails(MethodCancel, l.cancelRequest(), l.server.missing("Operation", "x"))
		}), Fail},
		{"CXL-08", "refused, and never done", live(time.Nanosecond, func(l *living) {
			l.a.fails(MethodCancel, l.cancelRequest(), cannot)
			l.wait(time.Hour)
			l.a.reads(l.life)
		}), NotExercised},
		{"CXL-08", "late, but done", live(time.Nanosecond, func(l *living) {
			l.a.cancels(l.life)
			l.wait(time.Hour)
			l.a.reads(l.life)
			l.stopped()
			l.a.reads(l.life)
		}), Pass},
		{"CXL-01", "bytes that are no message", live(time.Nanosecond, func(l *living) {
			l.a.cancels(l.life).Response = trace.NewBlob([]byte{0xff})
		}), NotExercised},
		{"CXL-04", "failed by itself before", live(time.Nanosecond, func(l *living) {
			l.failed()
			l.a.cancels(l.life)
			l.ends()
			l.a.reads(l.life)
		}), NotExercised},
		{"CXL-03", "of a method with an empty response", live(time.Nanosecond, func(l *living) {
			l.a.cancels(l.life)
			l.showing(func(m *operation.Operation) { m.Done = true; flip(m, nil); flip(m, nil) }, func() {
				for _, e := range l.events {
					if e.Method == MethodCreate {
						e.Method = MethodDelete
					}
				}
				l.a.reads(l.life)
			})
		}), Pass},
	})
}
