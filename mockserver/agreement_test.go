package mockserver

import (
	"testing"

	"github.com/optest-dev/optest/fixtures"
	"github.com/optest-dev/optest/mockserver/internal/breakage"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// TestValidatorKnowsWhatCanBreakSomewhere: the package of fixtures is below this
// one and has a table of its own.
func TestValidatorKnowsWhatCanBreakSomewhere(t *testing.T) {
	for number, name := range optestv1.TransportFault_Kind_name {
		for _, after := range []uint32{0, 7} {
			f := &optestv1.TransportFault{Kind: optestv1.TransportFault_Kind(number), AfterBytes: after}
			problems := fixtures.Validate(&optestv1.Scenario{NeverDone: true, Faults: []*optestv1.Fault{
				{On: optestv1.Fault_GET, Effect: &optestv1.Fault_Transport{Transport: f}},
			}})
			if err := breakage.Check(f); (err == nil) != (len(problems) == 0) {
				t.Errorf("%s after %d bytes: the validator says %v, the server %v", name, after, problems, err)
			}
		}
	}
}
