package honest

import (
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Desktops by what becomes of a copy of them. There are no others.
const (
	Works      = "honest-desktop-that-works"
	Breaks     = "honest-desktop-that-breaks"
	BreaksLate = "honest-desktop-that-breaks-late"

	Absent = "honest-no-such-desktop"
)

// Fate is what becomes of an operation.
type Fate struct {
	Takes   time.Duration
	Failure *status.Status // nil: it succeeds
	Shows   time.Duration  // after which the failure shows, 0: with the end
}

func usual() map[string]Fate {
	return map[string]Fate{
		Works:      {Takes: 45 * time.Second},
		Breaks:     {Takes: 7 * time.Second, Failure: status.New(codes.FailedPrecondition, "The desktop is locked by another operation")},
		BreaksLate: {Takes: 50 * time.Second, Failure: status.New(codes.ResourceExhausted, "The folder has no room for another image"), Shows: 12 * time.Second},
	}
}
