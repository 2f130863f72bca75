package rules

import (
	"testing"
	"time"
)

// BenchmarkRules holds all rules against operations that are polled a hundred
// times each, which is what a trace mostly is. The bar is 250,000 events a second
// on one core.
func BenchmarkRules(b *testing.B) {
	s := newScene(b)
	reader := s.client("first", overGRPC)
	const operations, polls = 500, 100
	for range operations {
		l := reader.begins(MethodCreate, copyOf(s, "an image", s.env.Desktops.Succeeds), time.Nanosecond)
		for range polls - 2 {
			s.wait(time.Second)
			reader.reads(l)
		}
		l.succeeds()
		reader.reads(l)
		reader.reads(l)
	}
	list := All()
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		c := NewChecker(s.env, list)
		for _, e := range s.events {
			c.Observe(e)
		}
		c.End()
	}
	b.ReportMetric(float64(b.N)*float64(len(s.events))/b.Elapsed().Seconds(), "events/s")
}
