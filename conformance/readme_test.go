package conformance_test

import (
	"testing"

	"github.com/optest-dev/optest/conformance"
	"github.com/optest-dev/optest/conformance/internal/exampleserver"
)

// README:begin
func TestServerKeepsTheContract(t *testing.T) {
	conformance.Run(t, func(tb testing.TB) conformance.Target { // called for a new server, in virtual time
		dial, stop := (&exampleserver.Server{}).InMemory()
		tb.Cleanup(stop)
		return conformance.Target{
			Dial:     dial,
			Desktops: conformance.Desktops{Succeeds: exampleserver.Works, FailsLate: exampleserver.BreaksLater, Absent: "nobody's"},
		}
	})
}

// README:end
