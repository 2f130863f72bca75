package report

import optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"

// Codes that a program ends with.
const (
	ExitConformant    = 0
	ExitNotConformant = 1 // a rule is broken, or a waiver has to go
	ExitUsage         = 2 // the command line can't be meant as it is
	ExitOpen          = 3 // partial, inconclusive or no verdict: nothing is broken, and not all is known
)

// ExitCode is the code that says the report's verdict to a shell.
func ExitCode(rep *optestv1.ConformanceReport) int {
	switch {
	case rep.GetVerdict() == optestv1.ConformanceReport_NOT_CONFORMANT || len(stale(rep)) > 0:
		return ExitNotConformant
	case rep.GetVerdict() == optestv1.ConformanceReport_CONFORMANT:
		return ExitConformant
	}
	return ExitOpen
}
