package lint

import (
	"slices"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"

	"github.com/optest-dev/optest/internal/duration"
	"github.com/optest-dev/optest/mockserver/engine"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// expect is held against what the engine says of the life that it is about. The
// validator does so for scenarios without faults that keep the contract and
// don't count polls; here it is for all.
func (l *linter) expect() {
	e := l.scenario.GetExpect()
	if e == nil {
		return
	}
	ends, seen := l.ends(), l.seen()
	switch e.GetOutcome() {
	case optestv1.Expect_PROTOCOL_ERROR:
		if len(l.scenario.GetViolates()) == 0 && !seen.garbled && !seen.headers {
			l.warnf("expect.outcome", "got PROTOCOL_ERROR, but no fault breaks the contract, want the outcome that the timeline has, or violates")
		}
		return
	case optestv1.Expect_SUCCEEDED:
		if !seen.garbled && !ended(ends, optestv1.Expect_SUCCEEDED, 0) {
			l.warnf("expect.outcome", "got SUCCEEDED, but the operation %s, want %s", happens(ends[0]), ends[0].outcome)
			return
		}
	case optestv1.Expect_CANCELLED:
		if !l.cancellation(e, ends, seen) {
			return
		}
	case optestv1.Expect_FAILED:
		if !seen.garbled && !seen.codes[e.GetCode()] && !ended(ends, optestv1.Expect_FAILED, e.GetCode()) {
			l.warnf("expect.code", "got %s, but the operation %s and no fault has that code, want the code of one of them", name(e.GetCode()), happens(ends[0]))
			return
		}
	}
	l.notBefore(e, ends, seen)
}

// cancellation says whether nothing is wrong with the outcome CANCELLED.
func (l *linter) cancellation(e *optestv1.Expect, ends []end, seen sight) bool {
	if seen.garbled {
		return true
	}
	byCancel := slices.ContainsFunc(ends, func(e end) bool { return e.cancel })
	switch {
	case !byCancel && ended(ends, optestv1.Expect_FAILED, code.Code_CANCELLED):
		return true
	case e.GetCancelAt() == nil:
		l.warnf("expect.outcome", "got CANCELLED, but nothing cancels the operation, want cancel_at, or another outcome")
	case !byCancel:
		l.warnf("expect.cancel_at", "got %s, but the operation %s all the same, want a Cancel that is honoured in time, or another outcome",
			duration.Format(e.GetCancelAt()), happens(ends[0]))
	case !seen.codes[e.GetCode()] && !ended(ends, optestv1.Expect_FAILED, e.GetCode()):
		l.warnf("expect.code", "got %s, but the operation %s, want %s", name(e.GetCode()), happens(ends[0]), name(ends[0].code))
	default:
		return true
	}
	return false
}

// notBefore compares with the earliest end from which a client learns that
// outcome.
func (l *linter) notBefore(e *optestv1.Expect, ends []end, seen sight) {
	if e.GetNotBefore() == nil || seen.garbled {
		return
	}
	gives := e.GetOutcome() == optestv1.Expect_DEADLINE
	first := slices.IndexFunc(ends, func(x end) bool {
		return gives && x.outcome != optestv1.Expect_DEADLINE || !gives && x.code == e.GetCode() && (x.outcome == optestv1.Expect_SUCCEEDED) == (e.GetOutcome() == optestv1.Expect_SUCCEEDED)
	})
	if first < 0 || gives && ended(ends, optestv1.Expect_DEADLINE, 0) {
		return
	}
	got, want := e.GetNotBefore().AsDuration(), ends[first].at
	switch {
	case got > want && !seen.held:
		l.warnf("expect.not_before", "got %s, but the operation may be done %s, want at most %s", text(got), when(want), text(want))
	case got < want && !gives && !seen.codes[e.GetCode()] && len(l.scenario.GetViolates()) == 0:
		l.warnf("expect.not_before", "got %s, but the operation is done %s at the earliest, want %s, or a client that concludes too early passes",
			text(got), when(want), text(want))
	}
}

// ends are those of the life that expect is about. A fault on Cancel may keep it
// from taking effect.
func (l *linter) ends() []end {
	e := l.scenario.GetExpect()
	ends := l.course.ends(cancelAt(e.GetCancelAt()))
	if e.GetCancelAt() == nil || !l.losesCancel() {
		return ends
	}
	ends = append(ends, l.course.ends(engine.Life{})...)
	byAge(ends)
	return slices.Compact(ends)
}

// losesCancel says whether a fault may keep Cancel from taking effect.
func (l *linter) losesCancel() bool {
	for _, f := range l.live {
		if reached(f)[cancel] && loses(f) {
			return true
		}
	}
	return false
}

// sight is what faults do to what a client sees of the operation.
type sight struct {
	codes   map[code.Code]bool // of statuses that it may get
	garbled bool               // answers may be other ones than the operation's
	headers bool
	held    bool // it may have to wait for an answer without end
}

func (l *linter) seen() sight {
	s := sight{codes: map[code.Code]bool{}}
	for _, f := range l.live {
		endless := f.GetCalls().GetTo() == 0 && f.GetTimes() == 0 && !reached(f).only(cancel)
		switch e := f.GetEffect().(type) {
		case *optestv1.Fault_Status:
			s.codes[e.Status.GetStatus().GetCode()] = true
			s.held = s.held || endless
		case *optestv1.Fault_Delay, *optestv1.Fault_Hang:
			s.codes[code.Code_DEADLINE_EXCEEDED] = true
			s.held = s.held || endless
		case *optestv1.Fault_Headers:
			s.headers = true
		default:
			s.garbled = true
		}
	}
	refusal := l.course.plan.Refusal()
	if refusal != nil && l.scenario.GetExpect().GetCancelAt() != nil {
		s.codes[code.Code(refusal.GetCode())] = true
	}
	return s
}

func ended(ends []end, outcome optestv1.Expect_Outcome, c code.Code) bool {
	return slices.ContainsFunc(ends, func(e end) bool { return e.outcome == outcome && e.code == c })
}

// happens says how a life ends, after "the operation".
func happens(e end) string {
	switch {
	case e.outcome == optestv1.Expect_SUCCEEDED:
		return "succeeds " + when(e.at)
	case e.outcome == optestv1.Expect_DEADLINE:
		return "is never done"
	case e.cancel:
		return "ends with " + name(e.code) + " " + when(e.at) + ", after Cancel"
	}
	return "fails with " + name(e.code) + " " + when(e.at)
}

func when(at time.Duration) string {
	if at == 0 {
		return "at once"
	}
	return "at " + text(at)
}

func name(c code.Code) string { return c.String() }
