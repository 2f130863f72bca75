package mockserver

import (
	"fmt"
	"strconv"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// Life is a scenario being told from its beginning, and reads like a sentence:
//
//	mockserver.Running(2 * time.Hour).Succeed()
//	mockserver.Running(20*time.Second).Failing(codes.Aborted, "Disk is gone").RolledBackAfter(40*time.Second)
//	mockserver.Running(time.Hour).CancelRefused().PollEvery(5).Succeed()
//
// Each method returns a new Life, so that one can be the beginning of several.
type Life struct {
	scenario *optestv1.Scenario
	when     *optestv1.Step // of the next change; only its `when` is set
}

// Running begins a life that shows no outcome for d. Zero is a life that is over
// in the first answer.
func Running(d time.Duration) Life {
	return Life{&optestv1.Scenario{}, &optestv1.Step{When: &optestv1.Step_At{At: durationpb.New(d)}}}
}

// RunningUntilPoll begins a life that shows no outcome until its n-th poll,
// counted from 1 over all readers.
func RunningUntilPoll(n uint32) Life {
	return Life{&optestv1.Scenario{}, &optestv1.Step{When: &optestv1.Step_Poll{Poll: n}}}
}

// NeverDone is a life without an end.
func NeverDone() Life {
	return Life{&optestv1.Scenario{NeverDone: true}, nil}
}

func (l Life) with(change func(*optestv1.Scenario)) Life {
	l.scenario = proto.CloneOf(l.scenario)
	change(l.scenario)
	return l
}

// Named gives the scenario a name, which a request may then ask for.
func (l Life) Named(name string) Life {
	return l.with(func(s *optestv1.Scenario) { s.Name = name })
}

// For restricts the life to requests whose field has this text; see
// optestv1.Match.
func (l Life) For(field, pattern string) Life {
	return l.with(func(s *optestv1.Scenario) {
		if s.Match == nil {
			s.Match = &optestv1.Match{}
		}
		if s.Match.Fields == nil {
			s.Match.Fields = map[string]string{}
		}
		s.Match.Fields[field] = pattern
	})
}

// PollEvery asks the client in every answer to poll again after so many seconds.
func (l Life) PollEvery(seconds int) Life {
	return l.with(func(s *optestv1.Scenario) {
		hint := strconv.Itoa(seconds)
		s.Timeline = append(s.Timeline, &optestv1.Step{When: &optestv1.Step_At{At: durationpb.New(0)}, PollHint: &hint})
	})
}

// CancelledAfter makes a Cancel end the operation with CANCELLED after d, unless
// it is done by then. Without any such method a Cancel ends it at once.
func (l Life) CancelledAfter(d time.Duration) Life {
	return l.cancel(&optestv1.Cancel{Policy: &optestv1.Cancel_Honour_{Honour: &optestv1.Cancel_Honour{After: durationpb.New(d)}}})
}

// CancelRefused makes Cancel fail with FAILED_PRECONDITION.
func (l Life) CancelRefused() Life {
	return l.cancel(&optestv1.Cancel{Policy: &optestv1.Cancel_Refuse{Refuse: &optestv1.Status{}}})
}

// CancelIgnored makes Cancel answer with the current status and change nothing.
func (l Life) CancelIgnored() Life {
	return l.cancel(&optestv1.Cancel{Policy: &optestv1.Cancel_Ignore_{Ignore: &optestv1.Cancel_Ignore{}}})
}

func (l Life) cancel(c *optestv1.Cancel) Life {
	return l.with(func(s *optestv1.Scenario) { s.Cancel = c })
}

// WithFault adds something that goes wrong on the way.
func (l Life) WithFault(f *optestv1.Fault) Life {
	return l.with(func(s *optestv1.Scenario) { s.Faults = append(s.Faults, f) })
}

// Succeed ends the life with the response that the request asks for.
func (l Life) Succeed() *optestv1.Scenario {
	return l.end("succeeds", &optestv1.Step{Effect: &optestv1.Step_Succeed{Succeed: &optestv1.Succeed{}}})
}

// SucceedWith ends the life with the response that the request asks for, in
// which the fields that are set in response replace those.
func (l Life) SucceedWith(response proto.Message) *optestv1.Scenario {
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(response)
	fields := &structpb.Struct{}
	if err == nil {
		err = protojson.Unmarshal(text, fields)
	}
	if err != nil {
		panic(fmt.Sprintf("optest: response %T: %v", response, err))
	}
	return l.end("succeeds", &optestv1.Step{Effect: &optestv1.Step_Succeed{Succeed: &optestv1.Succeed{Response: fields}}})
}

// Fail ends the life with an error.
func (l Life) Fail(c codes.Code, message string, details ...proto.Message) *optestv1.Scenario {
	return l.end("fails", &optestv1.Step{Effect: &optestv1.Step_Fail{Fail: statusOf(c, message, details)}})
}

// Forever is the scenario of a life that [NeverDone] has begun, or of one that
// goes on as it is.
func (l Life) Forever() *optestv1.Scenario {
	l = l.with(func(s *optestv1.Scenario) { s.NeverDone = true })
	return l.named("never-done")
}

// Failing shows an error before the operation is done: "If `done == false` and
// there was a failure detected, `error` is set".
func (l Life) Failing(c codes.Code, message string, details ...proto.Message) RollingBack {
	return RollingBack{l.then(&optestv1.Step{Effect: &optestv1.Step_Failing{Failing: statusOf(c, message, details)}})}
}

// RollingBack is a life in which a failure was detected and the service is
// returning to the state before the operation.
type RollingBack struct{ life Life }

// RolledBackAfter ends the life with the detected error, d after it showed.
func (r RollingBack) RolledBackAfter(d time.Duration) *optestv1.Scenario {
	l := r.life
	switch w := l.when.GetWhen().(type) {
	case *optestv1.Step_Poll:
		panic("optest: RolledBackAfter of a life that counts polls, want RolledBackAtPoll")
	case *optestv1.Step_At:
		l.when = &optestv1.Step{When: &optestv1.Step_At{At: durationpb.New(w.At.AsDuration() + d)}}
	}
	return l.end("rolls-back", &optestv1.Step{Effect: &optestv1.Step_Fail{Fail: &optestv1.Status{}}})
}

// RolledBackAtPoll ends the life with the detected error at the n-th poll,
// counted from 1 since creation.
func (r RollingBack) RolledBackAtPoll(n uint32) *optestv1.Scenario {
	r.life.when = &optestv1.Step{When: &optestv1.Step_Poll{Poll: n}}
	return r.life.end("rolls-back", &optestv1.Step{Effect: &optestv1.Step_Fail{Fail: &optestv1.Status{}}})
}

// Forever never ends the roll-back.
func (r RollingBack) Forever() *optestv1.Scenario { return r.life.Forever() }

// then adds a step at the moment that the life has come to.
func (l Life) then(step *optestv1.Step) Life {
	step.When = l.when.GetWhen()
	return l.with(func(s *optestv1.Scenario) {
		for _, earlier := range s.Timeline {
			if earlier.GetAt() != nil && step.GetAt() != nil && earlier.GetAt().AsDuration() == step.GetAt().AsDuration() {
				// A hint for the moment at which the life ends: one step.
				step.PollHint = earlier.PollHint
				proto.Reset(earlier)
				proto.Merge(earlier, step)
				return
			}
		}
		s.Timeline = append(s.Timeline, step)
	})
}

func (l Life) end(name string, step *optestv1.Step) *optestv1.Scenario {
	return l.then(step).named(name)
}

func (l Life) named(name string) *optestv1.Scenario {
	s := proto.CloneOf(l.scenario)
	if s.Name == "" {
		s.Name = name
	}
	return s
}

func statusOf(c codes.Code, message string, details []proto.Message) *optestv1.Status {
	st := &optestv1.Status{Code: code.Code(c), Message: message}
	for _, d := range details {
		packed, err := anypb.New(d)
		if err != nil {
			panic(fmt.Sprintf("optest: detail %T: %v", d, err))
		}
		st.Details = append(st.Details, packed)
	}
	return st
}
