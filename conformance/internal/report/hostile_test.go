package report

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/code"

	"github.com/optest-dev/optest/conformance/internal/rules"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// attacks are texts that mean something to what shows them.
var attacks = []string{
	`<script>document.title="owned"</script>`, `"><img src=x onerror="document.title='owned'">`, `</style><script>document.title="owned"</script>`,
	`javascript:document.title="owned"`, `</title><b>`, `" onmouseover="document.title='owned'`, `{{.}} ${x} <%= 1 %>`,
	"\x1b[2J\x1b]0;owned\x07\x1b[31m", "line\r\nverdict: CONFORMANT\n\nPASSED", "\u202egnp.exe\u2066", "]]><testcase name=\"injected\"/><![CDATA[", "&#x1b;[0m&lt;b&gt;",
	"\x00\x01\x7f\xff\xfe\ufffe\uffff", "'; rm -rf / #`id`$(id)\\", strings.Repeat("w", 3000),
}

// hostileSample is a run against a server all of whose texts are attacks, and whose
// findings quote them.
func hostileSample(t testing.TB) *sample {
	s := newSample(t)
	var found []rules.Finding
	for i, text := range attacks {
		op := s.op(time.Second)
		op.Id, op.Description, op.CreatedBy = strings.ToValidUTF8(text, "?"), strings.ToValidUTF8(text, "?"), strings.ToValidUTF8(text, "?")
		e := s.call(text, time.Duration(2*i)*time.Second, rules.MethodGet, &operation.GetOperationRequest{OperationId: strings.ToValidUTF8(text, "?")}, op)
		e.Operation, e.Note = text, text
		e.RequestHeader = trace.Fields{{Name: "x-" + text, Value: text}}
		e.ResponseHeader = trace.Fields{{Name: text, Value: text}}
		failed := s.call(text, time.Duration(2*i+1)*time.Second, rules.MethodGet, get(), op)
		failed.Outcome, failed.Failure = optestv1.Event_FAILED, &trace.Failure{Code: code.Code(99), Message: text}
		failed.Protocol, failed.HTTPStatus, failed.HTTPRequest, failed.ResponseCodec = optestv1.Event_REST, 502, "GET /"+text, optestv1.Event_FOREIGN
		failed.Response = trace.NewBlob([]byte(text))
		json := s.call(text, time.Duration(2*i+1)*time.Second, rules.MethodGet, get(), op)
		json.ResponseCodec = optestv1.Event_JSON
		json.Response = trace.NewBlob([]byte(`{"id":` + fmt.Sprintf("%q", "x"+text) + `,` + fmt.Sprintf("%q", text) + `:1}`))
		found = append(found, rules.Finding{Kind: rules.Error, Text: "read said " + text, Evidence: []*trace.Event{e, failed, json}})
	}
	// Text in the bytes that no decoder takes.
	raw := s.call("raw", time.Minute, rules.MethodGet, get(), s.op(time.Second))
	raw.Response = trace.NewBlob(slices.Concat([]byte{0x0a, 12}, []byte("\xff<b>\x1b[31m!!"), []byte{0xff}))
	found = append(found, rules.Finding{Kind: rules.Error, Text: "the bytes", Evidence: []*trace.Event{raw}})

	all := strings.Join(attacks[:len(attacks)-1], " ")
	s.table = []*rules.Rule{
		{ID: "OP-20", Title: "t", Core: true, Level: rules.Implied, Quote: "`q`", Source: "s"},
		{ID: "OP-21", Title: "t", Level: rules.Implied, Quote: "q"},
		{ID: "OP-22", Title: "t", Level: rules.Implied, Quote: "q"},
	}
	s.in = Input{
		Env: s.env, Tool: all, Time: sampleStart, Protocols: []string{all}, NoVerdict: "", CutShort: all, Limits: []string{all}, Events: len(s.events),
		Implementation: &optestv1.ConformanceReport_Implementation{Project: "p", Url: "https://example.com/<b>"},
		Used:           &optestv1.ConformanceReport_Used{LeftBehind: attacks},
		Outcomes: []Outcome{
			{Result: rules.Result{Rule: s.table[0], Verdict: rules.Fail, Errors: len(found), Findings: found}},
			{Result: rules.Result{Rule: s.table[1], Verdict: rules.NotExercised}, Why: all},
			{Result: rules.Result{Rule: s.table[2], Verdict: rules.Pass, Exercised: 1}, Sensitivity: &rules.Sensitivity{Places: 2, Missed: []string{all}}},
		},
	}
	for i := range found {
		s.in.Outcomes[0].Found = append(s.in.Outcomes[0].Found, Found{Finding: found[i], Shortest: found[i].Evidence, Note: all})
	}
	s.env.Header.Target = "http://127.0.0.1:8080"
	return s
}

