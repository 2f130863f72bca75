// Package engine says what a long-running operation looks like at a given age.
//
// An operation's state is a pure function of its timeline, its age, the polls
// that its steps count and the age at which it was cancelled. Nothing here holds
// a clock, a timer or a lock: a million operations cost memory, not CPU, and the
// same question has the same answer for every reader.
//
// The documented contract of the Operation resource ("If `done == false` and
// there was a failure detected, `error` is set", "If `done == true`, exactly one
// of `error` or `response` is set") holds at every age of every scenario that
// fixtures.Validate accepts and that violates nothing.
package engine

import (
	"time"

	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/types/known/structpb"
)

// Phase is how far an operation has come. Phases are ordered: a conforming
// operation never goes back to a smaller one.
type Phase int

const (
	// Running has neither error nor response.
	Running Phase = iota
	// Failing has an error and is not done: the service is returning to the
	// state before the operation.
	Failing
	// Failed is done with an error.
	Failed
	// Succeeded is done with a response.
	Succeeded
)

// Done reports whether p is a final phase.
func (p Phase) Done() bool { return p >= Failed }

func (p Phase) String() string {
	switch p {
	case Running:
		return "running"
	case Failing:
		return "failing"
	case Failed:
		return "failed"
	case Succeeded:
		return "succeeded"
	}
	return "unknown"
}

// Life is all that an operation's state depends on besides its plan and its age.
type Life struct {
	// Reached holds the age at which each poll-counted step was reached, in the
	// plan's order; see [Plan.Reaches]. Ages never decrease.
	Reached []time.Duration
	// Cancelled is the age at the first Cancel, or nil without one.
	Cancelled *time.Duration
}

// State is an operation at one age. The messages it points to are shared by all
// who ask: treat them as read-only.
type State struct {
	Phase Phase
	// Step names the step that the state is in, such as `failing@20s`; `created`
	// before the first one.
	Step string
	// Modified is the age of the last visible change.
	Modified time.Duration
	// Description is nil where no step has set one.
	Description *string
	// Metadata holds the fields set so far, nil without any.
	Metadata *structpb.Struct
	// Progress is in percent, nil where no step has set it.
	Progress *uint32
	// PollHint is the text of the header x-operation-poll-interval, empty
	// without one.
	PollHint string
	// Error is set while failing and when failed.
	Error *status.Status
	// Response holds the fields that the scenario sets on the response, nil
	// without any.
	Response *structpb.Struct
}
