package zoo

import (
	"time"

	"github.com/optest-dev/optest/conformance/judge/honest"
)

// skewed has images stamped by other clocks than operations: one is ahead, one
// behind. Copies end so soon that an image may have been made after its operation has
// ended, by the stamps of both.
func skewed(c *honest.Core) {
	const skew = 2 * time.Second
	c.Fates[honest.Works] = honest.Fate{Takes: 1500 * time.Millisecond}
	c.Skew = func(n int) time.Duration {
		if n%2 == 0 {
			return skew
		}
		return -skew
	}
}
