package trace

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
	binlogpb "google.golang.org/grpc/binarylog/grpc_binarylog_v1"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// logged is a call under way.
type logged struct {
	event    Event
	id       uint64
	entries  uint64
	sequence uint64 // the highest, from 1
	reached  bool   // the other side is known
	ended    bool
	notes    []string
}

// note keeps what an entry says about the completeness of the log.
func (l *logged) note(entry *binlogpb.GrpcLogEntry, at time.Duration) {
	l.event.Returned = at
	l.entries++
	l.sequence = max(l.sequence, entry.GetSequenceIdWithinCall())
	if entry.GetPayloadTruncated() && entry.GetMessage() == nil {
		l.remark("not all metadata was logged")
	}
}

// remark makes a remark once.
func (l *logged) remark(text string) {
	if !slices.Contains(l.notes, text) {
		l.notes = append(l.notes, text)
	}
}

// request keeps the first message.
func (l *logged) request(b *Blob) {
	if l.event.Request != nil {
		l.remark("further request messages are left out")
		return
	}
	l.event.Request, l.event.RequestFidelity = b, optestv1.Event_FIDELITY_UNSPECIFIED
}

func (l *logged) response(b *Blob) {
	if l.event.Response != nil {
		l.remark("further response messages are left out")
		return
	}
	l.event.Response = b
}

// finish ends a call with a status. A client logs what it came to by itself like
// what the server sent: where it reached nobody, and where the call was given up
// or ran out of time, nothing is said of the server.
func (l *logged) finish(t *binlogpb.Trailer, client bool) {
	e := &l.event
	if t.GetStatusCode() == 0 {
		e.Outcome = optestv1.Event_OK
		return
	}
	e.Outcome = optestv1.Event_FAILED
	e.Failure = &Failure{
		Code: code.Code(min(t.GetStatusCode(), math.MaxInt32)), Message: t.GetStatusMessage(), Details: t.GetStatusDetails(),
	}
	if !client {
		return
	}
	switch {
	case !l.reached:
		e.Failure.Cause = optestv1.Event_Failure_LOCAL_ERROR
	case e.Failure.Code == code.Code_CANCELLED:
		e.Failure.Cause = optestv1.Event_Failure_CANCELLED
	case e.Failure.Code == code.Code_DEADLINE_EXCEEDED:
		e.Failure.Cause = optestv1.Event_Failure_TIMEOUT
	default:
		return
	}
	e.Outcome = optestv1.Event_INDETERMINATE
}

// cancelled ends a call that the client gave up or whose deadline passed: the
// log has one entry for both.
func (l *logged) cancelled() {
	cause := optestv1.Event_Failure_CANCELLED
	if t := l.event.Timeout; t > 0 && l.event.Returned-l.event.Called >= t {
		cause = optestv1.Event_Failure_TIMEOUT
	}
	l.event.Outcome, l.event.Failure = optestv1.Event_INDETERMINATE, &Failure{Cause: cause}
}

func (l *logged) unfinished(at time.Duration) {
	l.event.Returned = at
	l.event.Outcome, l.event.Failure = optestv1.Event_INDETERMINATE, &Failure{Cause: optestv1.Event_Failure_UNFINISHED}
}

// asEvent is the call, ended.
func (l *logged) asEvent(number uint64) *Event {
	// Entries that were written at once may come in another order.
	if l.sequence > l.entries {
		l.remark(fmt.Sprintf("%d entries of the call are missing", l.sequence-l.entries))
	}
	e := l.event
	if e.Returned < e.Called {
		e.Returned = e.Called
		l.remark("the clock was set back during the call")
	}
	e.Number, e.Note = number, strings.Join(l.notes, "; ")
	return &e
}
