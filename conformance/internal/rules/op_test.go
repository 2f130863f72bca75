package rules

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/optest-dev/optest/trace"
)

// messageCase is one answer that is broken, or odd and right, with the rules about
// single messages that object to it.
type messageCase struct {
	name string
	// state is that of the operation which is read: start, pending, failing, failed
	// or succeeded.
	state string
	wire  wire
	edit  func(*operation.Operation)
	raw   func([]byte) []byte
	env   func(*Env)
	want  string // such as "OP-01 FAIL, OP-02 FAIL"
}

func (c messageCase) events(t *testing.T) (*Env, []*trace.Event) {
	t.Helper()
	s := newScene(t)
	if c.env != nil {
		c.env(s.env)
	}
	reader := s.client("first", c.wire)
	l := s.server.make(MethodCreate, copyOf(s, "name", s.env.Desktops.Succeeds), time.Nanosecond)
	if c.state != "start" {
		l.answers(reader)
	}
	asked := proto.CloneOf(l.op)
	s.wait(time.Second)
	switch c.state {
	case "failing":
		l.failing(code.Code_RESOURCE_EXHAUSTED, "Image quota is exceeded")
	case "failed":
		l.failing(code.Code_RESOURCE_EXHAUSTED, "Image quota is exceeded")
		l.ends()
	case "succeeded":
		l.succeeds()
	case "start", "pending":
	default:
		t.Fatalf("state %q", c.state)
	}
	answer := proto.CloneOf(l.op)
	if c.edit != nil {
		c.edit(answer)
	}
	var e *trace.Event
	if c.state == "start" {
		e = reader.ok(MethodCreate, l.request, answer)
	} else {
		e = reader.ok(MethodGet, &operation.GetOperationRequest{OperationId: asked.GetId()}, answer)
	}
	if c.raw != nil {
		e.Response = trace.NewBlob(c.raw(bytes.Clone(e.Response.Bytes())))
	}
	return s.env, s.events
}

// objections are the rules that have something to say.
func objections(results []Result) string {
	var list []string
	for _, r := range results {
		if r.Verdict == Fail || r.Verdict == Warned || r.Verdict == Inconclusive {
			list = append(list, r.Rule.ID+" "+r.Verdict.String())
		}
	}
	return strings.Join(list, ", ")
}

func runMessageCases(t *testing.T, cases []messageCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			env, events := c.events(t)
			results := Check(env, messageRules(), events)
			if got := objections(results); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			for _, r := range results {
				for _, f := range r.Findings {
					t.Logf("%s: %s", r.Rule.ID, f.Text)
					if len(f.Evidence) == 0 || len(f.Evidence) > 3 {
						t.Errorf("%s has %d events as evidence, want 1 to 3", r.Rule.ID, len(f.Evidence))
					}
				}
			}
		})
	}
}

func TestFieldsOfAnOperation(t *testing.T) {
	runMessageCases(t, []messageCase{
		{name: "as it should be", state: "succeeded"},
		{name: "no id", state: "pending", edit: func(m *operation.Operation) { m.Id = "" }, want: "OP-01 FAIL, OP-02 FAIL"},
		{name: "no id in the first answer", state: "start", edit: func(m *operation.Operation) { m.Id = "" }, want: "OP-01 FAIL"},
		{name: "a neighbour's id", state: "pending", edit: func(m *operation.Operation) { m.Id = "fv4neighbour" }, want: "OP-02 FAIL"},
		{name: "257 characters", state: "pending", edit: func(m *operation.Operation) { m.Description = strings.Repeat("x", 257) }, want: "OP-03 FAIL"},
		{name: "256 characters of four bytes", state: "pending", edit: func(m *operation.Operation) { m.Description = strings.Repeat("😀", 256) }},
		{name: "no description", state: "pending", edit: func(m *operation.Operation) { m.Description = "" }},
		{name: "not created", state: "pending", edit: func(m *operation.Operation) { m.CreatedAt = nil }, want: "OP-04 FAIL"},
		{name: "negative nanoseconds", state: "pending", edit: func(m *operation.Operation) { m.CreatedAt.Nanos = -1 }, want: "OP-04 FAIL"},
		{name: "milliseconds as seconds", state: "pending", edit: func(m *operation.Operation) { m.CreatedAt.Seconds *= 1000; m.ModifiedAt.Seconds *= 1000 }, want: "OP-04 FAIL, OP-05 FAIL"},
		{name: "not modified", state: "pending", edit: func(m *operation.Operation) { m.ModifiedAt = nil }, want: "OP-05 FAIL"},
		{name: "the year 10000", state: "pending", edit: func(m *operation.Operation) { m.ModifiedAt.Seconds = 253402300800 }, want: "OP-05 FAIL"},
		{name: "the last moment", state: "pending", edit: func(m *operation.Operation) {
			m.ModifiedAt = &timestamppb.Timestamp{Seconds: 253402300799, Nanos: 999_999_999}
		}},
		{name: "modified a second before it was created", state: "pending", edit: func(m *operation.Operation) {
			m.ModifiedAt = timestamppb.New(m.CreatedAt.AsTime().Add(-time.Second))
		}, want: "OP-06 WARNING"},
		{name: "modified longer before it was created", state: "pending", edit: func(m *operation.Operation) {
			m.ModifiedAt = timestamppb.New(m.CreatedAt.AsTime().Add(-time.Second - 1))
		}, want: "OP-06 FAIL"},
		{name: "modified when it was created", state: "pending", edit: func(m *operation.Operation) { m.ModifiedAt = m.CreatedAt }},
		{name: "no creator", state: "pending", edit: func(m *operation.Operation) { m.CreatedBy = "" }, want: "OP-07 FAIL"},
		{name: "who polls is the creator", state: "pending", edit: func(m *operation.Operation) { m.CreatedBy = "aje-poller" }, want: "OP-07 FAIL"},
		{name: "somebody is the creator and nobody knows who calls", state: "pending", edit: func(m *operation.Operation) { m.CreatedBy = "aje-agent" }, env: func(e *Env) { e.Subject = "" }},
		{name: "an empty message", state: "pending", edit: func(m *operation.Operation) { proto.Reset(m) }, want: "OP-01 FAIL, OP-02 FAIL, OP-04 FAIL, OP-05 FAIL, OP-07 FAIL, OP-15 FAIL"},
	})
}

