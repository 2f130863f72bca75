package lint

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/optest-dev/optest/fixtures"
	"github.com/optest-dev/optest/internal/nearest"
	"github.com/optest-dev/optest/mockserver/engine"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

func (l *linter) faults() {
	list := l.scenario.GetFaults()
	l.dead = make([]bool, len(list))
	reasons := make([][]fixtures.Problem, len(list))
	for i, f := range list {
		path := at("faults", i)
		reasons[i] = l.found(func() {
			l.method(f, path)
			l.target(f, path)
			l.protocols(f, path)
			l.odds(f, path)
		})
		l.dead[i] = len(reasons[i]) > 0
	}
	l.problems = nil
	for i, f := range list {
		l.problems = append(l.problems, reasons[i]...)
		if !l.dead[i] {
			l.covered(i, at("faults", i))
			l.spare(f, at("faults", i))
		}
	}
}

// method looks for a typing mistake. A name that is like none of the known ones
// may be that of a service that a program adds.
func (l *linter) method(f *optestv1.Fault, path string) {
	if f.GetMethod() == "" || strings.ContainsAny(f.GetMethod(), `*?\`) {
		return
	}
	var names []string
	for _, p := range procedures() {
		service, name, _ := strings.Cut(p.name, "/")
		names = append(names, name, service[strings.LastIndexByte(service, '.')+1:]+"/"+name, p.name)
	}
	if slices.Contains(names, f.GetMethod()) {
		return
	}
	if near, ok := nearest.To(f.GetMethod(), names); ok {
		l.warnf(path+".method", "names no known method, want %q", near)
	}
}

// target looks for conditions that no call of the kinds that the fault is for
// can meet.
func (l *linter) target(f *optestv1.Fault, path string) {
	if f.GetQuirk() != nil {
		return // it acts where its kind says
	}
	kinds := reached(f)
	var why []obstacle
	for k, is := range kinds {
		if !is {
			continue
		}
		o := l.obstacle(kind(k), f)
		if o.why == "" {
			return
		}
		why = append(why, o)
	}
	if len(why) > 0 {
		l.warnf(path+why[0].field, "never fires, for %s", why[0].why)
	}
}

// obstacle is the field of a fault that keeps it from ever firing, and why.
type obstacle struct{ field, why string }

func (l *linter) obstacle(k kind, f *optestv1.Fault) obstacle {
	phase := ".from_phase"
	if f.GetFromPhase() == optestv1.Fault_PHASE_UNSPECIFIED {
		phase = ".until_phase"
	}
	hasPhase := f.GetFromPhase()+f.GetUntilPhase() > 0
	switch {
	case k == other && l.scenario.GetMatch() != nil:
		return obstacle{"", "calls about no operation are hit while the scenario is the default, which one with a match can't be, want no match or calls of another kind"}
	case (k == other || k == create) && hasPhase:
		return obstacle{phase, "a call that creates an operation or is about none has no phase, want on: GET or CANCEL, or no phase"}
	case (k == other || k == create) && f.GetReader().GetConnection() > 0:
		return obstacle{".reader.connection", "only calls about an operation have its readers, want on: GET or CANCEL, or reader.headers"}
	case hasPhase:
		return l.phases(f, phase)
	}
	return obstacle{}
}

// phases asks the engine whether the operation is ever in one of the fault's
// phases. A Cancel counts if the scenario speaks of one, or expects nothing.
func (l *linter) phases(f *optestv1.Fault, field string) obstacle {
	spoken := l.scenario.GetCancel() != nil || l.scenario.GetExpect() == nil || l.scenario.GetExpect().GetCancelAt() != nil
	meets := func(withCancel bool) bool {
		for p := range l.course.phases(withCancel && l.course.honour != nil) {
			if phase := faultPhase(p); phase >= f.GetFromPhase() && (f.GetUntilPhase() == 0 || phase <= f.GetUntilPhase()) {
				return true
			}
		}
		return false
	}
	wanted := phaseRange(f)
	switch {
	case meets(spoken):
		return obstacle{}
	case meets(true):
		return obstacle{field, fmt.Sprintf("the operation is %s after a Cancel only, want cancel and expect.cancel_at to speak of it, or another phase", wanted)}
	}
	return obstacle{field, fmt.Sprintf("the operation is never %s, want a phase that its timeline has", wanted)}
}

func phaseRange(f *optestv1.Fault) string {
	from, until := f.GetFromPhase(), f.GetUntilPhase()
	switch {
	case until == 0 || from == until:
		return from.String()
	case from == 0 && until == optestv1.Fault_RUNNING:
		return until.String()
	case from == 0:
		from = optestv1.Fault_RUNNING
	}
	return from.String() + " to " + until.String()
}

func faultPhase(p engine.Phase) optestv1.Fault_Phase {
	switch p {
	case engine.Running:
		return optestv1.Fault_RUNNING
	case engine.Failing:
		return optestv1.Fault_FAILING
	}
	return optestv1.Fault_DONE
}

// protocols wants one over which the fault changes anything.
func (l *linter) protocols(f *optestv1.Fault, path string) {
	if f.GetJson() == nil || len(f.GetProtocols()) == 0 {
		return
	}
	over := []optestv1.Fault_Protocol{optestv1.Fault_REST, optestv1.Fault_CONNECT}
	switch f.GetJson().GetShape() {
	case optestv1.JsonFault_ERROR_WITH_200, optestv1.JsonFault_TEXT_PLAIN:
		over = over[:1]
	}
	if !slices.ContainsFunc(f.GetProtocols(), func(p optestv1.Fault_Protocol) bool { return slices.Contains(over, p) }) {
		var names []string
		for _, p := range over {
			names = append(names, p.String())
		}
		l.warnf(path+".protocols", "changes nothing, for json %s is about %s only, want that among them", f.GetJson().GetShape(), strings.Join(names, " and "))
	}
}

// odds looks for a probability with which the fault stays away from nearly all
// runs. Where the number of calls has no bound, it is that of a patient client.
func (l *linter) odds(f *optestv1.Fault, path string) {
	const (
		patient = 10_000
		seldom  = 0.001
	)
	p, calls := f.GetProbability(), chosen(f)
	if p == 0 || p == 1 {
		return
	}
	if calls == 0 {
		calls = patient
	}
	if chance := -math.Expm1(float64(calls) * math.Log1p(-p)); chance < seldom {
		l.warnf(path+".probability", "fires in one run of %.0f, for it chooses from %d calls, want more of either", 1/chance, calls)
	}
}

// chosen is the number of calls that `calls` and `every` choose, 0 without end.
func chosen(f *optestv1.Fault) uint64 {
	from, to := uint64(max(1, f.GetCalls().GetFrom())), uint64(f.GetCalls().GetTo())
	if to == 0 {
		return 0
	}
	return (to-from)/uint64(max(1, f.GetEvery())) + 1
}

// spare looks for conditions without effect, and for a fault without occasion.
func (l *linter) spare(f *optestv1.Fault, path string) {
	if e := l.scenario.GetExpect(); e != nil && e.GetCancelAt() == nil && reached(f).only(cancel) {
		l.warnf(path, "never fires where expect is played, for nothing cancels the operation, want expect.cancel_at")
	}
	calls := chosen(f)
	if calls == 0 {
		return
	}
	switch {
	case uint64(f.GetTimes()) > calls:
		l.warnf(path+".times", "is never reached, for calls and every choose %d, want at most that", calls)
	case f.GetEvery() > 1 && calls == 1 && f.GetCalls().GetTo() > max(1, f.GetCalls().GetFrom()):
		l.warnf(path+".every", "chooses the first of the calls only, want at most calls.to - calls.from")
	}
}

// covered looks for another fault that takes every call that this one is for
// and leaves nothing to do: of several statuses the first is the answer, a call
// that hangs has none, and a status has no Operation in it.
func (l *linter) covered(i int, path string) {
	f := l.scenario.GetFaults()[i]
	if f.GetQuirk() != nil {
		return
	}
	for j, other := range l.scenario.GetFaults() {
		var why string
		switch {
		case i == j || l.dead[j] || !covers(other, f):
		case other.GetHang() != nil && (f.GetHang() == nil || j < i) && f.GetDelay() == nil:
			why = "never answers these calls"
		case other.GetStatus() != nil && (f.GetStatus() != nil && j < i || f.GetAnswer() != nil || f.GetClock() != nil):
			why = "answers these calls with a status"
		}
		if why != "" {
			l.warnf(path, "has no effect, for %s %s, want other calls for one of the two", at("faults", j), why)
			l.dead[i] = true
			return
		}
	}
}

// covers says whether the first fault hits every call that the second one hits.
func covers(a, b *optestv1.Fault) bool {
	if proto.Equal(targets(a), targets(b)) {
		return a.GetProbability() == 0 || a.GetProbability() == 1
	}
	return always(a) && a.GetCalls().GetFrom() <= 1 && a.GetCalls().GetTo() == 0 && reached(b).within(named(a))
}

func targets(f *optestv1.Fault) *optestv1.Fault {
	t := proto.CloneOf(f)
	t.Name, t.Effect = "", nil
	return t
}

// always says whether nothing but `on`, `method` and `calls` limits a fault.
func always(f *optestv1.Fault) bool {
	return f.GetFromPhase() == 0 && f.GetUntilPhase() == 0 &&
		f.GetReader() == nil && len(f.GetProtocols()) == 0 && f.GetEvery() <= 1 && f.GetTimes() == 0 &&
		(f.GetProbability() == 0 || f.GetProbability() == 1)
}

// loses says whether a call that the fault hits takes no effect.
func loses(f *optestv1.Fault) bool {
	switch e := f.GetEffect().(type) {
	case *optestv1.Fault_Status:
		return !e.Status.GetAfterCommit()
	case *optestv1.Fault_Hang:
		return !e.Hang.GetAfterCommit()
	case *optestv1.Fault_Http:
		return !e.Http.GetAfterCommit()
	case *optestv1.Fault_Transport:
		return !e.Transport.GetAfterCommit() && !answers(e.Transport.GetKind())
	}
	return false
}

// answers says whether a kind is about how an answer is sent: there is one.
func answers(k optestv1.TransportFault_Kind) bool {
	return k == optestv1.TransportFault_GOAWAY_GRACEFUL || k >= optestv1.TransportFault_HALF_FRAME
}
