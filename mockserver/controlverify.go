package mockserver

import (
	"fmt"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/code"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// verifyCalls counts the calls that match, and says what was there instead.
func verifyCalls(c *call, req *optestv1.VerifyCallsRequest) (*optestv1.VerifyCallsResponse, error) {
	if req.AtLeast == nil && req.AtMost == nil && req.Exactly == nil {
		return nil, invalid("at_least", "want at_least, at_most or exactly: how many calls there must be")
	}
	calls, forgotten := c.session.journal.list()
	response := &optestv1.VerifyCallsResponse{}
	var near []string
	for _, one := range calls {
		switch why := differs(req.GetMatch(), one); {
		case why == "":
			response.Count++
		case len(near) < 10:
			near = append(near, fmt.Sprintf("%s (%s)", one, why))
		}
	}
	n := response.GetCount()
	var want []string
	if req.AtLeast != nil && n < uint64(req.GetAtLeast()) {
		want = append(want, fmt.Sprintf("at least %d", req.GetAtLeast()))
	}
	if req.AtMost != nil && n > uint64(req.GetAtMost()) {
		want = append(want, fmt.Sprintf("at most %d", req.GetAtMost()))
	}
	if req.Exactly != nil && n != uint64(req.GetExactly()) {
		want = append(want, fmt.Sprintf("exactly %d", req.GetExactly()))
	}
	response.Ok = len(want) == 0
	if !response.GetOk() {
		response.Difference = difference(n, want, near, len(calls), forgotten)
	}
	return response, nil
}

func difference(n uint64, want, near []string, seen int, forgotten uint64) string {
	var b strings.Builder
	fmt.Fprintf(&b, "got %d of %d calls, want %s", n, seen, strings.Join(want, " and "))
	if forgotten > 0 {
		fmt.Fprintf(&b, "; %d older calls are forgotten", forgotten)
	}
	for _, line := range near {
		b.WriteString("\n  not ")
		b.WriteString(line)
	}
	return b.String()
}

// differs says in what a call is not one that m is for, empty if it is.
func differs(m *optestv1.CallMatch, c Call) string {
	switch {
	case m == nil:
		return ""
	case m.GetMethod() != "" && !matchesMethod(pattern(m.GetMethod()), c.Method):
		return "method is not " + m.GetMethod()
	case m.Code != nil && m.GetCode() != code.Code(c.Code):
		return "code is not " + m.GetCode().String()
	case m.GetScenario() != "" && m.GetScenario() != c.Scenario:
		return "scenario is not " + m.GetScenario()
	case m.GetOperationId() != "" && m.GetOperationId() != c.Operation:
		return "operation is not " + m.GetOperationId()
	case m.GetPhase() != 0 && m.GetPhase() != c.Phase:
		return "phase is not " + m.GetPhase().String()
	case m.GetStep() != "" && m.GetStep() != c.Step:
		return "step is not " + m.GetStep()
	}
	for _, field := range conditions(m.GetFields()) {
		got := ""
		if c.Request != nil {
			got = fieldText(c.Request.ProtoReflect(), field.name)
		}
		if !field.want.matches(got) {
			return fmt.Sprintf("%s is %s, want %q", field.name, quoted(got), field.want)
		}
	}
	for _, header := range conditions(m.GetHeaders()) {
		if !header.want.matches(c.Header.Get(header.name)) {
			return "header " + strings.ToLower(header.name) + " does not match"
		}
	}
	return ""
}
