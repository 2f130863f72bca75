package mockserver

import (
	"sync"
	"time"
)

// maxJournal bounds what the messages and headers of remembered calls take, in
// bytes, whatever their number.
const maxJournal = 256 << 20

// journal remembers the latest calls.
type journal struct {
	limit int

	mu    sync.Mutex
	ring  []*record
	first int // where the oldest is
	n     int // how many there are
	size  int // of them all
	// total numbers the latest call. Those before it count on, remembered or not.
	total   uint64
	dropped uint64        // by clear
	wake    chan struct{} // closed at the next call; nil while nobody waits
	// moved is by how much the times of the calls have been moved since the first
	// session that the journal was of; see move.
	moved time.Duration
}

func newJournal(limit int) *journal { return &journal{limit: limit} }

// add numbers an ended call and keeps it. The journal owns it from here on, and
// uses those again that have to make room.
func (j *journal) add(r *record) (number uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.total++
	r.Number = j.total
	if by := j.moved - r.moved; by != 0 {
		r.Begin, r.End = r.Begin.Add(by), r.End.Add(by)
	}
	size := r.size()
	for j.n == j.limit || j.n > 0 && j.size+size > maxJournal {
		j.forget()
	}
	if j.n == len(j.ring) {
		ring := make([]*record, min(j.limit, max(16, 2*j.n)))
		copy(ring[copy(ring, j.ring[j.first:]):], j.ring[:j.first])
		j.ring, j.first = ring, 0
	}
	j.ring[(j.first+j.n)%len(j.ring)] = r
	j.n++
	j.size += size
	if j.wake != nil {
		close(j.wake)
		j.wake = nil
	}
	return j.total
}

// forget makes room for one.
func (j *journal) forget() {
	oldest := j.ring[j.first]
	j.ring[j.first] = nil
	j.first = (j.first + 1) % len(j.ring)
	j.n--
	j.size -= oldest.size()
	oldest.reuse()
}

// clear forgets all calls. Numbers go on.
func (j *journal) clear() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.ring, j.first, j.n, j.size, j.dropped = nil, 0, 0, 0, j.total
}

// list returns copies, the oldest first, and how many are forgotten.
func (j *journal) list() (calls []Call, forgotten uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.sinceLocked(0, j.n), j.forgotten()
}

// since returns copies of at most so many calls with greater numbers, the oldest
// first, how many are forgotten and, where there are none, what is closed when
// there is one.
func (j *journal) since(number uint64, most int) (calls []Call, forgotten uint64, next <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if calls = j.sinceLocked(number, most); calls != nil {
		return calls, j.forgotten(), nil
	}
	if j.wake == nil {
		j.wake = make(chan struct{})
	}
	return nil, j.forgotten(), j.wake
}

func (j *journal) sinceLocked(number uint64, most int) []Call {
	before := j.total - uint64(j.n) // the number of the last that is not there
	skip := 0
	if number > before {
		skip = int(min(number-before, uint64(j.n)))
	}
	var calls []Call
	for i := skip; i < j.n && len(calls) < most; i++ {
		calls = append(calls, j.ring[(j.first+i)%len(j.ring)].call())
	}
	return calls
}

func (j *journal) forgotten() uint64 { return j.total - j.dropped - uint64(j.n) }
