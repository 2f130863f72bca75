package drive

import (
	"time"
)

// Times between polls. They grow with what is waited for, so that a life of seconds
// is seen as closely as one of hours.
const (
	firstGap = time.Second
	// rareGap is the first where time is everybody's, denseGap where requests are
	// cheap besides.
	rareGap  = 500 * time.Millisecond
	denseGap = 50 * time.Millisecond

	closely = 20 // polls while the time that has passed grows by a factor of e
	loosely = 4
)

// gap is how long to wait after so much time, more or less.
func (s *stage) gap(passed time.Duration, polls int) time.Duration {
	first := firstGap
	switch {
	case s.live() && s.sparing():
		first = rareGap
	case s.live():
		first = denseGap
	}
	d := max(first, passed/time.Duration(polls))
	return d*7/10 + time.Duration(s.draw.Int64N(int64(d*6/10)))
}

// patience is how long to wait for an operation of a desktop: for one that is
// known never to end, not long.
func (w *World) patience(desktop string) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.spans[desktop].endless {
		return w.plan.Bound / 50
	}
	return w.plan.Bound
}

// given reports whether an operation has taken too long to wait any longer.
func (w *World) given(l *life) bool {
	passed := time.Since(l.began)
	if passed <= w.patience(l.desktop) {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if known := w.spans[l.desktop]; !l.cancelled && passed > w.plan.Bound {
		known.endless = true
		w.spans[l.desktop] = known
	}
	return true
}

// learn notes how long an operation has taken that nobody has cancelled.
func (w *World) learn(l *life) {
	if l.cancelled {
		return
	}
	passed := time.Since(l.began)
	w.mu.Lock()
	defer w.mu.Unlock()
	known := w.spans[l.desktop]
	switch {
	case !l.done && known.done == 0:
		known.running = max(known.running, passed)
	case l.done && known.done == 0:
		known.done = passed
		fallthrough
	case l.done:
		known.endless = false
	}
	w.spans[l.desktop] = known
}

// spanOf is what is known of a desktop's operations, zero if nothing.
func (w *World) spanOf(desktop string) span {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.spans[desktop]
}

// follow polls operations until all are done or have taken too long: each in every
// round, all connections taking turns. In each round, the function is called for
// each operation that is not done yet; it may be nil.
func (s *stage) follow(lives []*life, each func(round int, l *life)) {
	start := time.Now()
	for round := 1; !s.gone(); round++ {
		open := 0
		for i, l := range lives {
			if l.id == "" || l.done || s.given(l) {
				continue
			}
			open++
			s.read(s.turn(round+i), l)
			s.learn(l)
			if each != nil {
				each(round, l)
			}
		}
		if open == 0 {
			return
		}
		s.pass(s.gap(time.Since(start), loosely))
	}
}

// observe is follow with as many eyes as there are: in every round all readers
// read, each over the protocol whose turn it is, and now and then all connections
// at once. It returns how many reads it has made.
func (s *stage) observe(l *life, each func(round int)) (reads int) {
	if l.id == "" {
		return 0
	}
	list := s.protocols()
	eyes := s.many(readers)
	for round := 1; !s.gone() && !l.done && !s.given(l); round++ {
		for reader := range eyes {
			s.read(s.conn(reader, list[(round+reader)%len(list)]), l)
			reads++
		}
		const seldom = 5
		if round%seldom == 2 {
			reads += s.overlap(l)
		}
		s.learn(l)
		if each != nil {
			each(round)
		}
		s.pass(s.gap(time.Since(l.began), closely))
	}
	return reads
}

// overlap reads an operation over many connections at once, and returns over how
// many.
func (s *stage) overlap(l *life) int {
	conns := s.everyone()
	conns = conns[:s.many(len(conns))]
	replies := make([]*reply, len(conns))
	var tasks []func(*stage)
	for i, c := range conns {
		tasks = append(tasks, func(own *stage) { replies[i] = own.get(c, l.id) })
	}
	s.together(tasks...)
	for _, r := range replies {
		if r != nil {
			l.see(r)
		}
	}
	return len(conns)
}

// settle reads operations that are done over all connections, so often over each.
func (s *stage) settle(times int, lives ...*life) {
	for _, l := range lives {
		if !l.done {
			continue
		}
		conns := s.everyone()
		conns = conns[:s.many(len(conns))]
		for range s.many(times) {
			for _, c := range conns {
				s.read(c, l)
			}
		}
	}
}

// witness has two other readers look at operations that are done. They have not
// looked for long, or never.
func (s *stage) witness(lives ...*life) {
	for i, l := range lives {
		if l.id == "" {
			continue
		}
		for n := range s.many(readers) {
			s.read(s.turn(i+n), l)
		}
	}
}

// until polls an operation over one connection until the condition holds, the
// operation is done or it has taken too long, and reports whether the condition
// holds.
func (s *stage) until(c *Conn, l *life, condition func(*life) bool) bool {
	for !s.gone() && l.id != "" {
		if condition(l) {
			return true
		}
		if l.done || s.given(l) {
			return false
		}
		s.pass(s.gap(time.Since(l.began), closely))
		s.read(c, l)
		s.learn(l)
	}
	return false
}
