package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"

	"github.com/optest-dev/optest/trace"
)

// stamps marks when the server says that the operation was modified, in a lane of
// its own.
func (d *drawing) stamps(list []*bar, start time.Time) {
	if start.IsZero() {
		return
	}
	const most = 24
	seen := map[string]bool{}
	var marks []drawnMark
	y := d.pic.Height - 2
	for _, b := range list {
		m, err := d.view.messages.Response(b.events[0])
		op, ok := m.(*operation.Operation)
		if err != nil || !ok || !op.GetModifiedAt().IsValid() || len(marks) == most {
			continue
		}
		at := op.GetModifiedAt().AsTime()
		key := strings.Join(b.ops, " ") + at.String()
		if seen[key] {
			continue
		}
		seen[key] = true
		offset := at.Sub(start)
		if !d.axis.within(offset) {
			continue // by another clock, or before what is drawn
		}
		title := fmt.Sprintf("modified_at %s, %s after the start, as #%d says", at.Format(time.RFC3339Nano), clock(offset), b.events[0].Number)
		marks = append(marks, drawnMark{X: pixels(d.axis.x(offset)), Y: y + 11, Title: title})
	}
	if len(marks) == 0 {
		return
	}
	const height = 22
	d.pic.Lanes = append(d.pic.Lanes, drawnLane{Name: "modified_at", Full: "modified_at, by the server's clock", Y: y, Height: height})
	d.pic.Marks, d.pic.Height = marks, y+height+2
}

// startOf is the wall clock's time at the start of a trace, zero if unknown.
func startOf(tr *trace.Trace) time.Time {
	if tr == nil || tr.Header.GetStart() == nil {
		return time.Time{}
	}
	return tr.Header.GetStart().AsTime()
}
