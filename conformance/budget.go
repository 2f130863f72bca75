package conformance

import (
	"time"

	"github.com/optest-dev/optest/conformance/internal/drive"
)

// Budget bounds a run in real time. What is 0 has the default; what is negative
// has no bound. Images that a run has made are deleted at its end, whatever is
// left of the budget.
type Budget struct {
	// Rate is requests a second on average. Default: 2, and 500 for servers on the
	// same machine.
	Rate float64
	// Creates are images made. Default: 1, and no bound for servers on the same
	// machine. What needs more is left out, and the report says so.
	Creates int
	// Requests default to 1,000, and to 20,000 for servers on the same machine.
	Requests int
	// Time is how long the run may take. Default: 15 minutes.
	Time time.Duration
	// Operation is how long to wait for one operation. Default: 10 minutes. In virtual
	// time it is 24 hours.
	Operation time.Duration
	// Cleanup is how long the deletion may take. Default: 2 minutes.
	Cleanup time.Duration
}

// careful and generous are the defaults.
var (
	careful  = Budget{Rate: 2, Creates: 1, Requests: 1000, Time: 15 * time.Minute, Operation: 10 * time.Minute, Cleanup: 2 * time.Minute}
	generous = Budget{Rate: 500, Creates: -1, Requests: 20_000, Time: 15 * time.Minute, Operation: 10 * time.Minute, Cleanup: 2 * time.Minute}
)

// or takes what is 0 from the defaults, and then 0 for what has no bound.
func (b Budget) or(defaults Budget) Budget {
	return Budget{
		Rate:      bounded(b.Rate, defaults.Rate),
		Creates:   bounded(b.Creates, defaults.Creates),
		Requests:  bounded(b.Requests, defaults.Requests),
		Time:      bounded(b.Time, defaults.Time),
		Operation: bounded(b.Operation, defaults.Operation),
		Cleanup:   bounded(b.Cleanup, defaults.Cleanup),
	}
}

func bounded[N int | float64 | time.Duration](n, otherwise N) N {
	if n == 0 {
		n = otherwise
	}
	return max(n, 0)
}

func (b Budget) driven() *drive.Budget {
	return &drive.Budget{Rate: b.Rate, Creates: b.Creates, Requests: b.Requests, Time: b.Time}
}
