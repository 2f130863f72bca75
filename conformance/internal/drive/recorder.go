// Package drive is traffic for a server to be judged by: a client for every
// protocol that records what was on the wire, and the calls that exercise the
// rules.
package drive

import (
	"sync"
	"time"

	"github.com/optest-dev/optest/conformance/internal/rules"
	"github.com/optest-dev/optest/trace"
)

// Recorder takes events in, each once its call has ended. It is safe for
// concurrent use.
type Recorder struct {
	store *trace.Store
	each  func(*trace.Event) // called with the lock held, in the order of returns

	mu       sync.Mutex
	start    time.Time
	last     time.Duration
	number   uint64
	stalls   []rules.Span
	watching chan struct{} // closed to end the watch, nil without one
	watched  sync.WaitGroup
}

// NewRecorder hands every event to the function, one at a time and in the order of
// their returns.
func NewRecorder(each func(*trace.Event)) *Recorder {
	return &Recorder{store: trace.NewStore(0), each: each, start: time.Now()}
}

// Start is what offsets count from.
func (r *Recorder) Start() time.Time { return r.start }

// now is a moment after all those that were asked for before. In virtual time,
// calls take none, but of two the second still comes later.
func (r *Recorder) now() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.nowLocked()
}

func (r *Recorder) nowLocked() time.Duration {
	r.last = max(time.Since(r.start), r.last+1)
	return r.last
}

// ended stamps the event and hands it on.
func (r *Recorder) ended(e *trace.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.number++
	e.Number, e.Returned = r.number, r.nowLocked()
	r.each(e)
}

// The recorder is stalled when its own timer is so late: then what seems to be a
// slow server may be a slow observer.
const (
	heartbeat = 100 * time.Millisecond
	tolerable = 250 * time.Millisecond
)

// Watch has the recorder notice when it is stalled itself, until Rest.
func (r *Recorder) Watch() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.watching != nil {
		return
	}
	stop := make(chan struct{})
	r.watching = stop
	r.watched.Go(func() {
		ticker := time.NewTicker(heartbeat)
		defer ticker.Stop()
		last := time.Since(r.start)
		for {
			select {
			case <-stop:
				return
			case <-ticker.C:
			}
			now := time.Since(r.start)
			r.beat(last, now)
			last = now
		}
	})
}

// beat notes a span between two heartbeats if it was too long.
func (r *Recorder) beat(last, now time.Duration) {
	if now-last <= heartbeat+tolerable {
		return
	}
	const most = 1000
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.stalls) < most {
		r.stalls = append(r.stalls, rules.Span{From: last, Until: now})
	}
}

// Rest ends Watch.
func (r *Recorder) Rest() {
	r.mu.Lock()
	if r.watching != nil {
		close(r.watching)
		r.watching = nil
	}
	r.mu.Unlock()
	r.watched.Wait()
}

// Stalls are the spans in which the recorder was stalled.
func (r *Recorder) Stalls() []rules.Span {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stalls
}
