package mockserver

import (
	"context"
	"sync"
	"time"
)

// clock is the server's time: that of package time, so the fake one inside a
// testing/synctest bubble, times a speed, plus what Advance has added.
type clock struct {
	start time.Time
	speed float64

	mu     sync.Mutex
	offset time.Duration
	moved  chan struct{} // closed and replaced by advance
}

// longest is how far speed and Advance each may bring the clock, about 100
// years: the sum still fits a time.Duration.
const longest = 100 * 365 * 24 * time.Hour

func newClock(speed float64) *clock {
	return &clock{start: time.Now(), speed: speed, moved: make(chan struct{})}
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.speed == 1 {
		return time.Now().Add(c.offset)
	}
	elapsed := time.Duration(min(float64(time.Since(c.start))*c.speed, float64(longest)))
	return c.start.Add(elapsed + c.offset)
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset = min(c.offset+min(d, longest), longest)
	close(c.moved)
	c.moved = make(chan struct{})
}

// sleep returns when the clock has gone on by d, when stop is closed, or with the
// context's error.
func (c *clock) sleep(ctx context.Context, d time.Duration, stop <-chan struct{}) error {
	until := c.now().Add(d)
	for {
		c.mu.Lock()
		moved := c.moved
		c.mu.Unlock()
		left := until.Sub(c.now())
		if left <= 0 {
			return ctx.Err()
		}
		timer := time.NewTimer(max(1, time.Duration(float64(left)/c.speed)))
		select {
		case <-timer.C:
		case <-moved:
			timer.Stop()
		case <-stop:
			timer.Stop()
			return nil
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}
