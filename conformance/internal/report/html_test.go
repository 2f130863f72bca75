package report

import (
	"bytes"
	"strings"
	"testing"

	"github.com/optest-dev/optest/trace"
)

func (s *sample) trace() *trace.Trace { return &trace.Trace{Header: s.env.Header, Events: s.events} }

func (s *sample) html() []byte {
	s.t.Helper()
	var b bytes.Buffer
	if err := WriteHTML(&b, s.report(), s.trace()); err != nil {
		s.t.Fatal(err)
	}
	return b.Bytes()
}

func TestHTMLShowsEvidence(t *testing.T) {
	page := string(brokenSample(t).html())
	lacks(t, page)
	for _, bad := range []string{"http-equiv=\"refresh", "src=", "@import", "url("} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %s, want it to need nothing else", bad)
		}
	}
	ids, hrefs := map[string]int{}, 0
	for part := range strings.SplitSeq(page, ` id="`) {
		id, _, _ := strings.Cut(part, `"`)
		ids[id]++
	}
	for part := range strings.SplitSeq(page, ` href="#`) {
		if id, _, ok := strings.Cut(part, `"`); ok && hrefs > 0 && ids[id] != 1 {
			t.Errorf("there are %d places with the id %s, want one to go to", ids[id], id)
		}
		hrefs++
	}
	if hrefs < 15 {
		t.Errorf("got %d ways through the page", hrefs)
	}
}

// A report alone, such as one that was read from a file, has its evidence.
func TestHTMLWithoutTrace(t *testing.T) {
	var b bytes.Buffer
	if err := WriteHTML(&b, brokenSample(t).report(), nil); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	if !strings.Contains(page, `id="rule-OP-18-1-11"`) || !strings.Contains(page, "from #9 to #10") || strings.Contains(page, "<h2>The run</h2>") {
		t.Error("want the evidence and no picture of the run")
	}
}

// lacks finds what the page of the broken sample should have: its evidence byte by
// byte, in pictures, and one to be found from the other.
func lacks(t *testing.T, page string) {
	t.Helper()
	for what, want := range map[string]string{
		"the verdict":                    `<h1>Not conformant</h1>`,
		"the sentence":                   `Includes only one of the fields <code>error</code>, <code>response</code>.`,
		"the first result, marked":       `<tr class="odd"><td>0</td><td class="hex">42 12</td><td class="field" style="padding-left:calc(0.0em + 8px)">error</td><td>Status<span class="why">⚠ only one of the members of result may be there</span></td></tr>`,
		"the second result, marked":      `<tr class="odd"><td>193</td><td class="hex">4a 85 01</td><td class="field" style="padding-left:calc(0.0em + 8px)">response</td>`,
		"the absence of done":            `not there, which means false`,
		"a field of JSON, marked":        `a number of 64 bits is written in quotes; its name in JSON is storageSize`,
		"the evidence's anchor":          `<article class="exhibit" id="rule-OP-18-1-11"`,
		"the way to it from the picture": `<a href="#rule-OP-18-1-11"><rect class="conflict cited"`,
		"the way from the whole run":     `<a href="#rule-LRO-01"><rect class="done cited"`,
		"an arc between the two reads":   `<title>from #9 to #10</title>`,
		"the server's own stamps":        `<title>modified_at 2026-03-05T12:00:14.8Z, 14.800s after the start, as #9 says</title>`,
		"an operation to choose":         `fv4q7hk2m9c3v8t1s6d0: 13 calls, 3 findings</option>`,
		"what was not exercised":         `start an operation without a desktop_id`,
		"how to see it again":            `grpcurl -plaintext`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s: %s", what, want)
		}
	}
}
