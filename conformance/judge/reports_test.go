package judge

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/optest-dev/optest/conformance"
	"github.com/optest-dev/optest/conformance/internal/exampleserver"
	"github.com/optest-dev/optest/conformance/internal/report"
	"github.com/optest-dev/optest/conformance/judge/zoo"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// subject is a server with a report in docs/reports.
type subject struct {
	file, title    string
	implementation *optestv1.ConformanceReport_Implementation
	start          func(testing.TB) conformance.Target
	reproduce      string
}

const project = "https://github.com/optest-dev/optest"

var subjects = []subject{
	{
		file: "mockserver", title: "The mock server of optest",
		implementation: &optestv1.ConformanceReport_Implementation{Organization: "optest", Project: "mockserver", Url: project + "/tree/main/mockserver"},
		start:          zoo.Servers()[0].Start,
		reproduce: `In virtual time, as here:

` + "```sh" + `
git clone ` + project + ` && cd optest
make reports
git diff docs/reports # counts may differ by a few: calls at one moment take turns
` + "```" + `

In real time, against the program, which takes some minutes. The life that is played there tells its progress in the description, which LRO-06 warns of:

` + "```sh" + `
optest serve --speed 60x &
optest check http://127.0.0.1:8080 --folder b1gexample0000000000 --own-folder --desktop slow-success \
  --desktop-fails quota-exceeded --desktop-fails-late early-error --desktop-absent no-such-desktop
` + "```" + `
`,
	},
	{
		file: "exampleserver", title: "A plain server on grpc-go",
		implementation: &optestv1.ConformanceReport_Implementation{Organization: "optest", Project: "exampleserver", Url: project + "/tree/main/conformance/internal/exampleserver"},
		start: func(tb testing.TB) conformance.Target {
			dial, stop := (&exampleserver.Server{Token: token}).InMemory()
			tb.Cleanup(stop)
			return conformance.Target{
				Dial: dial, Token: token, Folder: folder, Foreign: foreign,
				Desktops: conformance.Desktops{Succeeds: exampleserver.Works, Fails: exampleserver.Breaks, FailsLate: exampleserver.BreaksLater, Absent: absent},
			}
		},
		reproduce: "```sh" + `
git clone ` + project + ` && cd optest
make reports
git diff docs/reports # counts may differ by a few: calls at one moment take turns
` + "```" + `
`,
	},
}

// TestReports writes the reports on the project's own servers.
func TestReports(t *testing.T) {
	if *reportsDir == "" {
		t.Skip("it writes files, and -judge.reports does not say where to; make reports does")
	}
	for _, s := range subjects {
		t.Run(s.file, func(t *testing.T) {
			r := conformance.Run(t, s.start)
			r.Sense(20)
			m := r.Proto()
			m.Implementation = s.implementation
			// What differs from run to run and says nothing of the server is left out.
			m.Time, m.Used = nil, nil
			var text bytes.Buffer
			if err := report.WriteJSON(&text, m); err != nil {
				t.Fatal(err)
			}
			write(t, s.file+".json", text.String())
			write(t, s.file+".md", s.page(m))
		})
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(*reportsDir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// page is the report for people.
func (s subject) page(m *optestv1.ConformanceReport) string {
	var b strings.Builder
	c := m.GetCounts()
	fmt.Fprintf(&b, "# %s\n\n<!-- Made by make reports. -->\n\n**%s**: %d of %d core rules exercised, %d rules broken, %d with warnings. The whole report: [%s.json](%s.json).\n\n",
		s.title, strings.ReplaceAll(m.GetVerdict().String(), "_", " "), c.GetCoreExercised(), c.GetCore(), c.GetFailed(), c.GetWarned(), s.file, s.file)
	t := &table{columns: []string{"", ""}}
	t.add("implementation", fmt.Sprintf("[%s](%s), at the commit of this page", m.GetImplementation().GetProject(), m.GetImplementation().GetUrl()))
	t.add("contract", fmt.Sprintf("up to the %s, descriptors %.12s", m.GetContract(), m.GetContractDigest()))
	t.add("reads", m.GetProfile())
	t.add("protocols", strings.Join(m.GetProtocols(), ", "))
	t.add("rules", fmt.Sprintf("%d: %d passed, %d with warnings, %d broken, %d inconclusive, %d not exercised, %d not applicable",
		c.GetRules(), c.GetPassed(), c.GetWarned(), c.GetFailed(), c.GetInconclusive(), c.GetNotExercised(), c.GetNotApplicable()))
	noticed, places := uint32(0), uint32(0)
	others := &table{columns: []string{"rule", "verdict", "why"}}
	for _, one := range m.GetRules() {
		noticed += one.GetSensitivity().GetNoticed()
		places += one.GetSensitivity().GetPlaces()
		if one.GetVerdict() == optestv1.RuleResult_PASS {
			continue
		}
		why := one.GetReason()
		switch {
		case why == "" && len(one.GetViolations()) > 0:
			why = one.GetViolations()[0].GetText()
		case why == "":
			why = "to exercise it, " + one.GetExercise()
		}
		others.add(one.GetId()+" "+one.GetTitle(), strings.ReplaceAll(one.GetVerdict().String(), "_", " "), why)
	}
	t.add("sensitivity", fmt.Sprintf("noticed %d of %d places where the calls were broken on purpose", noticed, places))
	b.WriteString(t.markdown())
	for _, limit := range m.GetLimits() {
		fmt.Fprintf(&b, "\n- %s", limit)
	}
	if len(m.GetLimits()) > 0 {
		b.WriteString("\n")
	}
	if len(others.rows) > 0 {
		fmt.Fprintf(&b, "\n## What has not simply passed\n\n%s", others.markdown())
	}
	fmt.Fprintf(&b, "\n## Reproduce\n\n%s", s.reproduce)
	return b.String()
}
