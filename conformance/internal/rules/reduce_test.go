package rules

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// polls are reads of so many operations, each done halfway.
func polls(t testing.TB, operations, reads int) []*trace.Event {
	t.Helper()
	var events []*trace.Event
	blob := func(m proto.Message) *trace.Blob {
		raw, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return trace.NewBlob(raw)
	}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for read := range reads {
		for op := range operations {
			id := fmt.Sprintf("operation-%d", op)
			m := &operation.Operation{Id: id, CreatedAt: timestamppb.New(start), ModifiedAt: timestamppb.New(start), Done: read >= reads/2}
			if m.Done {
				m.ModifiedAt = timestamppb.New(start.Add(time.Minute))
				m.Result = &operation.Operation_Response{}
			}
			at := time.Duration(len(events)+1) * time.Second
			events = append(events, &trace.Event{
				Number: uint64(len(events) + 1), Called: at, Returned: at + time.Millisecond, Method: MethodGet, Protocol: optestv1.Event_GRPC,
				Request: blob(&operation.GetOperationRequest{OperationId: id}), RequestCodec: optestv1.Event_PROTO,
				Response: blob(m), ResponseCodec: optestv1.Event_PROTO, Outcome: optestv1.Event_OK,
			})
		}
	}
	return events
}

func seeingEverything() *Env {
	return &Env{Contract: Guide, World: true, Header: &optestv1.TraceHeader{Sees: []optestv1.TraceHeader_Sight{
		optestv1.TraceHeader_CONTENT, optestv1.TraceHeader_RAW, optestv1.TraceHeader_METADATA, optestv1.TraceHeader_HEADERS, optestv1.TraceHeader_FRAMES,
	}}}
}

// worst is the first error of a rule in a trace.
func worst(t testing.TB, env *Env, rule *Rule, events []*trace.Event) (Finding, bool) {
	t.Helper()
	for _, f := range Check(env, []*Rule{rule}, events)[0].Findings {
		if f.Kind == Error {
			return f, true
		}
	}
	return Finding{}, false
}

func TestReducedLeavesTheBreach(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		env := seeingEverything()
		tape := NewTape(env, polls(t, rapid.IntRange(1, 5).Draw(rt, "operations"), rapid.IntRange(3, 30).Draw(rt, "reads")))
		rule := Find("LRO-01")
		if _, ok := rule.Corrupt(tape, rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))); !ok {
			return
		}
		f, ok := worst(t, env, rule, tape.Events)
		if !ok {
			return
		}
		shortest, same := Reduced(env, rule, tape.Events, f)
		if len(shortest) != 2 {
			rt.Fatalf("shortest trace has %d events, want the 2 that contradict each other", len(shortest))
		}
		if !slices.Equal(same.Evidence, shortest) {
			rt.Fatalf("evidence %v, want the shortest trace %v", same.Evidence, shortest)
		}
		if again, ok := worst(t, env, rule, shortest); !ok || again.Text != same.Text {
			rt.Fatalf("the shortest trace shows %q, want %q", again.Text, same.Text)
		}
	})
}

// Where the evidence alone shows nothing, events have to be left out by trying.
func TestReducedTriesSubsets(t *testing.T) {
	env := seeingEverything()
	events := polls(t, 3, 40)
	rule := &Rule{ID: "TEST-01", Level: Seed, New: func(*Env) Machine {
		first := map[string]*Seen{}
		n := map[string]int{}
		return Machine{Call: func(s *Seen, sink *Sink) {
			if first[s.Op.ID] == nil {
				first[s.Op.ID] = s
			}
			if n[s.Op.ID]++; n[s.Op.ID] == 5 {
				sink.Breach(by(s), "five reads of %s", s.Op.ID)
			}
		}}
	}}
	f, _ := worst(t, env, rule, events)
	if shortest, _ := Reduced(env, rule, events, f); len(shortest) != 5 {
		t.Errorf("shortest trace has %d events, want 5", len(shortest))
	}
}

// Events of a rule that allows only prefixes are left out if they are of others, or
// only read.
func TestReducedKeepsWritesOfPrefixes(t *testing.T) {
	env := seeingEverything()
	events := polls(t, 4, 20)
	cancel := *events[20]
	cancel.Method, cancel.Number = MethodCancel, 1000
	cancel.Called, cancel.Returned = cancel.Called+2*time.Millisecond, cancel.Called+3*time.Millisecond
	cancel.Request = events[20].Request // both requests have the id as field 1
	events = append(events, &cancel)
	rule := &Rule{ID: "TEST-02", Level: Seed, Reduce: Prefix, New: func(*Env) Machine {
		cancels := 0
		return Machine{Call: func(s *Seen, sink *Sink) {
			if s.Is(MethodCancel) {
				cancels++
			}
			if s.Number == 61 {
				sink.Breach(by(s), "read 61 after %d cancels", cancels)
			}
		}}
	}}
	f, ok := worst(t, env, rule, events)
	if !ok {
		t.Fatal("no breach, want one")
	}
	shortest, _ := Reduced(env, rule, events, f)
	var numbers []uint64
	for _, e := range shortest {
		numbers = append(numbers, e.Number)
	}
	if want := []uint64{1000, 61}; !slices.Equal(numbers, want) {
		t.Errorf("shortest trace %v, want %v: the Cancel and what is cited", numbers, want)
	}
}

func TestReducedOfWhatDoesNotShowAgain(t *testing.T) {
	env, events := seeingEverything(), polls(t, 1, 4)
	f := Finding{Kind: Error, Text: "from elsewhere", Evidence: events[:1]}
	if same, still := Reduced(env, Find("LRO-01"), events, f); len(same) != len(events) || still.Text != f.Text {
		t.Errorf("reduced to %d events and %q, want all %d and the finding itself", len(same), still.Text, len(events))
	}
	static := &Rule{ID: "TEST-03", Static: func(*Env, *Sink) {}}
	if none, _ := Reduced(env, static, events, f); none != nil {
		t.Errorf("reduced to %v, want nothing: the rule is about no events", none)
	}
}

func BenchmarkReduced(b *testing.B) {
	env := seeingEverything()
	tape := NewTape(env, polls(b, 20, 1000))
	rule := Find("LRO-01")
	if _, ok := rule.Corrupt(tape, rand.New(rand.NewPCG(1, 1))); !ok {
		b.Fatal("no place to corrupt")
	}
	f, _ := worst(b, env, rule, tape.Events)
	for b.Loop() {
		Reduced(env, rule, tape.Events, f)
	}
}
