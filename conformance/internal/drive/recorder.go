// Package drive is traffic for a server to be judged by: a client for every
// protocol that records what was on the wire, and the calls that exercise the
// rules.
package drive

import (
	"sync"
	"time"

	"github.com/optest-dev/optest/conformance/internal/exchange"
	"github.com/optest-dev/optest/conformance/internal/rules"
	"github.com/optest-dev/optest/trace"
)

// Recorder takes events in, each once its call has ended, and knows when it was
// stalled itself. It is safe for concurrent use.
type Recorder struct {
	*exchange.Recorder

	mu       sync.Mutex
	stalls   []rules.Span
	watching chan struct{} // closed to end the watch, nil without one
	watched  sync.WaitGroup
}

// NewRecorder hands every event to the function, one at a time and in the order of
// their returns.
func NewRecorder(each func(*trace.Event)) *Recorder {
	r := &Recorder{Recorder: exchange.NewRecorder(trace.NewRedactor(), each)}
	r.Store = trace.NewStore(trace.DefaultStore) // all events of a run are kept
	return r
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
	start := r.Start()
	r.watched.Go(func() {
		ticker := time.NewTicker(heartbeat)
		defer ticker.Stop()
		last := time.Since(start)
		for {
			select {
			case <-stop:
				return
			case <-ticker.C:
			}
			now := time.Since(start)
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
