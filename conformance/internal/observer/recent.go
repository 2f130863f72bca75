package observer

import (
	"fmt"
	"slices"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"

	"google.golang.org/protobuf/types/known/durationpb"
)

// recent keeps the latest events.
type recent struct {
	most   int
	events []*trace.Event // a ring, once it is full
	next   int            // place of the oldest in a ring that is full
	lost   uint64
	until  *trace.Event // the last that was lost
}

func (r *recent) add(e *trace.Event) {
	switch {
	case r.most == 0:
	case len(r.events) < r.most:
		r.events = append(r.events, e)
	default:
		r.lost++
		r.until = r.events[r.next]
		r.events[r.next] = e
		r.next = (r.next + 1) % r.most
	}
}

func (r *recent) trace(header *optestv1.TraceHeader) *trace.Trace {
	t := &trace.Trace{Header: header, Events: slices.Concat(r.events[r.next:], r.events[:r.next])}
	if r.lost > 0 {
		t.Gaps = []*optestv1.Gap{{
			Kind: optestv1.Gap_LOST, Events: r.lost, Until: durationpb.New(r.until.Returned),
			Reason: fmt.Sprintf("only the last %d calls are kept", r.most),
		}}
	}
	return t
}
