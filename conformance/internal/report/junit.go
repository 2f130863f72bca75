package report

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// The elements of a JUnit report, as CI systems agree on them.
type (
	junitSuites struct {
		XMLName  xml.Name `xml:"testsuites"`
		Name     string   `xml:"name,attr"`
		Tests    int      `xml:"tests,attr"`
		Failures int      `xml:"failures,attr"`
		Errors   int      `xml:"errors,attr"`
		Skipped  int      `xml:"skipped,attr"`
		Time     string   `xml:"time,attr"`
		Suite    junitSuite
	}
	junitSuite struct {
		XMLName    xml.Name        `xml:"testsuite"`
		Name       string          `xml:"name,attr"`
		Tests      int             `xml:"tests,attr"`
		Failures   int             `xml:"failures,attr"`
		Errors     int             `xml:"errors,attr"`
		Skipped    int             `xml:"skipped,attr"`
		Time       string          `xml:"time,attr"`
		Timestamp  string          `xml:"timestamp,attr,omitempty"`
		Properties []junitProperty `xml:"properties>property"`
		Cases      []junitCase     `xml:"testcase"`
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		Time    string        `xml:"time,attr"`
		Skipped *junitOutcome `xml:"skipped"`
		Failure *junitOutcome `xml:"failure"`
		Error   *junitOutcome `xml:"error"`
		Out     *junitText    `xml:"system-out"`
	}
	junitOutcome struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",cdata"`
	}
	junitText struct {
		Text string `xml:",cdata"`
	}
)

// WriteJUnit writes the report for CI systems: a test case for each rule, in the
// class of its group. What has neither passed nor failed is skipped, and says why.
// Two more cases can be there: one that has an error if there is no verdict, and
// one that fails if a waiver has to go.
func WriteJUnit(out io.Writer, rep *optestv1.ConformanceReport) error {
	suite := junitSuite{Name: "optest conformance", Time: "0", Properties: junitProperties(rep)}
	if t := rep.GetTime(); t != nil {
		suite.Timestamp = t.AsTime().UTC().Format("2006-01-02T15:04:05")
	}
	if wall := rep.GetUsed().GetWall().AsDuration(); wall > 0 {
		suite.Time = fmt.Sprintf("%.3f", wall.Seconds())
	}
	v := newView()
	for _, r := range rep.GetRules() {
		suite.Cases = append(suite.Cases, v.junit(r))
	}
	if rep.GetVerdict() == optestv1.ConformanceReport_NO_VERDICT {
		suite.Cases = append(suite.Cases, junitCase{
			Class: "conformance", Name: "verdict", Time: "0",
			Error: &junitOutcome{Message: rep.GetReason(), Type: "NO VERDICT", Text: Headline(rep)},
		})
	}
	if list := stale(rep); len(list) > 0 {
		var lines []string
		for _, w := range list {
			lines = append(lines, plain(w.GetWaiver().GetRule())+": "+staleText(w))
		}
		suite.Cases = append(suite.Cases, junitCase{
			Class: "conformance", Name: "waivers", Time: "0",
			Failure: &junitOutcome{Message: counted(len(list), "waiver") + " to be removed", Type: "WAIVER", Text: "\n" + strings.Join(lines, "\n") + "\n"},
		})
	}
	for _, c := range suite.Cases {
		suite.Tests++
		switch {
		case c.Failure != nil:
			suite.Failures++
		case c.Error != nil:
			suite.Errors++
		case c.Skipped != nil:
			suite.Skipped++
		}
	}
	doc := junitSuites{
		Name: suite.Name, Tests: suite.Tests, Failures: suite.Failures, Errors: suite.Errors, Skipped: suite.Skipped, Time: suite.Time, Suite: suite,
	}
	text, err := xml.MarshalIndent(doc, "", "  ")
	if err != nil {
		return fmt.Errorf("optest: writing a report as JUnit: %w", err)
	}
	return written(out, bytes.Join([][]byte{[]byte(xml.Header), text, []byte("\n")}, nil))
}

func junitProperties(rep *optestv1.ConformanceReport) []junitProperty {
	list := []junitProperty{
		{"verdict", words(rep.GetVerdict().String())},
		{"summary", Headline(rep)},
	}
	for _, f := range facts(rep) {
		list = append(list, junitProperty(f))
	}
	for _, l := range limits(rep) {
		list = append(list, junitProperty{"limit", l})
	}
	return list
}

// junit is a rule as a test case.
func (v *view) junit(r *optestv1.RuleResult) junitCase {
	group, _, _ := strings.Cut(r.GetId(), "-")
	c := junitCase{Class: "conformance." + plain(group), Name: plain(r.GetId() + " " + r.GetTitle()), Time: "0"}
	skip := func(format string, args ...any) {
		c.Skipped = &junitOutcome{Message: plain(words(r.GetVerdict().String()) + ": " + fmt.Sprintf(format, args...))}
	}
	switch r.GetVerdict() {
	case optestv1.RuleResult_PASS:
		out := "exercised: " + times(r)
		if r.GetSensitivity() != nil {
			out += "\n" + noticed(r)
		}
		c.Out = &junitText{out}
	case optestv1.RuleResult_WARNING:
		c.Out = &junitText{v.story(r)}
	case optestv1.RuleResult_FAIL:
		c.Failure = &junitOutcome{Message: clipped(plain(firstText(r)), 300), Type: r.GetLevel().String(), Text: v.story(r)}
	case optestv1.RuleResult_NOT_EXERCISED:
		skip("to exercise it, %s", strings.TrimSuffix(r.GetExercise()+"; "+r.GetReason(), "; "))
	case optestv1.RuleResult_INCONCLUSIVE:
		skip("%s", clipped(firstText(r), 300))
		c.Out = &junitText{v.story(r)}
	default:
		skip("%s", r.GetReason())
	}
	return c
}

func firstText(r *optestv1.RuleResult) string {
	if len(r.GetViolations()) == 0 {
		return r.GetTitle()
	}
	return r.GetViolations()[0].GetText()
}

// story is a rule's breaches as text.
func (v *view) story(r *optestv1.RuleResult) string {
	p := &textPage{sheet: sheet{style: Text{}}, view: v}
	p.broken(r)
	return "\n" + p.b.String()
}
