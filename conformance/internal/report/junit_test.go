package report

import (
	"bytes"
	"encoding/xml"
	"strings"
	"testing"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// junitOf writes a report as JUnit and reads it as a CI system does.
func junitOf(t *testing.T, rep *optestv1.ConformanceReport) (junitSuites, string) {
	t.Helper()
	var b bytes.Buffer
	if err := WriteJUnit(&b, rep); err != nil {
		t.Fatal(err)
	}
	var doc junitSuites
	if err := xml.Unmarshal(b.Bytes(), &doc); err != nil {
		t.Fatalf("%v\n%s", err, b.String())
	}
	return doc, b.String()
}

func TestJUnit(t *testing.T) {
	doc, text := junitOf(t, brokenSample(t).report())
	golden(t, "broken.xml", []byte(text))
	if got, want := [4]int{doc.Tests, doc.Failures, doc.Errors, doc.Skipped}, [4]int{11, 2, 0, 6}; got != want {
		t.Errorf("got %v tests, failures, errors and skipped, want %v", got, want)
	}
	cases := map[string]junitCase{}
	for _, c := range doc.Suite.Cases {
		id, _, _ := strings.Cut(c.Name, " ")
		cases[id] = c
		group, _, _ := strings.Cut(id, "-")
		if c.Class != "conformance."+group {
			t.Errorf("%s is of class %s, want its group", id, c.Class)
		}
	}
	if f := cases["OP-18"].Failure; f == nil || !strings.HasPrefix(f.Message, "read #11") || !strings.Contains(f.Text, "Includes only one of the fields") {
		t.Errorf("got %v for a broken rule", f)
	}
	for id, message := range map[string]string{
		"REQ-01": "NOT EXERCISED: to exercise it, start an operation without a desktop_id",
		"IDM-02": "NOT EXERCISED: to exercise it, start an operation 16 times at once with one key; keys-at-once was left out: it makes at least 16 images, more than the budget has left",
		"ERR-01": "NOT APPLICABLE: the observer does not see frames and trailers",
		"LRO-13": "INCONCLUSIVE: after 10m0s the operation was still in progress",
	} {
		if s := cases[id].Skipped; s == nil || s.Message != message {
			t.Errorf("%s: got %v, want it skipped: %s", id, s, message)
		}
	}
	if c := cases["XP-02"]; c.Failure != nil || c.Skipped != nil || !strings.Contains(c.Out.Text, "storageSize is written as storage_size") {
		t.Errorf("got %v, want warnings in the output of a test that passes", c)
	}
	if c := cases["OP-08"]; c.Failure != nil || c.Skipped != nil || c.Out.Text != "exercised: 3\nwould have noticed in 20 of 20 places" {
		t.Errorf("got %v, want a pass that says how often it was exercised", c)
	}
}

// What keeps a run from being a success is a case of its own: a CI system shows
// nothing else.
func TestJUnitFailsWithoutABrokenRule(t *testing.T) {
	rep := ruled(Input{NoVerdict: "the server does not answer"}, "C:idle")
	doc, _ := junitOf(t, rep)
	if doc.Errors != 1 || doc.Tests != 2 || doc.Suite.Cases[1].Error.Message != "the server does not answer" {
		t.Errorf("got %v, want an error without a verdict", doc)
	}
	rep = ruled(Input{}, "C:pass")
	Apply(rep, &optestv1.Waivers{Waivers: []*optestv1.Waiver{{Rule: "R-01", Reason: "an old bug", Until: "2026-12-31"}}}, sampleStart)
	doc, _ = junitOf(t, rep)
	if doc.Failures != 1 || !strings.Contains(doc.Suite.Cases[1].Failure.Text, "R-01: not needed: the rule passes (it was for: an old bug)") {
		t.Errorf("got %v, want a failure for a waiver that has to go", doc)
	}
}
