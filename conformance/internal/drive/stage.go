package drive

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// stage is where a script acts. Once the run has ended, its calls do nothing and
// its waits take no time, so that scripts need not ask.
type stage struct {
	*World
	ctx   context.Context
	draw  *rand.Rand // the script's own, so that scripts don't depend on each other
	short bool       // it could not make all images that it needed
}

func (w *World) stage(ctx context.Context, name string) *stage {
	h := uint64(14695981039346656037) // FNV-1a
	for _, b := range []byte(name) {
		h = (h ^ uint64(b)) * 1099511628211
	}
	return &stage{World: w, ctx: ctx, draw: rand.New(rand.NewPCG(w.plan.Seed, h))}
}

// gone reports whether there is nothing more to do.
func (s *stage) gone() bool { return s.Over() != nil }

// wait lets time pass: as much as asked where time is free, and little of it
// elsewhere.
func (s *stage) wait(d time.Duration) {
	if s.gone() {
		return
	}
	if s.live() {
		const longest = 2 * time.Second
		d = min(d, longest)
	}
	s.pass(d)
}

// pass lets exactly so much time pass.
func (s *stage) pass(d time.Duration) {
	if s.gone() {
		return
	}
	if left, bounded := s.ledger.left(); bounded && d > left {
		d = max(0, left)
	}
	if err := sleep(s.ctx, d); err != nil {
		s.end(fmt.Errorf("optest: the run was ended: %w", context.Cause(s.ctx)))
	}
}

// together runs functions at once, after all the requests in them have been paid
// for, and waits for them.
func (s *stage) together(tasks ...func(*stage)) {
	ctx, err := s.ledger.pay(s.ctx, len(tasks))
	if err != nil {
		s.end(err)
		return
	}
	var wg sync.WaitGroup
	for _, task := range tasks {
		// Each has a copy: what it finds out is in what they share.
		own := &stage{World: s.World, ctx: ctx}
		wg.Go(func() { task(own) })
	}
	wg.Wait()
}
