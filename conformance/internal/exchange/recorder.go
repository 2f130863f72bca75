package exchange

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/optest-dev/optest/trace"
)

// Recorder numbers and stamps events and hands them on. It is safe for concurrent
// use.
type Recorder struct {
	Store    *trace.Store
	Redactor *trace.Redactor
	each     func(*trace.Event) // called with the lock held, in the order of returns

	start time.Time
	last  atomic.Int64 // offset from start
	held  atomic.Int64 // bytes of calls under way

	mu     sync.Mutex
	number uint64
}

// maxStored is the memory that events share what they have in common in: polls of
// some thousands of operations. Headers that differ in each call go through it.
const maxStored = 16 << 20

// NewRecorder hands every event to the function, one at a time and in the order of
// their returns.
func NewRecorder(redactor *trace.Redactor, each func(*trace.Event)) *Recorder {
	return &Recorder{Store: trace.NewStore(maxStored), Redactor: redactor, each: each, start: time.Now()}
}

// Start is what offsets count from.
func (r *Recorder) Start() time.Time { return r.start }

// Now is a moment after all those that were asked for before. In virtual time,
// calls take none, but of two the second still comes later.
func (r *Recorder) Now() time.Duration {
	for {
		last := r.last.Load()
		now := max(int64(time.Since(r.start)), last+1)
		if r.last.CompareAndSwap(last, now) {
			return time.Duration(now)
		}
	}
}

// End stamps the event and hands it on.
func (r *Recorder) End(e *trace.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.number++
	e.Number, e.Returned = r.number, r.Now()
	r.each(e)
}

// Do calls the function while no event is handed on.
func (r *Recorder) Do(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
}

// Fields are headers as an event keeps them.
func (r *Recorder) Fields(header map[string][]string) trace.Fields {
	if len(header) == 0 {
		return nil
	}
	scratch := scratches.Get().(*trace.Fields)
	*scratch = r.Redactor.AppendMap((*scratch)[:0], header)
	kept := r.Store.Fields(*scratch)
	scratches.Put(scratch)
	return kept
}

// scratches are lists on their way to a store, which copies those that it has not
// got.
var scratches = sync.Pool{New: func() any { return new(trace.Fields) }}
