package conformance

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"

	"github.com/optest-dev/optest/conformance/internal/drive"
	"github.com/optest-dev/optest/conformance/internal/rules"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// report judges what was seen.
func (s *session) report() *Report {
	r := &Report{
		Target:   s.endpoint.URL.String(),
		Profile:  s.profile(),
		Contract: s.config.contract,
		Seed:     s.config.seed,
		Header:   s.header(),
		Events:   s.events,
		Used:     Used{Wall: s.took, Elapsed: s.elapsed, Requests: s.requests, Creates: s.creates, LeftBehind: s.left},
		env:      s.env(),
		driver:   optestv1.ConformanceReport_ACTIVE,
		time:     time.Now(),
	}
	for _, p := range s.found.Served {
		r.Protocols = append(r.Protocols, Protocol(p.String()))
	}
	for _, m := range s.found.Missing {
		r.Missing = append(r.Missing, Missing{Protocol(m.Protocol.String()), m.Says})
	}
	for _, sk := range s.skipped {
		r.Skipped = append(r.Skipped, Skipped(sk))
	}
	for _, span := range r.env.Untimed {
		r.Used.Stalls = append(r.Used.Stalls, Span(span))
	}
	judged := s.events
	switch {
	case s.found.Unfit != "":
		r.noVerdict = s.found.Unfit
		judged = nil // what is no server of the API breaks no rule of it
	case s.over != nil && !errors.Is(s.over, drive.ErrSpent):
		r.cutShort = plain(s.over)
	case s.target.Desktops == Desktops{}:
		r.limits = append(r.limits, "no desktop was given, so no operation was started")
	case !s.started():
		r.noVerdict = s.unstarted()
	}
	if errors.Is(s.over, drive.ErrSpent) {
		r.limits = append(r.limits, plain(s.over))
	}
	checker := rules.NewChecker(r.env, s.config.chosen(s.config.patterns))
	for _, e := range rules.InOrder(judged) {
		checker.Observe(e)
	}
	r.results, r.forgotten = checker.End(), checker.Evicted()
	r.tabulate()
	return r
}

// started reports whether any operation was.
func (s *session) started() bool {
	return slices.ContainsFunc(s.events, func(e *trace.Event) bool {
		return e.Method == rules.MethodCreate && e.Outcome == optestv1.Event_OK
	})
}

// unstarted says why no operation was started: by the answer to a request that
// should have been served.
func (s *session) unstarted() string {
	d := s.target.Desktops
	for _, e := range s.events {
		if e.Method != rules.MethodCreate || e.Failure == nil || e.Request == nil || e.Code() == code.Code_INVALID_ARGUMENT {
			continue
		}
		asks := string(e.Request.Bytes())
		if slices.ContainsFunc([]string{d.Succeeds, d.Fails, d.FailsLate}, func(id string) bool { return id != "" && strings.Contains(asks, id) }) {
			return fmt.Sprintf("no operation could be started: CopyFromDesktop answers %v: %s", e.Code(), e.Failure.Message)
		}
	}
	return "no operation could be started"
}
