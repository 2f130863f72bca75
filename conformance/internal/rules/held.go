package rules

import "time"

// held are judgements that wait for calls which may still be under way. Events
// come when their calls return, so that what a read shows may be due to a call
// that is told of later.
type held struct {
	list []judgement
	now  time.Duration
}

type judgement struct {
	due   time.Duration
	judge func(*Sink)
}

const (
	// longestCall is how long a call may take that explains what another has shown.
	longestCall = 5 * time.Minute

	// maxHeld bounds what waits. What comes beyond it is not judged: as much as that
	// has something of everything.
	maxHeld = 4096
)

// hold has a judgement wait until all calls have returned that were under way when
// s returned, or as long again if it was held before.
func (h *held) hold(s *Seen, judge func(*Sink)) {
	if len(h.list) < maxHeld {
		h.list = append(h.list, judgement{max(s.Returned, h.now) + longestCall, judge})
	}
}

// release makes the judgements that have waited long enough. It is called with
// each event before anything else.
func (h *held) release(now *Seen, sink *Sink) {
	h.now = now.Called
	for len(h.list) > 0 && h.list[0].due < h.now {
		j := h.list[0]
		h.list[0] = judgement{}
		h.list = h.list[1:]
		j.judge(sink)
	}
}

// end makes all judgements.
func (h *held) end(sink *Sink) {
	for len(h.list) > 0 {
		list := h.list
		h.list = nil
		for _, j := range list {
			j.judge(sink)
		}
	}
}
