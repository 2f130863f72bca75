package report

import (
	"bytes"
	"fmt"
	"go/format"
	"strconv"
	"strings"
	"text/template"

	"github.com/optest-dev/optest/conformance/internal/rules"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// goTest is a file with a test that holds a trace against its rule.
type goTest struct {
	Function, Rule, Title, Trace string
	Text                         []string // what was found, in lines of a comment
	Options                      []string
	Warns                        bool
}

var goTestTemplate = template.Must(template.New("test").Parse(`package violations

import (
	"testing"

	"github.com/optest-dev/optest/conformance"
	"github.com/optest-dev/optest/trace"
)

// {{.Function}} holds the calls that were recorded in {{.Trace}} against
// {{.Rule}}: {{.Title}}.
//
{{range .Text}}//	{{.}}
{{end}}func {{.Function}}(t *testing.T) {
	traces, err := trace.Load({{printf "%q" .Trace}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	rep, err := conformance.Verify(traces[0]{{range .Options}}, {{.}}{{end}})
	if err != nil {
		t.Fatal(err)
	}
	if got := rep.Rule({{printf "%q" .Rule}}); got.Verdict != conformance.{{if .Warns}}Warned{{else}}Failed{{end}} {
		t.Errorf("got %v, want {{.Rule}} to find what it has found in the run: %s", got.Verdict, got.Reason)
	}
}
`))

// testOf is the test of a rule's n-th finding, in Go.
func testOf(env *rules.Env, rule *rules.Rule, n int, f rules.Finding, traceFile string) ([]byte, error) {
	const width = 90
	t := goTest{
		Function: fmt.Sprintf("Test%sFinding%d", strings.ReplaceAll(rule.ID, "-", ""), n),
		Rule:     rule.ID,
		Title:    plain(rule.Title),
		Trace:    traceFile,
		Options:  options(env, rule),
		Warns:    f.Kind == rules.Warning,
	}
	for _, part := range strings.Split(bounded(paragraphs(f.Text), maxText), "\n") {
		t.Text = append(t.Text, broken(part, width)...)
	}
	var b bytes.Buffer
	if err := goTestTemplate.Execute(&b, t); err != nil {
		return nil, fmt.Errorf("optest: writing a test: %w", err)
	}
	source, err := format.Source(b.Bytes())
	if err != nil {
		return nil, fmt.Errorf("optest: writing a test: %w", err)
	}
	return source, nil
}

// options are those that have the rule know what it knew in the run. The profile
// is in the trace.
func options(env *rules.Env, rule *rules.Rule) []string {
	list := []string{"conformance.Rules(" + strconv.Quote(rule.ID) + ")"}
	switch env.Contract {
	case rules.Seed:
		list = append(list, "conformance.Contract(conformance.SeedPage)")
	case rules.Proto:
		list = append(list, "conformance.Contract(conformance.Proto)")
	}
	if env.World && !trace.Sees(env.Header, optestv1.TraceHeader_ALL_WRITERS) {
		list = append(list, "conformance.OwnFolder()")
	}
	if known := literalOf("conformance.Target", about(env)); known != "conformance.Target{}" {
		list = append(list, "conformance.About("+known+")")
	}
	return list
}

// about is what the run knew of the server, as fields of a Target.
func about(env *rules.Env) []string {
	fields := texts("Folder", env.Folder, "Subject", env.Subject, "Foreign", env.Foreign)
	desktops := literalOf("conformance.Desktops", texts(
		"Succeeds", env.Desktops.Succeeds, "Fails", env.Desktops.Fails, "FailsLate", env.Desktops.FailsLate, "Absent", env.Desktops.Absent,
	))
	if desktops != "conformance.Desktops{}" {
		fields = append(fields, "Desktops: "+desktops)
	}
	if env.Auth {
		fields = append(fields, texts("Token", "any: the server knows its callers")...)
	}
	return fields
}

// texts are fields of a struct, of names and values in turn, without those that
// are empty.
func texts(pairs ...string) []string {
	var fields []string
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			fields = append(fields, pairs[i]+": "+strconv.QuoteToASCII(pairs[i+1]))
		}
	}
	return fields
}

func literalOf(kind string, fields []string) string {
	return kind + "{" + strings.Join(fields, ", ") + "}"
}
