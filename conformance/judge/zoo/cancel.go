package zoo

import (
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/optest-dev/optest/conformance/judge/honest"
)

// cancelsNothing refuses Cancel of whatever is under way: best effort may be none.
func cancelsNothing(c *honest.Core) {
	c.Cancel = func(*honest.Job, time.Time) error {
		return status.Error(codes.FailedPrecondition, "Operations of this service can't be cancelled")
	}
}

// cancelsLate has operations react to Cancel after a while only. Those that end
// earlier succeed in spite of it, and those that have begun to fail by then fail
// for the reason that they have shown.
func cancelsLate(c *honest.Core) {
	const reaction = 15 * time.Second
	stopping := map[*honest.Job]bool{}
	c.Cancel = func(j *honest.Job, now time.Time) error {
		end := now.Add(reaction)
		if then := j.At(end); !stopping[j] && !then.GetDone() && then.GetError() == nil {
			stopping[j] = true
			j.Stop(end, end)
		}
		return nil
	}
}

// rollsBack takes hours to return to what was before, after a failure and after
// Cancel, and asks clients to be patient.
func rollsBack(c *honest.Core) {
	late := c.Fates[honest.BreaksLate]
	late.Takes = 6 * time.Hour
	c.Fates[honest.BreaksLate] = late
	c.Cancel = func(j *honest.Job, now time.Time) error {
		j.Stop(now, now.Add(2*time.Hour))
		return nil
	}
	c.Edit(func(call *honest.Call, _ proto.Message) {
		if call.Method == honest.MethodGet {
			call.Reply["x-operation-poll-interval"] = "60"
		}
	})
}
