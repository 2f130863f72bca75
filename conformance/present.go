package conformance

import (
	"io"
	"time"

	"github.com/optest-dev/optest/conformance/internal/report"
	"github.com/optest-dev/optest/conformance/internal/rules"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// Waive holds waivers against the report: a rule that fails and has one becomes
// WAIVED, which is no pass. A waiver whose last day is over, or whose rule holds,
// fails the run; see [Report.ExitCode].
func (r *Report) Waive(waivers *optestv1.Waivers, today time.Time) {
	r.waivers, r.today = waivers, today
	r.settle()
}

// Sense breaks each exercised rule in up to so many places of the run's own
// events, which the report's seed draws, and looks whether the rule notices. The
// report then says so beside each rule: one that notices nothing says little of
// the server.
func (r *Report) Sense(places int) {
	r.sensed = rules.Sense(r.env, r.Events, r.results, r.Seed, places)
}

// Save writes files for each violation into a directory, which it makes: the
// shortest trace that shows it, a Go test of that trace, and a script that makes
// its calls again. The report then names them.
func (r *Report) Save(dir string) error {
	m := r.Proto()
	if err := report.Save(dir, m, r.input(), r.Events); err != nil {
		return err
	}
	r.saved = m
	return nil
}

// ExitCode is what a program should end with: 0 for a conformant server, 1 where a
// rule is broken or a waiver has to go, 3 where nothing is broken and not all is
// known. 2 is left for a wrong command line.
func (r *Report) ExitCode() int { return report.ExitCode(r.Proto()) }

// WriteColoured is [Report.WriteText] for a terminal of so many columns.
func (r *Report) WriteColoured(w io.Writer, columns int) error {
	return report.WriteText(w, r.Proto(), report.Text{Colour: true, Width: columns})
}

// WriteHTML writes the report as one page that needs nothing else, with a picture
// of the calls.
func (r *Report) WriteHTML(w io.Writer) error {
	return report.WriteHTML(w, r.Proto(), &trace.Trace{Header: r.Header, Events: r.Events})
}

// WriteTrace writes what was seen to a file, in the format of package trace; a
// name that ends in `.gz` has it compressed.
func (r *Report) WriteTrace(path string) error {
	return (&trace.Trace{Header: r.Header, Events: r.Events}).WriteFile(path)
}
