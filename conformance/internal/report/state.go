package report

import (
	"encoding/json"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// state is how far an operation had come by what a call tells, for its colour.
type state string

const (
	statePending  state = "pending"
	stateFailing  state = "failing"
	stateFailed   state = "failed"
	stateDone     state = "done"
	stateConflict state = "conflict" // done without a result, not done with a response, or two results
	stateOther    state = "other"    // it tells of no operation, or can't be read
	stateRefused  state = "refused"
	stateUnknown  state = "unknown"
)

// aspect is how a state looks and what it means.
type aspect struct {
	State state
	// Sign stands for the state where its colour can't be seen.
	Sign, Means string
}

// aspects are all, in the order of a legend.
var aspects = []aspect{
	{statePending, "…", "in progress"},
	{stateFailing, "!", "in progress, with an error"},
	{stateFailed, "✗", "done, with an error"},
	{stateDone, "✓", "done, with a response"},
	{stateConflict, "⚠", "a state that there is not"},
	{stateOther, "·", "another answer"},
	{stateRefused, "R", "the call has failed"},
	{stateUnknown, "?", "nobody knows how the call ended"},
}

func meaning(s state) string { return aspectOf(s).Means }

func aspectOf(s state) aspect {
	for _, a := range aspects {
		if a.State == s {
			return a
		}
	}
	return aspect{State: s}
}

func (v *view) state(e *trace.Event) state {
	switch e.Outcome {
	case optestv1.Event_FAILED:
		return stateRefused
	case optestv1.Event_OK:
	default:
		return stateUnknown
	}
	if v.answersOperation(e) && hasBothResults(e) {
		return stateConflict
	}
	m, err := v.messages.Response(e)
	if err != nil {
		return stateOther
	}
	op, ok := m.(*operation.Operation)
	if !ok {
		return stateOther
	}
	failed, responded := op.GetError() != nil, op.GetResponse() != nil
	switch {
	case op.GetDone() && failed:
		return stateFailed
	case op.GetDone() && responded:
		return stateDone
	case op.GetDone() || responded:
		return stateConflict
	case failed:
		return stateFailing
	}
	return statePending
}

func (v *view) answersOperation(e *trace.Event) bool {
	m, err := v.messages.Method(e.Method)
	return err == nil && m.Output().FullName() == "yandex.cloud.operation.Operation"
}

// hasBothResults reports whether an answer's bytes have error and response, which
// a decoder does not show.
func hasBothResults(e *trace.Event) bool {
	if e.ResponseCodec != optestv1.Event_JSON {
		return e.ResponseCodec == optestv1.Event_PROTO && hasBoth(e.Response.Bytes())
	}
	var members struct{ Error, Response *json.RawMessage }
	return json.Unmarshal(e.Response.Bytes(), &members) == nil && members.Error != nil && members.Response != nil
}
