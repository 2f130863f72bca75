package rules

import (
	"slices"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// All are the rules, in the order of their ids within each group.
func All() []*Rule {
	return slices.Concat(
		messageRules(), imageRules(), lifeRules(), cancelRules(), requestRules(), keyRules(), errorRules(), protocolRules(), descriptorRules(),
	)
}

// Find returns the rule with that id, nil without one.
func Find(id string) *Rule {
	for _, r := range All() {
		if r.ID == id {
			return r
		}
	}
	return nil
}

// What rules need to see.
var (
	content = []optestv1.TraceHeader_Sight{optestv1.TraceHeader_CONTENT}
	raw     = []optestv1.TraceHeader_Sight{optestv1.TraceHeader_RAW}
	frames  = []optestv1.TraceHeader_Sight{optestv1.TraceHeader_FRAMES}
	headers = []optestv1.TraceHeader_Sight{optestv1.TraceHeader_HEADERS}
)
