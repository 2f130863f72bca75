package rules

import (
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// living is a scene with an operation that two readers share.
type living struct {
	*scene
	*life
	a, b *client
}

// live begins an operation with stamps of the given unit.
func live(unit time.Duration, plays func(*living)) func(*scene) {
	return func(s *scene) {
		l := &living{scene: s, a: s.client("first", overGRPC), b: s.client("second", overConnectJSON)}
		l.life = l.a.begins(MethodCreate, copyOf(s, "an image", s.env.Desktops.Succeeds), unit)
		s.wait(3 * time.Second)
		plays(l)
	}
}

// showing has the operation look otherwise for the calls within.
func (l *living) showing(change func(*operation.Operation), calls func()) {
	kept := l.op
	l.op = proto.CloneOf(kept)
	change(l.op)
	calls()
	l.op = kept
}

func (l *living) done() {
	l.a.reads(l.life)
	l.wait(3 * time.Second)
	l.succeeds()
	l.wait(time.Second)
	l.a.reads(l.life)
	l.wait(time.Second)
}

func (l *living) failed() {
	l.failing(code.Code_ABORTED, "Disk is gone")
	l.wait(time.Second)
	l.a.reads(l.life)
	l.wait(time.Second)
}

func pending(m *operation.Operation) { m.Done, m.Result = false, nil }
func staleReads(s *scene)            { s.env.Window = 5 * time.Second }
func isMissed(l *living, c *client) {
	c.fails(MethodGet, l.getRequest(), l.server.missing("Operation", l.op.GetId()))
}

func (l *living) getRequest() proto.Message {
	return &operation.GetOperationRequest{OperationId: l.op.GetId()}
}

func TestOrderOfAnswers(t *testing.T) {
	flipped := func(reader func(*living) *client, after time.Duration, eventual bool) func(*scene) {
		return live(time.Nanosecond, func(l *living) {
			if eventual {
				staleReads(l.scene)
			}
			l.done()
			l.wait(after)
			l.showing(pending, func() { reader(l).reads(l.life) })
		})
	}
	first := func(l *living) *client { return l.a }
	second := func(l *living) *client { return l.b }
	overlapping := live(time.Nanosecond, func(l *living) {
		l.succeeds()
		l.together(func() {
			l.a.reads(l.life)
			l.showing(pending, func() { l.b.reads(l.life) })
		})
	})
	perform(t, []play{
		{"LRO-01", "flips back", flipped(first, 0, false), Fail},
		{"LRO-01", "flips back for another reader", flipped(second, 0, false), Fail},
		{"LRO-01", "stale replica within the window", flipped(second, 0, true), NotExercised},
		{"LRO-01", "stale replica after the window", flipped(second, 10*time.Second, true), Fail},
		{"LRO-01", "stale on the same connection", flipped(first, 0, true), Fail},
		{"LRO-01", "reads at once", overlapping, NotExercised},
		{"LRO-16", "pending after a create that was done", func(s *scene) {
			a := s.client("first", overGRPC)
			l := s.server.make(MethodCreate, copyOf(s, "n", s.env.Desktops.Succeeds), time.Nanosecond)
			l.succeeds()
			l.answers(a)
			s.wait(time.Second)
			l.op = proto.CloneOf(l.op)
			pending(l.op)
			a.reads(l)
		}, Fail},
		{"LRO-17", "replica split", flipped(second, 0, false), Warned},
		{"LRO-17", "of one connection says nothing", flipped(first, 0, false), NotExercised},
		{"LRO-17", "eventual", flipped(second, 0, true), NotApplicable},
		{"LRO-18", "one connection", flipped(first, 0, true), Warned},
		{"LRO-18", "another connection", flipped(second, 0, false), Pass},
	})
}

func TestWhatStaysAfterDone(t *testing.T) {
	after := func(change func(*operation.Operation)) func(*scene) {
		return live(time.Nanosecond, func(l *living) {
			l.done()
			l.showing(change, func() { l.b.reads(l.life) })
		})
	}
	afterError := func(change func(*operation.Operation)) func(*scene) {
		return live(time.Nanosecond, func(l *living) {
			l.failed()
			l.ends()
			l.a.reads(l.life)
			l.wait(time.Second)
			l.showing(change, func() { l.a.reads(l.life) })
		})
	}
	same := func(*operation.Operation) {}
	perform(t, []play{
		{"LRO-02", "same", after(same), Pass},
		{"LRO-02", "response becomes error", after(func(m *operation.Operation) { flip(m, nil) }), Fail},
		{"LRO-02", "error becomes response", afterError(func(m *operation.Operation) { flip(m, nil) }), Fail},
		{"LRO-03", "same", afterError(same), Pass},
		{"LRO-03", "another code", afterError(func(m *operation.Operation) {
			m.Result = &operation.Operation_Error{Error: coded(m.GetError(), 2)}
		}), Fail},
		{"LRO-03", "another language", afterError(func(m *operation.Operation) {
			st := coded(m.GetError(), m.GetError().GetCode())
			st.Message = "Диск пропал"
			m.Result = &operation.Operation_Error{Error: st}
		}), Warned},
		{"LRO-04", "same", after(same), Pass},
		{"LRO-04", "another image", after(func(m *operation.Operation) { otherImage(m, nil) }), Fail},
		{"LRO-05", "same", after(same), Pass},
		{"LRO-05", "creator is the caller", after(func(m *operation.Operation) { m.CreatedBy = "aje-reader" }), Fail},
		{"LRO-05", "created now", after(func(m *operation.Operation) { m.CreatedAt = moved(m.GetCreatedAt(), 60) }), Fail},
		{"LRO-05", "a store of microseconds", after(func(m *operation.Operation) {
			m.CreatedAt = timestamppb.New(m.GetCreatedAt().AsTime().Truncate(time.Microsecond))
		}), Pass},
		{"LRO-06", "same", after(same), Pass},
		{"LRO-06", "becomes progress", after(func(m *operation.Operation) { m.Description = "90 %" }), Warned},
		{"LRO-12", "same", after(same), Pass},
		{"LRO-12", "another image", after(func(m *operation.Operation) { setImageID(m, "fdv-other") }), Fail},
		{"LRO-12", "vanishes", after(func(m *operation.Operation) { m.Metadata = nil }), Fail},
		{"LRO-15", "can be read", after(same), Pass},
		{"LRO-15", "expires", live(time.Nanosecond, func(l *living) { l.done(); isMissed(l, l.a) }), Warned},
	})
}

func TestStampsOfModification(t *testing.T) {
	back := func(by int64) func(*scene) {
		return live(time.Nanosecond, func(l *living) {
			l.done()
			l.showing(func(m *operation.Operation) {
				m.ModifiedAt = timestamppb.New(m.GetModifiedAt().AsTime().Add(-time.Duration(by) * time.Millisecond))
			}, func() { l.b.reads(l.life) })
		})
	}
	frozen := func(unit, pause time.Duration) func(*scene) {
		return live(unit, func(l *living) {
			first := proto.CloneOf(l.op).GetModifiedAt()
			l.a.reads(l.life)
			l.wait(pause)
			l.a.reads(l.life)
			l.succeeds()
			l.showing(func(m *operation.Operation) { m.ModifiedAt = first }, func() { l.a.reads(l.life) })
		})
	}
	restamped := func(times int, at func(l *living, n int) time.Duration) func(*scene) {
		return live(time.Nanosecond, func(l *living) {
			for n := range times {
				l.wait(2 * time.Second)
				l.showing(func(m *operation.Operation) { m.ModifiedAt = stamp(at(l, n), time.Nanosecond) }, func() { l.a.reads(l.life) })
			}
		})
	}
	perform(t, []play{
		{"LRO-07", "goes back", back(60_000), Fail},
		{"LRO-07", "goes back a little", back(500), Warned},
		{"LRO-07", "stays", back(0), Pass},
		{"LRO-08", "frozen", frozen(time.Nanosecond, 10*time.Second), Fail},
		{"LRO-08", "within a second of a clock of seconds", func(s *scene) {
			c := s.client("first", overGRPC)
			l := c.begins(MethodCreate, copyOf(s, "n", s.env.Desktops.Succeeds), time.Second)
			s.wait(100 * time.Millisecond)
			c.reads(l)
			first := l.op.GetModifiedAt()
			l.op = proto.CloneOf(l.op)
			l.succeeds()
			l.op.ModifiedAt = first
			c.reads(l)
		}, NotExercised},
		{"LRO-08", "frozen on a clock of seconds", frozen(time.Second, 10*time.Second), Fail},
		{"LRO-08", "moves", live(time.Second, func(l *living) { l.a.reads(l.life); l.wait(3 * time.Second); l.done() }), Pass},
		{"LRO-09", "stamped when read", restamped(8, func(l *living, _ int) time.Duration { return l.now }), Fail},
		{"LRO-09", "a heartbeat", restamped(8, func(_ *living, n int) time.Duration { return time.Duration(n/3) * time.Minute }), Warned},
		{"LRO-09", "rests", live(time.Nanosecond, func(l *living) { l.a.reads(l.life); l.wait(time.Second); l.a.reads(l.life) }), Pass},
	})
}

func TestEarlyErrors(t *testing.T) {
	then := func(change func(*operation.Operation)) func(*scene) {
		return live(time.Nanosecond, func(l *living) {
			l.failed()
			l.showing(change, func() { l.b.reads(l.life) })
		})
	}
	ending := func(change func(*operation.Operation)) func(*scene) {
		return live(time.Nanosecond, func(l *living) {
			l.failed()
			l.ends()
			l.showing(change, func() { l.b.reads(l.life) })
		})
	}
	recoded := func(m *operation.Operation) { m.Result = &operation.Operation_Error{Error: coded(m.GetError(), 13)} }
	same := func(*operation.Operation) {}
	perform(t, []play{
		{"LRO-10", "stays", then(same), Pass},
		{"LRO-10", "vanishes", then(pending), Fail},
		{"LRO-10", "changes", then(recoded), Fail},
		{"LRO-10", "stale replica", func(s *scene) { staleReads(s); then(pending)(s) }, NotExercised},
		{"LRO-11", "ends as shown", ending(same), Pass},
		{"LRO-11", "ends with success", ending(func(m *operation.Operation) { flip(m, nil) }), Fail},
		{"LRO-11", "ends with another code", ending(recoded), Fail},
		{"LRO-11", "ends with CANCELLED after a Cancel", live(time.Nanosecond, func(l *living) { l.failed(); l.cancelled() }), Pass},
	})
}

func TestNewOperationsCanBeRead(t *testing.T) {
	misses := func(n int, pause time.Duration, eventual bool) func(*scene) {
		return live(time.Nanosecond, func(l *living) {
			if eventual {
				staleReads(l.scene)
			}
			for range n {
				isMissed(l, l.a)
				l.wait(pause)
			}
			l.a.reads(l.life)
		})
	}
	perform(t, []play{
		{"LRO-14", "found", misses(0, 0, false), Pass},
		{"LRO-14", "missed once", misses(1, time.Second, false), Fail},
		{"LRO-14", "missed three times, as clients expect", misses(3, 10*time.Second, true), Pass},
		{"LRO-14", "missed four times within the window", misses(4, time.Millisecond, true), Pass},
		{"LRO-14", "missed too long", misses(5, 10*time.Second, true), Fail},
	})
}

func TestOperationsThatNeverEnd(t *testing.T) {
	never := func(cancel bool) func(*scene) {
		return live(time.Nanosecond, func(l *living) {
			if cancel {
				l.a.cancels(l.life)
			}
			for range 4 {
				l.wait(10 * time.Minute)
				l.a.reads(l.life)
			}
		})
	}
	done := live(time.Nanosecond, func(l *living) { l.done() })
	perform(t, []play{
		{"LRO-13", "never done", never(false), Inconclusive},
		{"LRO-13", "done", done, Pass},
		{"LRO-13", "not long enough to know", live(time.Nanosecond, func(l *living) { l.a.reads(l.life) }), NotExercised},
		{"CXL-08", "never done after Cancel", never(true), Inconclusive},
		{"CXL-08", "never cancelled", never(false), NotExercised},
	})
}

// What the checker had to forget is still compared with.
func TestForgottenOperations(t *testing.T) {
	s := newScene(t)
	live(time.Nanosecond, func(l *living) {
		l.done()
		c := NewChecker(s.env, []*Rule{Find("LRO-01"), Find("LRO-02")})
		for _, e := range s.events {
			c.Observe(e)
		}
		op := c.ops[l.op.GetId()]
		c.gone[c.hashOf(op.ID)] = Gone{Outcome: op.Done.Answer.Outcome()[0]}.packed()
		delete(c.ops, op.ID)
		before := len(s.events)
		l.showing(pending, func() { l.a.reads(l.life) })
		l.showing(func(m *operation.Operation) { flip(m, nil) }, func() { l.b.reads(l.life) })
		for _, e := range s.events[before:] {
			c.Observe(e)
		}
		for _, r := range c.End() {
			if r.Verdict != Fail {
				t.Errorf("%s", describe(r))
			}
		}
	})(s)
}

// Operations that never end are no reason to remember everything.
func TestCheckerIsBounded(t *testing.T) {
	s := newScene(t)
	c := s.client("first", overGRPC)
	check := NewChecker(s.env, []*Rule{Find("LRO-01")})
	for range 3*maxOps + 10 {
		s.events = nil
		c.begins(MethodCreate, copyOf(s, "n", "d"), time.Second)
		for _, e := range s.events {
			check.Observe(e)
		}
	}
	if n := len(check.ops); n > 2*maxOps || check.Evicted() == 0 {
		t.Errorf("%d operations are remembered and %d forgotten, want at most %d", n, check.Evicted(), 2*maxOps)
	}
}
