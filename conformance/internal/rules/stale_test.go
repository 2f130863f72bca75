package rules

import (
	"testing"
	"time"
)

// Where reads may be stale, what a write has answered binds no read within the
// window, be it on the same connection: it may go to a replica that does not know of
// the write yet.
func TestReadsBehindWrites(t *testing.T) {
	// ended cancels over one connection what is then done, and goes on after a while.
	ended := func(after time.Duration, on func(l *living)) func(*scene) {
		return live(time.Nanosecond, func(l *living) {
			staleReads(l.scene)
			l.wait(time.Minute)
			l.stops()
			l.a.cancels(l.life)
			l.wait(after)
			on(l)
		})
	}
	isPending := func(l *living) { l.showing(pending, func() { l.a.reads(l.life) }) }
	twice := func(l *living) { l.a.cancels(l.life); isPending(l) }
	missing := func(l *living) { isMissed(l, l.a) }
	soon, late := 100*time.Millisecond, time.Minute
	perform(t, []play{
		{"LRO-01", "soon", ended(soon, isPending), NotExercised},
		{"LRO-01", "late", ended(late, isPending), Fail},
		{"LRO-15", "soon", ended(soon, missing), NotExercised},
		{"LRO-15", "late", ended(late, missing), Warned},
		{"LRO-18", "behind a write", ended(soon, isPending), NotExercised},
		{"LRO-18", "behind a read", ended(soon, func(l *living) { l.a.reads(l.life); isPending(l) }), Warned},
		{"CXL-02", "soon", ended(soon, twice), Pass},
		{"CXL-02", "late", ended(late, twice), Fail},
		{"CXL-05", "soon", ended(soon, twice), Pass},
		{"CXL-05", "late", ended(late, twice), Fail},
		{"LRO-10", "soon", live(time.Nanosecond, func(l *living) {
			staleReads(l.scene)
			l.failed()
			l.b.cancels(l.life)
			l.showing(pending, func() { l.b.reads(l.life) })
		}), NotExercised},
	})
}
