package holdout

import (
	"time"

	"google.golang.org/protobuf/proto"
)

// cached is an answer that is given again for a minute.
type cached struct {
	answer proto.Message
	since  time.Time
}

func newCached(answer proto.Message) cached { return cached{answer, time.Now()} }

func (c cached) fresh() bool { return time.Since(c.since) < time.Minute }