func TestOperationOfSomebodyElseMayHaveAnotherCreator(t *testing.T) {
	s := newScene(t)
	l := s.server.make(MethodCreate, copyOf(s, "name", s.env.Desktops.Succeeds), time.Nanosecond)
	l.op.CreatedBy = "aje-neighbour"
	s.client("first", overGRPC).reads(l)
	if got := objections(Check(s.env, messageRules(), s.events)); got != "" {
		t.Errorf("got %s, want nothing: the caller was not seen to start it", got)
	}
}

func TestResultOfAnOperation(t *testing.T) {
	failure := func(st *status.Status) func(*operation.Operation) {
		return func(m *operation.Operation) { m.Result = &operation.Operation_Error{Error: st} }
	}
	runMessageCases(t, []messageCase{
		{name: "failing", state: "failing"},
		{name: "failed", state: "failed"},
		{name: "done with neither", state: "succeeded", edit: func(m *operation.Operation) { m.Result = nil }, want: "OP-08 FAIL"},
		{name: "a response before it is done", state: "succeeded", edit: func(m *operation.Operation) { m.Done = false }, want: "OP-09 FAIL"},
		{name: "code 0", state: "failed", edit: failure(&status.Status{Message: "all is well"}), want: "OP-10 FAIL"},
		{name: "an empty error", state: "failed", edit: failure(&status.Status{}), want: "OP-10 FAIL, OP-11 WARNING"},
		{name: "code 17", state: "failed", edit: failure(&status.Status{Code: 17, Message: "m"}), want: "OP-10 FAIL"},
		{name: "a code of HTTP", state: "failed", edit: failure(&status.Status{Code: 404, Message: "m"}), want: "OP-10 FAIL"},
		{name: "a negative code", state: "failing", edit: failure(&status.Status{Code: -1, Message: "m"}), want: "OP-10 FAIL"},
		{name: "the highest code", state: "failed", edit: failure(&status.Status{Code: 16, Message: "m"})},
		{name: "no message", state: "failed", edit: failure(&status.Status{Code: 13}), want: "OP-11 WARNING"},
	})
}

func TestOperationsWithoutIDAreNotOne(t *testing.T) {
	s := newScene(t)
	c := s.client("first", overGRPC)
	for range 3 {
		l := s.server.make(MethodCreate, copyOf(s, "name", s.env.Desktops.Succeeds), time.Nanosecond)
		l.op.Id = ""
		l.answers(c)
		s.wait(time.Second)
	}
	checker := NewChecker(s.env, All())
	for _, e := range s.events {
		checker.Observe(e)
	}
	if len(checker.ops) != 0 || len(checker.images) != 0 {
		t.Errorf("%d operations and %d images are remembered, want none", len(checker.ops), len(checker.images))
	}
	if got := objections(checker.End()); !strings.HasPrefix(got, "OP-01 FAIL") || strings.Contains(got, "LRO") {
		t.Errorf("got %s, want OP-01 and nothing about one operation over time", got)
	}
}
