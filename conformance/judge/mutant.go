package judge

import (
	"context"
	"net"
	"net/http"
	"slices"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/code"

	"github.com/optest-dev/optest/conformance"
	"github.com/optest-dev/optest/fixtures"
	"github.com/optest-dev/optest/mockserver"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// Mutant is a broken server.
type Mutant struct {
	Name string
	// Violates are the rules that it breaks.
	Violates []string
	// Unsure: what it does wrong shows with a probability.
	Unsure bool
	// Start makes the server, in memory, until the test ends. The seed settles what
	// it draws.
	Start func(tb testing.TB, seed uint64) conformance.Target
}

// Mutants are the scenarios of the catalogue that break rules, played by the mock
// server.
func Mutants() []Mutant {
	var list []Mutant
	for s := range fixtures.All() {
		if len(s.GetViolates()) == 0 {
			continue
		}
		list = append(list, Mutant{
			Name: s.GetName(), Violates: s.GetViolates(),
			Unsure: slices.ContainsFunc(s.GetFaults(), func(f *optestv1.Fault) bool { return f.GetProbability() > 0 }),
			Start:  func(tb testing.TB, seed uint64) conformance.Target { return play(tb, s, seed) },
		})
	}
	return list
}

const (
	token   = "judge-token"
	caller  = "ajeoptestuser0000000" // whom the mock server takes callers for
	folder  = "b1gjudge000folder000"
	foreign = "opr99999999999999999"
	// broken is a desktop of no scenario, so that its copies live by the default.
	broken = "judge-desktop"
	absent = "judge-no-such-desktop"
)

// play has the mock server play a scenario as its default: what it breaks beyond
// its own operations, it breaks for all. Desktops of other fates than the
// scenario's are healthy ones.
func play(tb testing.TB, s *optestv1.Scenario, seed uint64) conformance.Target {
	opts := []mockserver.Option{mockserver.Seed(seed)}
	secret := token
	if callersAreConnections(s) {
		secret = ""
	} else {
		opts = append(opts, mockserver.Token(token))
	}
	if !slices.Contains(s.GetViolates(), "REQ-10") {
		opts = append(opts, mockserver.Scenarios(noDesktop()))
	}
	srv := mockserver.New(tb, opts...)
	srv.Play(s)
	transport, ok := srv.Client().Transport.(*http.Transport)
	if !ok {
		tb.Fatal("the mock server's client has no http.Transport")
	}
	target := conformance.Target{
		Dial:  func(ctx context.Context) (net.Conn, error) { return transport.DialContext(ctx, "tcp", "") },
		Token: secret, Folder: folder, Foreign: foreign, Subject: caller,
		Desktops: conformance.Desktops{Succeeds: "slow-success", Fails: "quota-exceeded", FailsLate: "early-error", Absent: absent},
	}
	switch fateOf(s) {
	case failsLate:
		target.Desktops.FailsLate = broken
	case fails:
		target.Desktops.Fails = broken
	default:
		target.Desktops.Succeeds = broken
	}
	return target
}

// callersAreConnections reports whether the server tells callers apart, which it
// does by their connections where they have no tokens: the traffic has one token.
func callersAreConnections(s *optestv1.Scenario) bool {
	return slices.ContainsFunc(s.GetFaults(), func(f *optestv1.Fault) bool {
		return f.GetQuirk().GetKind() == optestv1.QuirkFault_CREATOR_IS_CALLER
	})
}

type fate int

const (
	succeeds fate = iota
	fails
	failsLate
)

// fateOf is what becomes of the scenario's operations by its timeline.
func fateOf(s *optestv1.Scenario) fate {
	f := succeeds
	for _, step := range s.GetTimeline() {
		switch step.GetEffect().(type) {
		case *optestv1.Step_Failing:
			return failsLate
		case *optestv1.Step_Fail:
			f = fails
		}
	}
	return f
}

// noDesktop has copies of a desktop that does not exist refused.
func noDesktop() *optestv1.Scenario {
	return &optestv1.Scenario{
		Name:      "no-desktop",
		Match:     &optestv1.Match{Fields: map[string]string{"desktop_id": absent}},
		NeverDone: true,
		Faults: []*optestv1.Fault{{
			On: optestv1.Fault_CREATE,
			Effect: &optestv1.Fault_Status{Status: &optestv1.StatusFault{
				Status: &optestv1.Status{Code: code.Code_NOT_FOUND, Message: "There is no such desktop"},
			}},
		}},
	}
}
