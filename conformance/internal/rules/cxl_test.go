package rules

import (
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

func (l *living) cancelRequest() proto.Message {
	return &operation.CancelOperationRequest{OperationId: l.op.GetId()}
}

// stops is what an honoured Cancel makes of the operation.
func (l *living) stops() {
	l.failing(code.Code_CANCELLED, "Operation is cancelled")
	l.ends()
}

func (l *living) cancelled() {
	l.a.cancels(l.life)
	l.wait(time.Second)
	l.stops()
	l.a.reads(l.life)
	l.wait(time.Second)
}

var cannot = &status.Status{Code: int32(code.Code_FAILED_PRECONDITION), Message: "Operation is over"}

func TestCancelAnswers(t *testing.T) {
	answered := func(change func(*operation.Operation)) func(*scene) {
		return live(time.Nanosecond, func(l *living) {
			started := l.op.GetId()
			l.showing(change, func() { l.a.ok(MethodCancel, &operation.CancelOperationRequest{OperationId: started}, l.op) })
		})
	}
	perform(t, []play{
		{"CXL-01", "the operation", answered(func(*operation.Operation) {}), Pass},
		{"CXL-01", "another one", answered(func(m *operation.Operation) { m.Id = "fv4-of-a-neighbour" }), Fail},
		{"CXL-01", "an empty one", answered(func(m *operation.Operation) { proto.Reset(m) }), Fail},
		{"CXL-01", "refused", live(time.Nanosecond, func(l *living) { l.a.fails(MethodCancel, l.cancelRequest(), cannot) }), NotExercised},
	})
}

func TestCancelOfWhatIsDone(t *testing.T) {
	after := func(plays func(l *living)) func(*scene) {
		return live(time.Nanosecond, func(l *living) { l.done(); plays(l) })
	}
	perform(t, []play{
		{"CXL-02", "told the status", after(func(l *living) { l.a.cancels(l.life); l.a.reads(l.life) }), Pass},
		{"CXL-02", "refused", after(func(l *living) { l.a.fails(MethodCancel, l.cancelRequest(), cannot); l.a.reads(l.life) }), Pass},
		{"CXL-02", "overwrites success", after(func(l *living) {
			l.a.cancels(l.life)
			l.stops()
			l.a.reads(l.life)
		}), Fail},
		{"CXL-02", "crashes", after(func(l *living) {
			l.a.fails(MethodCancel, l.cancelRequest(), &status.Status{Code: int32(code.Code_INTERNAL), Message: "nil pointer"})
		}), Fail},
		{"CXL-02", "races with the end", live(time.Nanosecond, func(l *living) {
			l.together(func() { l.a.cancels(l.life); l.b.reads(l.life) })
			l.succeeds()
			l.a.reads(l.life)
		}), NotExercised},
	})
}

func TestWhatCancelLeaves(t *testing.T) {
	ends := func(change func(*operation.Operation)) func(*scene) {
		return live(time.Nanosecond, func(l *living) {
			l.a.cancels(l.life)
			l.wait(time.Second)
			l.stops()
			l.showing(change, func() { l.a.reads(l.life) })
		})
	}
	same := func(*operation.Operation) {}
	perform(t, []play{
		{"CXL-03", "an error", ends(same), Pass},
		{"CXL-03", "no result", ends(func(m *operation.Operation) { m.Result = nil }), Fail},
		{"CXL-03", "an empty response", ends(func(m *operation.Operation) { flip(m, nil) }), Fail},
		{"CXL-03", "success that came first", live(time.Nanosecond, func(l *living) {
			l.a.cancels(l.life)
			l.succeeds()
			l.a.reads(l.life)
		}), Pass},
		{"CXL-04", "CANCELLED", ends(same), Pass},
		{"CXL-04", "UNKNOWN", ends(func(m *operation.Operation) {
			m.Result = &operation.Operation_Error{Error: coded(m.GetError(), 2)}
		}), Warned},
		{"CXL-07", "no image", live(time.Nanosecond, func(l *living) { l.cancelled(); l.b.looksAt(l.image.GetId()) }), Pass},
		{"CXL-07", "an image", live(time.Nanosecond, func(l *living) {
			l.cancelled()
			l.server.images = append(l.server.images, l.image)
			l.b.looksAt(l.image.GetId())
		}), Fail},
		{"CXL-07", "an image that a stale read still shows", live(time.Nanosecond, func(l *living) {
			staleReads(l.scene)
			l.cancelled()
			l.server.images = append(l.server.images, l.image)
			l.b.looksAt(l.image.GetId())
		}), NotExercised},
	})
}

func TestSecondCancel(t *testing.T) {
	second := func(plays func(l *living)) func(*scene) {
		return live(time.Nanosecond, func(l *living) { l.cancelled(); plays(l) })
	}
	fails := func(c code.Code) func(*scene) {
		return second(func(l *living) {
			l.b.fails(MethodCancel, l.cancelRequest(), &status.Status{Code: int32(c), Message: "no"})
		})
	}
	perform(t, []play{
		{"CXL-05", "told the status", second(func(l *living) { l.b.cancels(l.life); l.b.reads(l.life) }), Pass},
		{"CXL-05", "refused", fails(code.Code_FAILED_PRECONDITION), Pass},
		{"CXL-05", "busy", fails(code.Code_UNAVAILABLE), Pass},
		{"CXL-05", "crashes", fails(code.Code_INTERNAL), Fail},
		{"CXL-05", "restarts", second(func(l *living) {
			l.b.cancels(l.life)
			l.showing(pending, func() { l.b.reads(l.life) })
		}), Fail},
		{"CXL-05", "once", live(time.Nanosecond, func(l *living) { l.cancelled() }), NotExercised},
	})
}

func TestCancelOfNothing(t *testing.T) {
	unknown := &operation.CancelOperationRequest{OperationId: "fv4-of-nobody"}
	perform(t, []play{
		{"CXL-06", "no id refused", live(time.Nanosecond, func(l *living) {
			l.a.fails(MethodCancel, &operation.CancelOperationRequest{}, l.server.illegal("operation_id", "required"))
		}), Pass},
		{"CXL-06", "no id found", live(time.Nanosecond, func(l *living) { l.a.ok(MethodCancel, &operation.CancelOperationRequest{}, l.op) }), Fail},
		{"CXL-06", "unknown", live(time.Nanosecond, func(l *living) { l.a.fails(MethodCancel, unknown, l.server.missing("Operation", "x")) }), Pass},
		{"CXL-06", "forbidden", live(time.Nanosecond, func(l *living) {
			l.a.fails(MethodCancel, unknown, &status.Status{Code: int32(code.Code_PERMISSION_DENIED), Message: "no"})
		}), Pass},
		{"CXL-06", "unknown but cancelled", live(time.Nanosecond, func(l *living) {
			l.wait(time.Second)
			other := l.server.make(MethodCreate, copyOf(l.scene, "x", "d"), time.Nanosecond)
			other.op.Id = unknown.GetOperationId()
			l.a.ok(MethodCancel, unknown, other.op)
		}), Fail},
	})
}

func TestCauses(t *testing.T) {
	uncaused := func(plays func(*living)) func(*scene) {
		return live(time.Nanosecond, func(l *living) {
			l.a.reads(l.life)
			plays(l)
			l.wait(time.Second)
			l.stops()
			l.a.reads(l.life)
		})
	}
	nothing := func(*living) {}
	another := func(l *living) {
		other := &living{scene: l.scene, a: l.a, b: l.b, life: l.a.begins(MethodCreate, copyOf(l.scene, "other", l.env.Desktops.Succeeds), time.Nanosecond)}
		other.a.cancels(other.life)
	}
	lost := func(l *living) { l.a.lost(MethodCancel, l.cancelRequest(), optestv1.Event_Failure_TIMEOUT) }
	rest := func(l *living) { l.client("third", overREST).reads(l.life) }
	perform(t, []play{
		{"CXL-09", "cancelled", live(time.Nanosecond, func(l *living) { l.cancelled() }), Pass},
		{"CXL-09", "by nobody", uncaused(nothing), Fail},
		{"CXL-09", "by a call whose outcome is unknown", uncaused(lost), Pass},
		{"CXL-09", "by somebody who is not seen", func(s *scene) { s.env.World = false; uncaused(nothing)(s) }, NotApplicable},
		{"LRO-19", "hit by another one's Cancel", uncaused(another), Fail},
		{"LRO-19", "left alone", live(time.Nanosecond, func(l *living) { l.a.reads(l.life); another(l); l.done() }), Pass},
		{"CXL-10", "cancelled by a plain read", uncaused(rest), Fail},
		{"CXL-10", "read and not cancelled", live(time.Nanosecond, func(l *living) { rest(l); l.done() }), Pass},
		{"CXL-10", "read and cancelled properly", live(time.Nanosecond, func(l *living) { rest(l); l.cancelled() }), Pass},
	})
}