func TestTextIsSafeOnATerminal(t *testing.T) {
	var b bytes.Buffer
	if err := WriteText(&b, hostileSample(t).report(), Text{}); err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(b.String(), "\n") {
		for _, r := range line {
			if !unicode.IsPrint(r) {
				t.Fatalf("line %d has %U: %.200q", i+1, r, line)
			}
		}
		if strings.HasPrefix(line, "PASSED") && !strings.HasPrefix(line, "PASSED: 1 rule") || strings.HasPrefix(line, "verdict:") {
			t.Errorf("line %d is the server's: %q", i+1, line)
		}
	}
}

func TestColourIsOnlyOurs(t *testing.T) {
	var plain, coloured bytes.Buffer
	rep := hostileSample(t).report()
	if err := WriteText(&plain, rep, Text{}); err != nil {
		t.Fatal(err)
	}
	if err := WriteText(&coloured, rep, Text{Colour: true}); err != nil {
		t.Fatal(err)
	}
	stripped := coloured.String()
	if !strings.Contains(stripped, "\x1b[1;31mNOT CONFORMANT") {
		t.Errorf("got %.60q, want a verdict that stands out", stripped)
	}
	for _, code := range []string{"\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[1;31m", "\x1b[1;33m"} {
		stripped = strings.ReplaceAll(stripped, code, "")
	}
	if stripped != plain.String() {
		t.Error("the text without colours is another one")
	}
}

func TestJUnitTakesAnyText(t *testing.T) {
	doc, text := junitOf(t, hostileSample(t).report())
	if doc.Tests != 3 || len(doc.Suite.Cases) != 3 {
		t.Errorf("got %d cases, want 3", len(doc.Suite.Cases))
	}
	for _, r := range text {
		if r != '\n' && !unicode.IsPrint(r) {
			t.Fatalf("got %U", r)
		}
	}
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		token, err := d.Token()
		if err != nil {
			break
		}
		if start, ok := token.(xml.StartElement); ok && !slices.Contains(
			[]string{"testsuites", "testsuite", "properties", "property", "testcase", "failure", "skipped", "system-out"}, start.Name.Local,
		) {
			t.Errorf("got an element %s", start.Name.Local)
		}
	}
}

func TestHTMLTakesAnyText(t *testing.T) {
	s := hostileSample(t)
	page := string(s.html())
	for _, tag := range []string{"<script", "<style", "<meta http-equiv"} {
		if n := strings.Count(page, tag); n != 1 {
			t.Errorf("got %s %d times, want it once", tag, n)
		}
	}
	lower := strings.ToLower(page)
	for _, bad := range []string{"<img", "<b>\ufffd", "href=\"javascript", `onerror="document`, `" onmouseover="`, "\x1b", "\u202e", "ZgotmplZ"} {
		if strings.Contains(lower, strings.ToLower(bad)) {
			i := strings.Index(lower, strings.ToLower(bad))
			t.Errorf("got %q in …%q…", bad, page[max(0, i-60):min(len(page), i+60)])
		}
	}
	if len(page) > 1_000_000 {
		t.Errorf("got %d bytes", len(page))
	}
}
