package mockserver

import "time"

// takeJournal makes the old session's journal that of ss, for which no time has
// passed since. The pauses between calls stay what they were: the times of those
// in the journal are moved by as much as the clock is.
func (ss *session) takeJournal(old *session) {
	now := old.clock.now()
	by := ss.clock.now().Sub(now)
	ss.journal = old.journal
	ss.born = old.born.Add(by)
	ss.moved = ss.journal.move(by)
}

// move has the calls begun and ended by so much later, those too that are yet to
// end in the session before. It returns how much that is in all.
func (j *journal) move(by time.Duration) time.Duration {
	j.mu.Lock()
	defer j.mu.Unlock()
	for i := range j.n {
		r := j.ring[(j.first+i)%len(j.ring)]
		r.Begin, r.End = r.Begin.Add(by), r.End.Add(by)
	}
	j.moved += by
	return j.moved
}
