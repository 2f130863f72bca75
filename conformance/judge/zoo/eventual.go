package zoo

import (
	"time"

	"github.com/optest-dev/optest/conformance/judge/honest"
)

// lag is how far the replica that lags most is behind.
const lag = 4 * time.Second

// lags has reads go to one of three replicas, the same for all calls of a
// connection: one that is up to date and two that show what was a while ago. So an
// operation is not found at first, and one that is done for one reader still runs
// for another.
func lags(c *honest.Core) {
	replicas := []time.Duration{lag, 0, 1500 * time.Millisecond}
	c.Moment = func(call *honest.Call) time.Time {
		return time.Now().Add(-replicas[int(call.Conn)%len(replicas)])
	}
}
