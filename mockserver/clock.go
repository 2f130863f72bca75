package mockserver

import (
	"context"
	"sync"
	"time"
)

// clock is the server's time: that of package time, so the fake one inside a
// testing/synctest bubble, times a speed, plus what Advance has added.
type clock struct {
	mu     sync.Mutex
	start  time.Time // real
	base   time.Time // what the clock said then
	speed  float64
	offset time.Duration
	moved  chan struct{} // closed and replaced by advance
}

// longest is how far speed and Advance each may bring the clock, about 100
// years: the sum still fits a time.Duration.
const longest = 100 * 365 * 24 * time.Hour

func newClock(speed float64) *clock { return clockAt(time.Now(), speed) }

// clockAt is a clock that says now, and goes on from there.
func clockAt(now time.Time, speed float64) *clock {
	return &clock{start: time.Now(), base: now, speed: speed, moved: make(chan struct{})}
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.nowLocked()
}

func (c *clock) nowLocked() time.Time {
	elapsed := time.Since(c.start)
	if c.speed != 1 {
		elapsed = time.Duration(min(float64(elapsed)*c.speed, float64(longest)))
	}
	return c.base.Add(elapsed + c.offset)
}

// read tells the time and the speed.
func (c *clock) read() (time.Time, float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.nowLocked(), c.speed
}

// run makes the clock go on at another speed, and tells sleepers.
func (c *clock) run(speed float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.base, c.start, c.offset, c.speed = c.nowLocked(), time.Now(), 0, speed
	close(c.moved)
	c.moved = make(chan struct{})
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
		moved, speed := c.moved, c.speed
		c.mu.Unlock()
		left := until.Sub(c.now())
		if left <= 0 {
			return ctx.Err()
		}
		timer := time.NewTimer(max(1, time.Duration(float64(left)/speed)))
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
