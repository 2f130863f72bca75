package conformance

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

var errSocket = errors.New("optest: the target is on a socket, want one in memory (Dial without a socket), or the option RealTime")

// Run holds a server to the contract, with a subtest for each rule. A broken rule
// fails its subtest; one that was not exercised or does not apply skips it, with
// the reason.
//
// Everything happens in virtual time, in a testing/synctest bubble of its own for
// each phase: first scripts that are the same in every run, then whatever rapid
// draws. The factory is called in each bubble. It makes a server in memory and
// has tb.Cleanup stop it: no goroutine of it may outlive the bubble. With the
// option [RealTime] it is called once, for a server of whatever kind.
//
// The report is that of the scripts, with what the random phase has found beyond
// them.
func Run(t *testing.T, factory func(tb testing.TB) Target, opts ...Option) *Report {
	t.Helper()
	c, err := newConfig(opts)
	if err != nil {
		t.Fatal(err)
	}
	var r *Report
	if c.realTime {
		r = c.inRealTime(t, factory)
	} else {
		r = c.inVirtualTime(t, factory)
	}
	r.test(t, c.require)
	return r
}

func (c *config) inRealTime(t *testing.T, factory func(testing.TB) Target) *Report {
	t.Helper()
	s, err := c.session(factory(t))
	if err == nil {
		err = s.allowed()
	}
	if err != nil {
		t.Fatal(err)
	}
	return s.check(t.Context())
}

func (c *config) inVirtualTime(t *testing.T, factory func(testing.TB) Target) *Report {
	t.Helper()
	began := time.Now()
	var s *session
	synctest.Test(t, func(t *testing.T) {
		s = c.bubble(t, factory)
		s.open(nil)
		defer s.close()
		s.play(t.Context())
	})
	s.took = time.Since(began)
	r := s.report()
	if s.found.Unfit == "" && s.over == nil {
		c.explore(t, factory, s, r)
		r.Used.Wall = time.Since(began)
	}
	return r
}

// bubble makes a session with a new target of the factory. It is called in a
// bubble.
func (c *config) bubble(t testing.TB, factory func(testing.TB) Target) *session {
	t.Helper()
	target := factory(t)
	if target.Dial == nil {
		t.Fatalf("%v: %q", errSocket, target.URL)
	}
	s, err := c.session(target)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
