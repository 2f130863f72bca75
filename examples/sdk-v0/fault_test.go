package sdkv0_test

import (
	"google.golang.org/genproto/googleapis/rpc/code"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// notFoundFor is a replica that does not know a new operation for so many polls.
func notFoundFor(polls uint32) *optestv1.Fault {
	return &optestv1.Fault{
		On:    optestv1.Fault_GET,
		Calls: &optestv1.Range{From: 1, To: polls},
		Effect: &optestv1.Fault_Status{Status: &optestv1.StatusFault{
			Status: &optestv1.Status{Code: code.Code_NOT_FOUND, Message: "no such operation yet"},
		}},
	}
}
