package honest

import (
	"time"

	"google.golang.org/protobuf/proto"
)

// course is a resource as it was, is and will be. What is due in the future is
// known from the start, so that nothing needs a timer, and what was can still be
// read.
type course[M proto.Message] struct{ versions []version[M] }

type version[M proto.Message] struct {
	from  time.Time
	state M // the zero value: there is none
}

// at is the state at a time. Of two versions from one moment, the later made
// counts. It is not to be changed.
func (c *course[M]) at(t time.Time) (state M) {
	for i := len(c.versions) - 1; i >= 0; i-- {
		if !c.versions[i].from.After(t) {
			return c.versions[i].state
		}
	}
	return state
}

// plan adds what comes after all that is known.
func (c *course[M]) plan(from time.Time, state M) {
	c.versions = append(c.versions, version[M]{from, state})
}

// turn has the course go another way from a time on.
func (c *course[M]) turn(from time.Time, state M) {
	kept := c.versions[:0:0]
	for _, v := range c.versions {
		if !v.from.After(from) {
			kept = append(kept, v)
		}
	}
	c.versions = append(kept, version[M]{from, state})
}

// last is the latest state up to a time in which the resource is not gone.
func (c *course[M]) last(t time.Time, gone func(M) bool) (state M) {
	for _, v := range c.versions {
		if !v.from.After(t) && !gone(v.state) {
			state = v.state
		}
	}
	return state
}
