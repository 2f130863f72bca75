package rules

import (
	"fmt"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// What is odd and right, in both profiles.

// truncated is a stamp as a store keeps it.
func truncated(t *timestamppb.Timestamp, unit time.Duration) *timestamppb.Timestamp {
	return timestamppb.New(t.AsTime().Truncate(unit))
}

// withUnknown adds a field to a message in an Any that only a newer server knows.
func withUnknown(a *anypb.Any, text string) {
	a.Value = protowire.AppendString(protowire.AppendTag(a.GetValue(), 77, protowire.BytesType), text)
}

func TestClocksAndStoresAreFair(t *testing.T) {
	stored := func(unit time.Duration, rounded bool) func(*scene) {
		return live(time.Nanosecond, func(l *living) {
			l.showing(func(m *operation.Operation) {
				for _, at := range []**timestamppb.Timestamp{&m.CreatedAt, &m.ModifiedAt} {
					kept := truncated(*at, unit)
					if rounded {
						kept = timestamppb.New((*at).AsTime().Round(unit))
					}
					*at = kept
				}
			}, func() {
				for range 3 {
					l.b.reads(l.life)
					l.a.reads(l.life)
					l.wait(2 * time.Second)
				}
			})
		})
	}
	var plays []play
	for _, unit := range []time.Duration{time.Microsecond, time.Millisecond, time.Second} {
		for _, rounded := range []bool{false, true} {
			for _, id := range []string{"LRO-05", "LRO-07", "LRO-09", "LRO-17", "LRO-18"} {
				plays = append(plays, play{id, fmt.Sprintf("a store of %s, rounded: %t", unit, rounded), stored(unit, rounded), Pass})
			}
		}
	}
	// The creation is told to the nanosecond, and modifications to the second, two of
	// which come within one.
	plays = append(plays, play{"LRO-08", "stamps of two precisions", live(time.Nanosecond, func(l *living) {
		l.showing(func(m *operation.Operation) { m.ModifiedAt = truncated(m.GetModifiedAt(), time.Second) }, func() {
			l.a.reads(l.life)
			l.wait(100 * time.Millisecond)
			l.a.reads(l.life)
			l.op.Description = "Nearly there"
			l.a.reads(l.life)
		})
	}), NotExercised})
	// In virtual time many calls are made within an instant.
	plays = append(plays, play{"LRO-08", "changes within an instant", func(s *scene) {
		s.env.Header.Clock = optestv1.TraceHeader_VIRTUAL
		s.cost = time.Nanosecond
		s.together(func() {
			c := s.client("first", overGRPC)
			l := c.begins(MethodCreate, copyOf(s, "n", s.env.Desktops.Succeeds), time.Nanosecond)
			at := l.op.GetModifiedAt()
			for range 5 {
				c.reads(l).Called -= 1
			}
			l.stopped()
			l.op.ModifiedAt = at
			c.reads(l)
		})
	}, NotExercised})
	perform(t, plays)
}

func (l *life) stopped() {
	l.failing(code.Code_CANCELLED, "Operation is cancelled")
	l.ends()
}

func TestHeartbeatsAreFair(t *testing.T) {
	beats := func(period, gap time.Duration) func(*scene) {
		return live(time.Nanosecond, func(l *living) {
			first := l.now
			for range 20 {
				l.wait(gap)
				since := (l.now - first) / period * period
				l.showing(func(m *operation.Operation) { m.ModifiedAt = stamp(first+since, time.Nanosecond) }, func() { l.a.reads(l.life) })
			}
		})
	}
	perform(t, []play{
		{"LRO-09", "twice a second", beats(500*time.Millisecond, 1300*time.Millisecond), Warned},
		{"LRO-09", "in step with the reads", beats(time.Second, time.Second), Warned},
		{"LRO-09", "faster than the calls", func(s *scene) { s.cost = 5 * time.Second; beats(time.Second, 7*time.Second)(s) }, Warned},
		{"LRO-09", "a Cancel that is noted", live(time.Nanosecond, func(l *living) {
			l.a.reads(l.life)
			l.a.cancels(l.life)
			l.touch()
			l.a.reads(l.life)
			l.b.reads(l.life)
		}), Pass},
		{"LRO-09", "a Cancel that is under way", live(time.Nanosecond, func(l *living) {
			l.a.reads(l.life)
			c := l.b.cancels(l.life)
			c.Returned += time.Minute
			l.wait(time.Second)
			l.touch()
			l.a.reads(l.life)
		}), Pass},
		{"LRO-09", "what only a newer client can read", live(time.Nanosecond, func(l *living) {
			l.op.Metadata = proto.CloneOf(l.op.GetMetadata())
			for n := range 4 {
				l.a.reads(l.life)
				l.wait(time.Second)
				withUnknown(l.op.Metadata, fmt.Sprint(n))
				l.touch()
			}
		}), Pass},
	})
}

func TestNewerServersAreFair(t *testing.T) {
	newer := live(time.Nanosecond, func(l *living) {
		l.op.Metadata = proto.CloneOf(l.op.GetMetadata())
		withUnknown(l.op.GetMetadata(), "of the future")
		// JSON shows nothing of it.
		json := func(l *living) {
			l.showing(func(m *operation.Operation) {
				m.Metadata = l.server.packed(&clouddesktop.CopyFromDesktopMetadata{ImageId: l.image.GetId()})
			}, func() { l.b.reads(l.life) })
		}
		for range 3 {
			l.a.reads(l.life)
			json(l)
			l.wait(2 * time.Second)
		}
		l.succeeds()
		for range 2 {
			l.a.reads(l.life)
			json(l)
		}
	})
	var plays []play
	for _, id := range []string{"LRO-02", "LRO-04", "LRO-05", "LRO-06", "LRO-07", "LRO-08", "LRO-09", "LRO-12"} {
		plays = append(plays, play{id, "fields of a newer server", newer, Pass})
	}
	perform(t, plays)
}

func TestErrorsToldAnotherWayAreFair(t *testing.T) {
	detailed := func(l *living, details ...proto.Message) {
		st := &status.Status{Code: l.op.GetError().GetCode(), Message: l.op.GetError().GetMessage()}
		for _, d := range details {
			st.Details = append(st.Details, l.server.packed(d))
		}
		l.op.Result = &operation.Operation_Error{Error: st}
	}
	failed := func(first, second func(*living)) func(*scene) {
		return live(time.Nanosecond, func(l *living) {
			l.failed()
			l.ends()
			first(l)
			l.a.reads(l.life)
			l.wait(time.Second)
			second(l)
			l.b.reads(l.life)
		})
	}
	info := &errdetails.ErrorInfo{Reason: "R", Metadata: map[string]string{"a": "1", "b": "2", "c": "3"}}
	swapped := func(l *living) {
		detailed(l, info)
		// The entries of a map come in any order.
		a := l.op.GetError().GetDetails()[0]
		tags, _ := Tags(a.GetValue())
		tags[len(tags)-1], tags[len(tags)-2] = tags[len(tags)-2], tags[len(tags)-1]
		a.Value = encodeTags(tags)
	}
	perform(t, []play{
		{"LRO-03", "a map in another order", failed(func(l *living) { detailed(l, info) }, swapped), Pass},
		{"LRO-03", "another quota", failed(func(l *living) { detailed(l, info) }, func(l *living) {
			detailed(l, &errdetails.ErrorInfo{Reason: "S"})
		}), Warned},
		{"LRO-03", "details of the read", failed(
			func(l *living) { detailed(l, info, &errdetails.RequestInfo{RequestId: "1"}) },
			func(l *living) { detailed(l, info, &errdetails.RequestInfo{RequestId: "2"}) },
		), Pass},
		{"LRO-03", "in the reader's language", live(time.Nanosecond, func(l *living) {
			l.failed()
			l.ends()
			l.a.reads(l.life)
			l.op.GetError().Message = "Диска больше нет"
			l.b.reads(l.life, trace.Field{Name: "accept-language", Value: "ru"})
		}), Pass},
		{"LRO-10", "CANCELLED takes the place of another error", live(time.Nanosecond, func(l *living) {
			l.failed()
			l.a.cancels(l.life)
			l.failing(code.Code_CANCELLED, "Operation is cancelled")
			l.a.reads(l.life)
		}), Pass},
		{"LRO-10", "CANCELLED by nobody", live(time.Nanosecond, func(l *living) {
			l.failed()
			l.failing(code.Code_CANCELLED, "Operation is cancelled")
			l.a.reads(l.life)
		}), Fail},
		{"LRO-11", "early error shown by a call that ends after the end", live(time.Nanosecond, func(l *living) {
			l.failing(code.Code_ABORTED, "Disk is gone")
			late := l.b.reads(l.life)
			l.ends()
			l.a.reads(l.life)
			late.Returned += time.Minute
		}), Pass},
		{"LRO-11", "success after an error that is told of later", live(time.Nanosecond, func(l *living) {
			l.failing(code.Code_ABORTED, "Disk is gone")
			late := l.b.reads(l.life)
			l.succeeds()
			l.a.reads(l.life)
			late.Returned += time.Minute
		}), Fail},
	})
}

func TestReadsThatFindNothingAreFair(t *testing.T) {
	strange := func(change func(*trace.Event)) func(*scene) {
		return live(time.Nanosecond, func(l *living) {
			isMissed(l, l.a)
			change(l.events[len(l.events)-1])
		})
	}
	expires := func(again bool) func(*scene) {
		return live(time.Nanosecond, func(l *living) {
			l.a.reads(l.life)
			isMissed(l, l.b)
			if again {
				l.a.reads(l.life)
			}
		})
	}
	perform(t, []play{
		{"LRO-14", "a page of a proxy", strange(func(e *trace.Event) { e.ResponseCodec = optestv1.Event_FOREIGN }), NotExercised},
		{"LRO-14", "to somebody without a token", strange(func(e *trace.Event) { e.RequestHeader = nil }), NotExercised},
		{"LRO-14", "to another host", strange(func(e *trace.Event) { e.Caller = &trace.Caller{Connection: "x", Peer: "10.0.0.7:4711"} }), NotExercised},
		{"LRO-14", "in another session", strange(func(e *trace.Event) { e.Caller = &trace.Caller{Connection: "x", Session: "other"} }), NotExercised},
		{"LRO-14", "PERMISSION_DENIED", strange(func(e *trace.Event) { e.Failure.Code = code.Code_PERMISSION_DENIED }), NotExercised},
		{"LRO-14", "expires in the moment in which it is done", expires(false), Pass},
		{"LRO-14", "is there again, and in progress", expires(true), Fail},
		{"LRO-15", "expires in the moment in which it is done", expires(false), Warned},
		{"LRO-14", "known after the call was answered late", live(time.Nanosecond, func(l *living) {
			l.events[0].Returned += time.Minute
			isMissed(l, l.a)
		}), NotExercised},
	})
}

func TestUnknownConnectionsAreFair(t *testing.T) {
	stale := live(time.Nanosecond, func(l *living) {
		staleReads(l.scene)
		l.done()
		l.showing(pending, func() { l.a.reads(l.life) })
		for _, e := range l.events {
			e.Caller = nil
		}
	})
	perform(t, []play{
		{"LRO-01", "within the window", stale, NotExercised},
		{"LRO-18", "within the window", stale, NotExercised},
		{"LRO-17", "strong", func(s *scene) { stale(s); s.env.Window = 0 }, NotExercised},
	})
}

// Where the clock of the wall was set, times order nothing.
func TestAdjustedClocksAreFair(t *testing.T) {
	set := func(clock optestv1.TraceHeader_Clock) func(*scene) {
		return live(time.Nanosecond, func(l *living) {
			l.env.Header.Clock = clock
			l.done()
			l.env.Untimed = []Span{{From: l.now - time.Millisecond, Until: l.now + time.Second}}
			l.showing(pending, func() { l.a.reads(l.life) })
		})
	}
	perform(t, []play{
		{"LRO-01", "by the wall", set(optestv1.TraceHeader_WALL), NotExercised},
		{"LRO-01", "monotonic", set(optestv1.TraceHeader_MONOTONIC), Fail},
		{"LRO-18", "by the wall", set(optestv1.TraceHeader_WALL), Pass},
	})
}
