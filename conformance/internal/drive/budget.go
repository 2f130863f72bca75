package drive

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Budget bounds what a run asks of a server that others use too, or that costs
// money. Of what is 0 there is no bound.
type Budget struct {
	// Rate is requests a second. Several at once are paid for in advance.
	Rate float64
	// Creates are images made. A server that accepts what it has to refuse can be
	// made to make one more.
	Creates int
	// Requests do not count those of the cleanup.
	Requests int
	// Time is how long the run may take, without the cleanup.
	Time time.Duration
}

// ErrSpent ends a run whose budget is used up.
var ErrSpent = errors.New("budget used up")

// ledger is a budget and what is left of it.
type ledger struct {
	budget Budget
	start  time.Time

	mu       sync.Mutex
	next     time.Time // of the next request
	requests int
	creates  int
	closing  bool // what is sent is the cleanup
}

func newLedger(b Budget) *ledger { return &ledger{budget: b, start: time.Now()} }

// prepaid marks a context whose requests have been paid for.
type prepaid struct{}

// pay waits until n requests may be sent at once, and returns the context to send
// them in.
func (l *ledger) pay(ctx context.Context, n int) (context.Context, error) {
	wait, err := l.take(n)
	if err != nil {
		return ctx, err
	}
	if err := sleep(ctx, wait); err != nil {
		return ctx, err
	}
	return context.WithValue(ctx, prepaid{}, true), nil
}

// pace is a Conn's: it waits until one request may be sent.
func (l *ledger) pace(ctx context.Context) error {
	if ctx.Value(prepaid{}) != nil {
		return nil
	}
	_, err := l.pay(ctx, 1)
	return err
}

func (l *ledger) take(n int) (time.Duration, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if !l.closing {
		if most := l.budget.Requests; most > 0 && l.requests+n > most {
			return 0, fmt.Errorf("optest: %w: %d requests", ErrSpent, most)
		}
		if most := l.budget.Time; most > 0 && now.Sub(l.start) > most {
			return 0, fmt.Errorf("optest: %w: a run of %v", ErrSpent, most)
		}
	}
	l.requests += n
	if l.budget.Rate <= 0 {
		return 0, nil
	}
	gap := time.Duration(float64(time.Second) / l.budget.Rate)
	if l.next.Before(now) {
		l.next = now
	}
	// The last of them goes out when its turn has come, and the others with it.
	at := l.next.Add(time.Duration(n-1) * gap)
	l.next = at.Add(gap)
	return at.Sub(now), nil
}

// mayCreate reserves an image. A call that has to be refused may go out when all
// are used up, but not once the server has accepted one such call beyond that.
func (l *ledger) mayCreate(refusable bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	most := l.budget.Creates
	if most > 0 && refusable {
		most++
	}
	if most > 0 && l.creates >= most {
		return false
	}
	l.creates++
	return true
}

// refused gives an image back that was not made.
func (l *ledger) refused() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.creates--
}

// affords reports whether so many more images may be made.
func (l *ledger) affords(creates int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.budget.Creates <= 0 || l.creates+creates <= l.budget.Creates
}

// left is the time that is left, and false where there is no bound.
func (l *ledger) left() (time.Duration, bool) {
	if l.budget.Time <= 0 {
		return 0, false
	}
	return l.budget.Time - time.Since(l.start), true
}

// close has everything from now on be the cleanup.
func (l *ledger) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closing = true
}

func (l *ledger) used() (requests, creates int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.requests, l.creates
}

// sleep waits, or returns the context's error.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
