package engine

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// Plan is a scenario's timeline, made ready to be asked for any age. It is
// immutable and shared by all operations that live by the scenario.
type Plan struct {
	timed  []timedStep
	polled []polledStep
	cancel cancelPlan
}

type timedStep struct {
	at   time.Duration
	step step
	// after is the state from at on, where no poll-counted step has a say.
	after State
}

type polledStep struct {
	poll uint32
	step step
}

// step is an optestv1.Step with its effect resolved.
type step struct {
	*optestv1.Step
	label string
	phase Phase // Running: the step does not change it
	err   *status.Status
}

type cancelPlan struct {
	honoured        bool
	refusal         *status.Status
	after, rollback time.Duration
	err             *status.Status
}

// NewPlan makes s ready. It takes what fixtures.Validate accepts; of anything
// else it makes what it can.
func NewPlan(s *optestv1.Scenario) *Plan {
	p := &Plan{cancel: newCancelPlan(s.GetCancel())}
	for _, st := range s.GetTimeline() {
		switch w := st.GetWhen().(type) {
		case *optestv1.Step_Poll:
			p.polled = append(p.polled, polledStep{poll: w.Poll, step: newStep(st, fmt.Sprintf("poll-%d", w.Poll))})
		default:
			at := max(0, st.GetAt().AsDuration())
			p.timed = append(p.timed, timedStep{at: at, step: newStep(st, at.String())})
		}
	}
	slices.SortStableFunc(p.timed, func(a, b timedStep) int { return cmp.Compare(a.at, b.at) })
	slices.SortStableFunc(p.polled, func(a, b polledStep) int { return cmp.Compare(a.poll, b.poll) })
	state := State{Step: "created"}
	for i := range p.timed {
		state = state.then(p.timed[i].step, p.timed[i].at)
		p.timed[i].after = state
	}
	return p
}

func newStep(st *optestv1.Step, when string) step {
	s := step{Step: st}
	effect := "step"
	switch e := st.GetEffect().(type) {
	case *optestv1.Step_Failing:
		s.phase, s.err, effect = Failing, rpcStatus(e.Failing), "failing"
	case *optestv1.Step_Fail:
		s.phase, s.err, effect = Failed, rpcStatus(e.Fail), "fail"
	case *optestv1.Step_Succeed:
		s.phase, effect = Succeeded, "succeed"
	}
	s.label = effect + "@" + when
	return s
}

func newCancelPlan(c *optestv1.Cancel) cancelPlan {
	switch policy := c.GetPolicy().(type) {
	case *optestv1.Cancel_Refuse:
		refusal := rpcStatus(policy.Refuse)
		if refusal.Code == 0 {
			refusal.Code = int32(code.Code_FAILED_PRECONDITION)
		}
		if refusal.Message == "" {
			refusal.Message = "The operation cannot be cancelled"
		}
		return cancelPlan{refusal: refusal}
	case *optestv1.Cancel_Ignore_:
		return cancelPlan{}
	}
	h := c.GetHonour()
	err := rpcStatus(h.GetStatus())
	if err.Code == 0 {
		err.Code = int32(code.Code_CANCELLED)
	}
	if err.Message == "" {
		err.Message = "The operation was cancelled"
	}
	return cancelPlan{
		honoured: true,
		after:    h.GetAfter().AsDuration(),
		rollback: h.GetRollback().AsDuration(),
		err:      err,
	}
}

func rpcStatus(s *optestv1.Status) *status.Status {
	return &status.Status{Code: int32(s.GetCode()), Message: s.GetMessage(), Details: s.GetDetails()}
}

// Refusal is the status that Cancel answers with instead of the operation, nil
// where it answers with the operation.
func (p *Plan) Refusal() *status.Status { return p.cancel.refusal }

// PolledSteps is the number of steps that count polls.
func (p *Plan) PolledSteps() int { return len(p.polled) }

// Reaches returns how many poll-counted steps are reached once the n-th poll is
// answered at the given age. The caller keeps the age of each in [Life.Reached].
// An operation that has reacted to Cancel reaches no more.
func (p *Plan) Reaches(n uint32, age time.Duration, life Life) int {
	if react, ok := p.reaction(life); ok && react <= latest(age, life) {
		return len(life.Reached)
	}
	return sort.Search(len(p.polled), func(i int) bool { return p.polled[i].poll > n })
}

// then is s after st at the given age. Once done, nothing changes.
func (s State) then(st step, age time.Duration) State {
	if s.Phase.Done() {
		return s
	}
	s.Step = st.label
	if st.Description != nil {
		s.Description, s.Modified = st.Description, age
	}
	if st.Progress != nil {
		s.Progress, s.Modified = st.Progress, age
	}
	if st.GetMetadata() != nil {
		s.Metadata, s.Modified = merged(s.Metadata, st.GetMetadata()), age
	}
	if st.PollHint != nil {
		s.PollHint = st.GetPollHint()
	}
	switch st.phase {
	case Failing:
		s.Phase, s.Error, s.Modified = Failing, st.err, age
	case Failed:
		s.Phase, s.Error, s.Modified = Failed, inherit(st.err, s.Error), age
	case Succeeded:
		s.Phase, s.Error, s.Modified = Succeeded, nil, age
		s.Response = st.GetSucceed().GetResponse()
	}
	return s
}

// inherit fills what err leaves open from the failure detected earlier.
func inherit(err, earlier *status.Status) *status.Status {
	if earlier == nil || err.GetCode() != 0 {
		return err
	}
	filled := &status.Status{Code: earlier.GetCode(), Message: err.GetMessage(), Details: err.GetDetails()}
	if filled.Message == "" {
		filled.Message = earlier.GetMessage()
	}
	if len(filled.Details) == 0 {
		filled.Details = earlier.GetDetails()
	}
	return filled
}

func merged(base, over *structpb.Struct) *structpb.Struct {
	if base == nil {
		return over
	}
	out := proto.CloneOf(base)
	for name, value := range over.GetFields() {
		out.Fields[name] = value
	}
	return out
}
