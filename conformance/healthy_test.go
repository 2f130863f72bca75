package conformance_test

import (
	"context"
	"net"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/optest-dev/optest/conformance"
	"github.com/optest-dev/optest/conformance/internal/exampleserver"
	"github.com/optest-dev/optest/mockserver"
)

// mock is a target that the mock server plays in memory.
func mock(tb testing.TB, opts ...mockserver.Option) conformance.Target {
	return mockTarget(mockserver.New(tb, append(opts, mockserver.Token("a token"))...))
}

func mockTarget(srv *mockserver.Server) conformance.Target {
	transport := srv.Client().Transport.(*http.Transport)
	return conformance.Target{
		Dial:     func(ctx context.Context) (net.Conn, error) { return transport.DialContext(ctx, "tcp", "") },
		Token:    "a token",
		Folder:   "b1gexample0000000000",
		Foreign:  "fv4somebodyelses0000",
		Desktops: conformance.Desktops{Succeeds: "slow-success", Fails: "quota-exceeded", FailsLate: "early-error", Absent: "no-such-desktop"},
	}
}

// example is a target on grpc-go in memory.
func example(tb testing.TB) conformance.Target {
	dial, stop := (&exampleserver.Server{Token: "a token"}).InMemory()
	tb.Cleanup(stop)
	return conformance.Target{
		Dial:     dial,
		Token:    "a token",
		Folder:   "b1gexample0000000000",
		Foreign:  "fv4somebodyelses0000",
		Desktops: conformance.Desktops{Succeeds: exampleserver.Works, Fails: exampleserver.Breaks, FailsLate: exampleserver.BreaksLater, Absent: "no-such-desktop"},
	}
}

// healthy fails the test for every rule that accuses the server, but for those
// named.
func healthy(t *testing.T, r *conformance.Report, but ...string) {
	t.Helper()
	for _, one := range r.Rules {
		if (one.Verdict == conformance.Warned || one.Verdict == conformance.Failed) && !slices.Contains(but, one.ID) {
			t.Errorf("rule %s %v, want PASS: %s", one.ID, one.Verdict, one.Findings[0].Text)
		}
	}
}

func TestMockServerKeepsTheContract(t *testing.T) {
	began := time.Now()
	r := conformance.Run(t, func(tb testing.TB) conformance.Target { return mock(tb) })
	t.Logf("%d requests in %v, %v virtual", r.Used.Requests, time.Since(began), r.Used.Elapsed)
	healthy(t, r, "LRO-06") // descriptions that tell the progress get a warning
	if r.Verdict != conformance.Conformant {
		t.Errorf("verdict %v, want %v", r.Verdict, conformance.Conformant)
	}
	if one := r.Rule("CON-02"); one.Exercised < 20 {
		t.Errorf("rule CON-02 exercised %d times, want it by all that the mock's reflection shows", one.Exercised)
	}
}

func TestServerOnGRPCKeepsTheContract(t *testing.T) {
	began := time.Now()
	r := conformance.Run(t, example)
	t.Logf("%d requests in %v, %v virtual", r.Used.Requests, time.Since(began), r.Used.Elapsed)
	healthy(t, r)
}
