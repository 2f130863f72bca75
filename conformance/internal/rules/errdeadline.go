package rules

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// deadlineGrace is how long a server, and the way back from it, may take to end a
// call whose deadline has passed.
const deadlineGrace = 500 * time.Millisecond

// enoughLate is how many calls are late where the server ignores deadlines, and not
// only stalls now and then.
const enoughLate = 3

// timedCall reports whether the call has a deadline that its server knows, and
// when it ended can be trusted.
func timedCall(env *Env, s *Seen) bool {
	clock := env.Header.GetClock()
	return s.Timeout > 0 && s.Protocol != optestv1.Event_REST && s.Protocol != optestv1.Event_OTHER &&
		(clock == optestv1.TraceHeader_MONOTONIC || clock == optestv1.TraceHeader_VIRTUAL) && env.Timed(s.Called, s.Returned)
}

// judgeDeadlines counts calls that have ended long after their deadlines.
func judgeDeadlines(env *Env) Machine {
	var late []*Seen
	return Machine{
		Call: func(s *Seen, sink *Sink) {
			if !timedCall(env, s) {
				return
			}
			took := s.Returned - s.Called
			switch {
			case took > s.Timeout+deadlineGrace && s.Unsure() && s.Failure != nil && s.Failure.Cause == optestv1.Event_Failure_CANCELLED:
				return
			case took > s.Timeout+deadlineGrace:
				sink.Exercise(ended(s))
				if len(late) < enoughLate {
					if late = append(late, s); len(late) == enoughLate {
						sink.Breach(late, "%s took %s of the %s that it had, and %s and %s were as late; a server ends calls whose deadline has passed, because nobody waits for them any more", s.When(), seconds(took), seconds(s.Timeout), late[0].When(), late[1].When())
					}
				}
			case took >= s.Timeout || s.Failed() && s.Code() == code.Code_DEADLINE_EXCEEDED:
				sink.Exercise(ended(s))
			}
		},
		End: func(sink *Sink) {
			if n := len(late); n > 0 && n < enoughLate {
				sink.Unsure(late, "%s took %s of the %s that it had; it takes %d such calls to tell a server that ignores deadlines from one that has stalled", late[0].When(), seconds(late[0].Returned-late[0].Called), seconds(late[0].Timeout), enoughLate)
			}
		},
	}
}

// pastDeadlines has calls end long after their deadlines.
func pastDeadlines(t *Tape, draw *rand.Rand) (string, bool) {
	places := t.Where(func(s *Seen) bool { return timedCall(t.Env, s) && !s.Unsure() })
	if len(places) < enoughLate {
		return "", false
	}
	var last int
	for _, n := range draw.Perm(len(places))[:enoughLate] {
		last = places[n]
		t.Change(last, func(e *trace.Event) { e.Timeout = max(1, min(e.Timeout, e.Returned-e.Called)) })
		t.Change(last, func(e *trace.Event) { e.Returned = e.Called + e.Timeout + deadlineGrace + time.Millisecond })
	}
	return t.At(last).When(), true
}

const hintField = "x-operation-poll-interval"

// judgeHint reads the hint of a server when to poll again.
func judgeHint(_ *Env, s *Seen) (key, breach string) {
	text, ok := s.ResponseHeader.Get(hintField)
	if !ok {
		if text, ok = s.Trailer.Get(hintField); !ok {
			return "", ""
		}
	}
	key = ended(s)
	if s.Op != nil {
		key = s.Op.ID
	}
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return key, fmt.Sprintf("the header %s is %q; it is a whole number of seconds, and a client that can't read it polls without a pause or not at all", hintField, shortened(text))
		}
	}
	if n, err := strconv.ParseUint(text, 10, 64); text == "" || err == nil && n == 0 {
		return key, fmt.Sprintf("the header %s is %q; it is at least 1, and a client that takes it at its word polls thousands of times a second", hintField, text)
	}
	return key, ""
}
