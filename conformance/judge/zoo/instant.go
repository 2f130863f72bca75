package zoo

import (
	"time"

	"github.com/optest-dev/optest/conformance/judge/honest"
)

// instant has operations done in the first answer, but for one that shows its
// failure a moment before its end.
func instant(c *honest.Core) {
	c.Copying, c.Deleting = 0, 0
	for desktop, f := range c.Fates {
		if f.Takes = 0; f.Shows > 0 {
			f.Shows, f.Takes = time.Millisecond, 3*time.Second
		}
		c.Fates[desktop] = f
	}
}
