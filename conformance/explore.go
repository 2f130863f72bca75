package conformance

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/optest-dev/optest/conformance/internal/drive"
	"github.com/optest-dev/optest/conformance/internal/rules"
	"github.com/optest-dev/optest/trace"
)

// explorer is the random phase of Run: rapid draws what is done to a new target in
// a new bubble, time and again.
type explorer struct {
	config  *config
	t       *testing.T
	factory func(testing.TB) Target
	served  []drive.Protocol
	list    []*rules.Rule // those that have not failed yet
	stop    time.Time     // by the wall clock

	// Target is the rule that has failed first. From then on no other counts, so that
	// a shorter case is one of the same failure.
	target string
	failed trial          // the last that has failed, which is the shortest
	over   error          // why a case has ended early, if one has
	passed map[string]int // instances of what rules are about
	warned map[string]trial
}

// trial is one case.
type trial struct {
	env    *rules.Env
	events []*trace.Event
	result rules.Result // of the rule that it is about
}

// explore adds to the report what the random phase finds.
func (c *config) explore(t *testing.T, factory func(testing.TB) Target, s *session, r *Report) {
	t.Helper()
	e := &explorer{config: c, t: t, factory: factory, served: s.found.Served, stop: time.Now().Add(time.Hour), passed: map[string]int{}, warned: map[string]trial{}}
	if deadline, ok := t.Deadline(); ok {
		const reserve = 15 * time.Second
		e.stop = deadline.Add(-reserve)
	}
	for _, one := range r.results {
		if one.Verdict != rules.Fail && one.Verdict != rules.NotApplicable && one.Rule.New != nil {
			e.list = append(e.list, one.Rule)
		}
	}
	if len(e.list) == 0 {
		return
	}
	e.tell()
	log := &log{TB: t}
	log.run(func() { rapid.Check(log, e.property) })
	if !log.ended {
		t.FailNow() // the factory has failed, and has said why
	}
	e.add(r, log)
}

func (e *explorer) tell() {
	if e.config.progress != nil {
		e.config.progress(Progress{Doing: "random"})
	}
}

// property fails with the id of a rule and nothing else: of two failures that
// differ in their text, rapid takes neither for the other's shorter case.
func (e *explorer) property(rt *rapid.T) {
	if time.Now().After(e.stop) {
		return
	}
	if id := e.try(rt); id != "" {
		rt.Fatal(id)
	}
}

// try plays one case and returns the rule that has failed, empty if none has.
func (e *explorer) try(rt *rapid.T) string {
	var s *session
	var panicked any
	synctest.Test(e.t, func(t *testing.T) {
		s = e.config.bubble(t, e.factory)
		s.config = e.quiet()
		s.open(e.served)
		defer s.close()
		// Rapid ends cases by panics, which must not leave the bubble.
		defer func() { panicked = recover() }()
		machine := drive.NewMachine(t.Context(), s.world)
		actions := map[string]func(*rapid.T){}
		for name, act := range drive.Actions() {
			actions[name] = func(rt *rapid.T) { act(machine, dice{rt}) }
		}
		rt.Repeat(actions)
		machine.Finish()
	})
	if panicked != nil {
		panic(panicked)
	}
	return e.judge(s)
}

// quiet is the config without what tells of progress.
func (e *explorer) quiet() *config {
	c := *e.config
	c.progress = nil
	return &c
}

func (e *explorer) judge(s *session) string {
	if e.over == nil {
		e.over = s.over
	}
	list := e.list
	if e.target != "" {
		list = []*rules.Rule{rules.Find(e.target)}
	}
	env := s.env()
	for _, one := range rules.Check(env, list, s.events) {
		if one.Verdict == rules.Fail {
			e.target = one.Rule.ID
			e.failed = trial{env: env, events: s.events, result: one}
			return e.target
		}
		if e.target == "" {
			e.passed[one.Rule.ID] += one.Exercised
			if one.Verdict == rules.Warned {
				e.warned[one.Rule.ID] = trial{env: env, events: s.events, result: one}
			}
		}
	}
	return ""
}

// add has the report tell what was found.
func (e *explorer) add(r *Report, log *log) {
	for i := range r.Rules {
		one := &r.Rules[i]
		if one.ID == e.target {
			*one = e.failed.told()
			one.Findings[0].Again = log.again()
			continue
		}
		n := e.passed[one.ID]
		one.Exercised += n
		if one.Verdict == NotExercised && n > 0 {
			one.Verdict, one.Reason = Passed, ""
		}
		if warned, ok := e.warned[one.ID]; ok && one.Verdict == Passed {
			*one = warned.told()
		}
	}
	if e.over != nil && r.cutShort == "" {
		r.cutShort = "in the random phase, " + plain(e.over)
	}
	r.settle()
}

func (t trial) told() RuleResult { return newResult(t.env, t.result, t.events) }

// dice has rapid draw.
type dice struct{ *rapid.T }

// Choose implements [drive.Chooser].
func (d dice) Choose(label string, n int) int {
	return rapid.IntRange(0, n-1).Draw(d.T, label)
}

// log is what rapid fails instead of the test, so that the failure is told where
// the rule is.
type log struct {
	testing.TB
	lines  []string
	failed bool
	ended  bool // of itself
}

// run runs a function that may end its goroutine.
func (l *log) run(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
		l.ended = true
	}()
	<-done
}

func (l *log) Logf(format string, args ...any) {
	l.lines = append(l.lines, fmt.Sprintf(format, args...))
}
func (l *log) Log(args ...any) { l.lines = append(l.lines, fmt.Sprint(args...)) }

func (l *log) Errorf(format string, args ...any) {
	l.Logf(format, args...)
	l.failed = true
}

func (l *log) Error(args ...any) {
	l.Log(args...)
	l.failed = true
}

func (l *log) Fatalf(format string, args ...any) {
	l.Errorf(format, args...)
	l.FailNow()
}

func (l *log) Fatal(args ...any) {
	l.Error(args...)
	l.FailNow()
}

func (l *log) FailNow() {
	l.failed, l.ended = true, true
	runtime.Goexit()
}

func (l *log) Fail()        { l.failed = true }
func (l *log) Failed() bool { return l.failed }

// again is what rapid says of how to see its failure again.
func (l *log) again() string {
	var parts []string
	for _, line := range l.lines {
		for part := range strings.Lines(line) {
			part = strings.TrimSpace(part)
			if strings.HasPrefix(part, "To ") || strings.Contains(part, "flaky") {
				parts = append(parts, strings.TrimPrefix(part, "[rapid] "))
			}
		}
	}
	return strings.Join(parts, "\n")
}
