package report

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/code"

	"github.com/optest-dev/optest/conformance/internal/rules"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// busySample has so many calls, by many readers about many operations, no two of
// which are alike.
func busySample(t testing.TB, calls int) *sample {
	s := newSample(t)
	for i := range calls {
		op := s.op(time.Duration(i) * time.Millisecond)
		op.Id = fmt.Sprintf("fv4operation%08d", i%317)
		at := time.Duration(i) * 7 * time.Millisecond
		e := s.call(fmt.Sprintf("reader-%d", i%37), at, rules.MethodGet, &operation.GetOperationRequest{OperationId: op.Id}, op)
		switch i % 5 {
		case 1:
			e.Returned += 20 * time.Millisecond
		case 2:
			e.Outcome, e.Response, e.Failure = optestv1.Event_FAILED, nil, &trace.Failure{Code: code.Code_UNAVAILABLE, Message: "try again"}
		}
	}
	return s
}

// breakRules has so many rules with 20 findings each, of which each cites three
// events.
func (s *sample) breakRules(n int) {
	for i := range n {
		r := &rules.Rule{ID: fmt.Sprintf("R-%03d", i), Title: "A rule", Core: true, Level: rules.Seed, Quote: "`done`", Source: "operation.Operation.done"}
		o := Outcome{Result: rules.Result{Rule: r, Verdict: rules.Fail, Errors: 1000, Exercised: 1024, More: true}}
		for j := range 20 {
			k := (i*977 + j*31) % (len(s.events) - 2)
			o.Findings = append(o.Findings, rules.Finding{Kind: rules.Error, Text: fmt.Sprintf("finding %d of rule %d: %s", j, i, strings.Repeat("a long story ", 30)), Evidence: s.events[k : k+3]})
		}
		s.table = append(s.table, r)
		s.in.Outcomes = append(s.in.Outcomes, o)
	}
	s.in.Env, s.in.Events = s.env, len(s.events)
}

const mostHTML = 1_000_000

func TestHTMLOfTenThousandEvents(t *testing.T) {
	for _, broken := range []int{0, 1, 105} {
		s := busySample(t, 10_000)
		s.breakRules(broken)
		page := s.html()
		t.Logf("%d broken rules: %d bytes", broken, len(page))
		if len(page) > mostHTML {
			t.Errorf("%d broken rules: got %d bytes, want at most %d", broken, len(page), mostHTML)
		}
		if lanes := bytes.Count(page, []byte(`<div style="top:`)); broken == 0 && lanes != maxLanes {
			t.Errorf("got %d lanes, want the readers in %d", lanes, maxLanes)
		}
		if brief := bytes.Contains(page, []byte("in brief")); brief != (broken == 105) {
			t.Errorf("%d broken rules: got findings in brief: %v", broken, brief)
		}
	}
}

// A day of polls is a few bars.
func TestHTMLMergesPolls(t *testing.T) {
	s := newSample(t)
	for i := range 10_000 {
		s.call("reader-1", time.Duration(i)*10*time.Second, rules.MethodGet, get(), s.op(time.Second))
	}
	s.call("reader-1", 30*time.Hour, rules.MethodGet, get(), s.done(29*time.Hour))
	page := string(s.html())
	if n := strings.Count(page, "<rect"); n > 10 {
		t.Errorf("got %d bars, want one for all that is alike", n)
	}
	if !strings.Contains(page, "10000 calls, #1 to #10000") {
		t.Error("the bar does not say what it stands for")
	}
}

// A server may answer with as much as it likes.
func TestHugeMessages(t *testing.T) {
	s := newSample(t)
	name := strings.Repeat("🦫", 300_000)
	labels := map[string]string{}
	for i := range 3000 {
		labels[fmt.Sprintf("label-%d", i)] = name[:4000]
	}
	big := s.call("r", time.Second, rules.MethodGetImage, &clouddesktop.GetDesktopImageRequest{ImageId: name}, &clouddesktop.DesktopImage{Name: name, Labels: labels})
	text := s.call("r", 2*time.Second, rules.MethodGet, get(), s.op(time.Second))
	text.ResponseCodec, text.Response = optestv1.Event_JSON, trace.NewBlob([]byte(`{"x":`+strings.Repeat("[", 1<<20)))
	text.ResponseHeader = trace.Fields{{Name: "x", Value: name}}
	html := s.call("r", 3*time.Second, rules.MethodGet, get(), s.op(time.Second))
	html.ResponseCodec, html.Response = optestv1.Event_FOREIGN, trace.NewBlob([]byte(strings.Repeat("<b>", 1<<20)))
	s.breakRules(1)
	s.in.Outcomes[0].Findings = nil
	for range 20 {
		s.in.Outcomes[0].Findings = append(s.in.Outcomes[0].Findings, rules.Finding{Kind: rules.Error, Text: name, Evidence: []*trace.Event{big, text, html}})
	}
	rep := s.report()
	var asJSON, asText, asJUnit, asHTML bytes.Buffer
	for name, err := range map[string]error{
		"JSON": WriteJSON(&asJSON, rep), "text": WriteText(&asText, rep, Text{}), "JUnit": WriteJUnit(&asJUnit, rep), "HTML": WriteHTML(&asHTML, rep, s.trace()),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	t.Logf("%d bytes of JSON, %d of text, %d of JUnit, %d of HTML", asJSON.Len(), asText.Len(), asJUnit.Len(), asHTML.Len())
	for _, tt := range []struct {
		name      string
		got, most int
	}{{"JSON", asJSON.Len(), 40 << 20}, {"text", asText.Len(), 200_000}, {"JUnit", asJUnit.Len(), 200_000}, {"HTML", asHTML.Len(), mostHTML}} {
		if tt.got > tt.most {
			t.Errorf("%s has %d bytes, want at most %d", tt.name, tt.got, tt.most)
		}
	}
}
