package rules

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/optest-dev/optest/trace"
)

// A trace of so many operations with so many polls each, of which the last tenth
// comes after the end.
const (
	benchOperations = 1000
	benchPolls      = 100
)

// polled is such a trace over one protocol, with blobs and callers shared as
// observers share them. Three readers poll by turns.
func polled(tb testing.TB, w wire, operations, polls int) (*Env, []*trace.Event) {
	tb.Helper()
	s := newScene(tb)
	store := trace.NewStore(0)
	readers := []*client{s.client("first", w), s.client("second", w), s.client("third", w)}
	lives := make([]*life, operations)
	keep := func(e *trace.Event) {
		if e.Request != nil {
			e.Request = store.Blob(e.Request.Bytes())
		}
		e.Response = store.Blob(e.Response.Bytes())
		e.RequestHeader, e.ResponseHeader, e.Trailer = store.Fields(e.RequestHeader), store.Fields(e.ResponseHeader), store.Fields(e.Trailer)
	}
	for i := range lives {
		lives[i] = s.server.make(MethodCreate, copyOf(s, fmt.Sprintf("image %d", i), s.env.Desktops.Succeeds), time.Nanosecond)
		keep(lives[i].answers(readers[i%3]))
	}
	for n := range polls {
		for i, l := range lives {
			if n == polls*9/10 {
				l.succeeds()
			}
			keep(readers[(n+i)%3].reads(l))
		}
		s.wait(time.Second)
	}
	return s.env, s.events
}

// BenchmarkRules holds a recorded trace against the whole table on one core.
func BenchmarkRules(b *testing.B) {
	for _, w := range []wire{overGRPC, overConnectJSON, overREST} {
		b.Run(w.String(), func(b *testing.B) {
			env, events := polled(b, w, benchOperations, benchPolls)
			events = InOrder(events)
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
			b.ReportAllocs()
			for b.Loop() {
				c := NewChecker(env, All())
				for _, e := range events {
					c.Observe(e)
				}
				for _, r := range c.End() {
					if r.Verdict == Fail {
						b.Fatal(describe(r))
					}
				}
			}
			perSecond := float64(len(events)) * float64(b.N) / b.Elapsed().Seconds()
			b.ReportMetric(perSecond, "events/s")
			b.ReportMetric(0, "ns/op")
		})
	}
}
