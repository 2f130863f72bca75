package mockserver

import (
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// living is the operation of the state that lives by the scenario.
func living(s *optestv1.SessionState, scenario string) *optestv1.SavedOperation {
	for _, op := range s.GetOperations() {
		if s.GetScenarios()[op.GetScenario()].GetScenario().GetName() == scenario {
			return op
		}
	}
	return &optestv1.SavedOperation{}
}

func placeOf(s *optestv1.SessionState, is func(*optestv1.SavedScenario) bool) uint32 {
	for i, one := range s.GetScenarios() {
		if is(one) {
			return uint32(i)
		}
	}
	return math.MaxUint32
}

var refusals = []struct {
	change func(*optestv1.SessionState)
	want   string // parts of the message
}{
	{func(s *optestv1.SessionState) { proto.Reset(s) }, "state.now: got nothing"},
	{func(s *optestv1.SessionState) { s.Now = &timestamppb.Timestamp{Nanos: -1} }, "state.now: got"},
	{func(s *optestv1.SessionState) { s.Now = timestamppb.New(time.Date(1969, 1, 1, 0, 0, 0, 0, time.UTC)) }, "state.now: got 1969-01-01T00:00:00Z, want 1970-01-01T00:00:00Z to 2262"},
	{func(s *optestv1.SessionState) { s.Now = timestamppb.New(time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC)) }, "state.now: got 2300"},
	{func(s *optestv1.SessionState) { s.Speed = 0 }, "state.speed: got 0, want more than 0 and at most 1000000"},
	{func(s *optestv1.SessionState) { s.Speed = math.NaN() }, "state.speed: got NaN"},
	{func(s *optestv1.SessionState) { s.Speed = math.Inf(1) }, "state.speed: got +Inf"},
	{func(s *optestv1.SessionState) { s.Serial = 1 << 40 }, "state.serial: got 1099511627776, want at most 1099511627775"},
	{func(s *optestv1.SessionState) { s.Serial = 3 }, "state.operations[1].resource_id: got \"img"},
	{func(s *optestv1.SessionState) { s.Serial = 4 }, "state.operations[2].id: got \"opr"},

	{func(s *optestv1.SessionState) { s.Scenarios[2].Scenario = nil }, `state.scenarios[2].scenario: scenario "" can't be played`},
	{func(s *optestv1.SessionState) { s.Scenarios[0].Scenario.Timeline = nil }, `state.scenarios[0].scenario: scenario "polled" can't be played`},
	{func(s *optestv1.SessionState) { s.Scenarios[2].Faults = []*optestv1.FaultCount{{}} }, "state.scenarios[2].faults: got 1 counters, want 2"},
	{func(s *optestv1.SessionState) { s.Scenarios[2].Faults = []*optestv1.FaultCount{{}, {Seen: 1, Hit: 2}} }, "state.scenarios[2].faults[1].hit: got 2, want at most the 1 calls seen"},
	{func(s *optestv1.SessionState) { s.Scenarios[0].Quirks = []uint64{1} }, "state.scenarios[0].quirks: got 1 counters, want 0"},
	{func(s *optestv1.SessionState) { s.Scenarios[0].Scenario.Name = "" }, "state.scenarios[0].put: got a scenario without a name"},
	{func(s *optestv1.SessionState) { s.Scenarios = append(s.Scenarios, proto.CloneOf(s.GetScenarios()[0])) }, `].put: got a second scenario "polled"`},
	{func(s *optestv1.SessionState) {
		i := placeOf(s, (*optestv1.SavedScenario).GetFromCatalogue)
		s.Scenarios = append(s.Scenarios, proto.CloneOf(s.GetScenarios()[i]))
	}, `].from_catalogue: got a second scenario "slow-success"`},
	{func(s *optestv1.SessionState) {
		for range maxScenarios + 20 {
			s.Scenarios = append(s.Scenarios, s.GetScenarios()[2])
		}
	}, "state.scenarios: got 100"},
	{func(s *optestv1.SessionState) { s.DefaultScenario = proto.Uint32(99) }, "state.default_scenario: got 99, want the place of one of the"},
	{func(s *optestv1.SessionState) { s.DefaultScenario = proto.Uint32(1) }, "state.default_scenario: got 1, whose scenario says which calls it is for"},
	{func(s *optestv1.SessionState) { s.GivenDefault = proto.Uint32(math.MaxUint32) }, "state.given_default: got 4294967295"},
	{func(s *optestv1.SessionState) { s.Script = []uint32{0, 99} }, "state.script[1]: got 99"},
	{func(s *optestv1.SessionState) { s.Script = make([]uint32, maxScenarios+9) }, "state.script: got 10009, want at most 10008"},
	{func(s *optestv1.SessionState) { s.Matching = []uint32{1, 1} }, "state.matching[1]: got 1 a second time"},
	{func(s *optestv1.SessionState) { s.Matching = []uint32{0} }, "state.matching[0]: got 0, whose scenario does not say which calls it is for"},
	{func(s *optestv1.SessionState) { s.Matching = []uint32{99} }, "state.matching[0]: got 99"},

	{func(s *optestv1.SessionState) { s.Faults[0].Fault = nil }, "state.faults[0].fault.fault: got nothing"},
	{func(s *optestv1.SessionState) { s.Faults[1].Fault.Fault.Probability = 2 }, "state.faults[1].fault: the fault can't be injected\n  probability"},
	{func(s *optestv1.SessionState) { s.Faults[3].Fault.OperationId = "x" }, "state.faults[3].fault: the fault can't be injected: a quirk is the server's"},
	{func(s *optestv1.SessionState) { s.Faults[3].Count = &optestv1.FaultCount{Seen: 1} }, "state.faults[3].count: got 1 counters, want 0"},
	{func(s *optestv1.SessionState) { s.Faults[0].Quirk = 1 }, "state.faults[0].quirk: got 1 counters, want 0"},
	{func(s *optestv1.SessionState) {
		for range maxInjected {
			s.Faults = append(s.Faults, s.GetFaults()[0])
		}
	}, "state.faults: got 1005, want at most 1000"},

	{func(s *optestv1.SessionState) { s.Operations[0].Id = "" }, "state.operations[0].id: got 0 characters, want 1 to 64"},
	{func(s *optestv1.SessionState) { s.Operations[0].Id = strings.Repeat("x", 65) }, "state.operations[0].id: got 65 characters"},
	{func(s *optestv1.SessionState) { s.Operations[1].Id = s.GetOperations()[0].GetId() }, "state.operations[1].id: got \"opr"},
	{func(s *optestv1.SessionState) { s.Operations[0].Method = "a.B/C" }, `state.operations[0].method: got "a.B/C", want package.Service/Method of one that starts operations here`},
	{func(s *optestv1.SessionState) { s.Operations[0].Method = operationGet }, "state.operations[0].method: got"},
	{func(s *optestv1.SessionState) { s.Operations[0].Request = []byte{1} }, "state.operations[0].request: got 1 bytes that are no yandex.cloud.clouddesktop.v1.api.CopyFromDesktopRequest"},
	{func(s *optestv1.SessionState) { s.Operations[0].ResourceId = "" }, "state.operations[0].resource_id: got nothing, want the id of what CopyFromDesktop has made"},
	{func(s *optestv1.SessionState) { s.Operations[0].CreatedAt = nil }, "state.operations[0].created_at: got nothing"},
	{func(s *optestv1.SessionState) {
		s.Operations[0].CreatedAt = timestamppb.New(s.GetNow().AsTime().Add(time.Second))
	}, "state.operations[0].created_at: got 2000-01-01T00:00:06Z, want 1970-01-01T00:00:00Z to 2000-01-01T00:00:05Z, which is state.now"},
	{func(s *optestv1.SessionState) { s.Operations[0].CreatedAt = &timestamppb.Timestamp{Nanos: 2e9} }, "state.operations[0].created_at: got"},
	{func(s *optestv1.SessionState) { s.Operations[3].Scenario = 99 }, "state.operations[3].scenario: got 99, want the place of one of the"},
	{func(s *optestv1.SessionState) { living(s, "polled").Reached = make([]*durationpb.Duration, 3) }, ".reached: got 3 ages, want at most 2"},
	{func(s *optestv1.SessionState) {
		living(s, "polled").Reached = []*durationpb.Duration{durationpb.New(2), durationpb.New(1)}
	}, ".reached[1]: got 1ns, want at least the 2ns before it"},
	{func(s *optestv1.SessionState) {
		living(s, "polled").Reached = []*durationpb.Duration{durationpb.New(-1)}
	}, ".reached[0]: got -1ns, want 0s to"},
	{func(s *optestv1.SessionState) {
		s.Operations[0].Cancelled = &durationpb.Duration{Seconds: 1, Nanos: -1}
	}, "state.operations[0].cancelled: got"},
	{func(s *optestv1.SessionState) { s.Operations[0].Cancelled = &durationpb.Duration{Seconds: 1e11} }, "state.operations[0].cancelled: got"},
	{func(s *optestv1.SessionState) { s.Operations[0].Faults = []*optestv1.FaultCount{{}} }, "state.operations[0].faults: got 1 counters, want 0"},
	{func(s *optestv1.SessionState) { s.Operations[0].Readers = []string{"a", "a"} }, `state.operations[0].readers[1]: got "a" a second time`},
	{func(s *optestv1.SessionState) { s.Operations[0].Readers = make([]string, maxReaders+1) }, "state.operations[0].readers: got 1025, want at most 1024"},
	{func(s *optestv1.SessionState) {
		s.Operations[0].Quirks = []optestv1.QuirkFault_Kind{optestv1.QuirkFault_ID_REUSED, optestv1.QuirkFault_KEY_BURNT}
	}, "state.operations[0].quirks[1]: got KEY_BURNT, want one that operations have from their creation on, such as ID_REUSED"},
	{func(s *optestv1.SessionState) { s.Operations[0].Protocol = "" }, "state.operations[0].protocol: got nothing"},
	{func(s *optestv1.SessionState) { s.Operations[0].Protocol = "smtp" }, `state.operations[0].protocol: got "smtp", want one of grpc, grpcweb, connect, rest`},
	{func(s *optestv1.SessionState) { s.Operations[0].Fixed.Phase = 0 }, "state.operations[0].fixed.phase: got PHASE_UNSPECIFIED with no error"},
	{func(s *optestv1.SessionState) { s.Operations[0].Fixed.Error = &status.Status{Code: 1} }, "state.operations[0].fixed.phase: got RUNNING with an error"},
	{func(s *optestv1.SessionState) {
		s.Operations[0].Fixed.Response = s.GetOperations()[0].GetFixed().GetMetadata()
	}, "state.operations[0].fixed.response: is there"},
	{func(s *optestv1.SessionState) { s.Operations[0].Fixed.Step = "a\nb" }, `state.operations[0].fixed.step: got "a\nb", want at most 256 printable`},
	{func(s *optestv1.SessionState) { s.Operations[0].Fixed.PollHint = strings.Repeat("9", 257) }, "state.operations[0].fixed.poll_hint: got"},
	{func(s *optestv1.SessionState) { s.Operations[0].Fixed.Modified = durationpb.New(-1) }, "state.operations[0].fixed.modified: got -1ns"},
	{func(s *optestv1.SessionState) {
		for range 9 {
			s.Operations = append(s.Operations, s.GetOperations()[0])
		}
	}, "state.operations: got 16, want at most 8, which are kept"},

	{func(s *optestv1.SessionState) { s.Keys[0].Key = "" }, "state.keys[0].key: got 0 bytes, want 1 to 128"},
	{func(s *optestv1.SessionState) { s.Keys[0].Key = strings.Repeat("k", 129) }, "state.keys[0].key: got 129 bytes"},
	{func(s *optestv1.SessionState) { s.Keys[0].Method = "a.B/C" }, `state.keys[0].method: got "a.B/C"`},
	{func(s *optestv1.SessionState) { s.Keys[0].OperationId = "nobody" }, `state.keys[0].operation_id: got "nobody", want the id of one of state.operations`},
	{func(s *optestv1.SessionState) { s.Keys[0].OperationId = "" }, `state.keys[0].operation_id: got ""`},
	{func(s *optestv1.SessionState) { s.Keys[0].Refusal = &status.Status{Code: 3} }, "state.keys[0].refusal: is there beside operation_id"},
	{func(s *optestv1.SessionState) {
		s.Keys[0].OperationId, s.Keys[0].Refusal = "", &status.Status{Code: 17}
	}, "state.keys[0].refusal.code: got 17, want 1 to 16"},
	{func(s *optestv1.SessionState) { s.Keys = append(s.Keys, s.GetKeys()...) }, "].key: got \"6f1dfd83-4e06-4b5c-9f0e-000000000001\" a second time"},
	{func(s *optestv1.SessionState) {
		for i := range 9 {
			s.Keys = append(s.Keys, &optestv1.SavedKey{Key: strings.Repeat("k", i+1), OperationId: s.GetOperations()[0].GetId()})
		}
	}, "is one key too many, want at most 8"},
	{func(s *optestv1.SessionState) {
		for i := range 9 {
			s.Keys = append(s.Keys, &optestv1.SavedKey{Key: strings.Repeat("k", i+1), Refusal: &status.Status{Code: 3}})
		}
	}, "is one refusal too many, want at most 8"},
}

// A state with one thing wrong is refused with its place, and the session stays
// as it was.
func TestLoadRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		state, err := fullState(t).save("proto")
		if err != nil {
			t.Fatal(err)
		}
		w := &world{t: t, server: New(t, Seed(8), Services(desktopService), MaxOperations(8))}
		if err := w.load("proto", state); err != nil {
			t.Fatal(err)
		}
		session := w.server.root.Load()
		for _, r := range refusals {
			wrong := proto.CloneOf(state)
			r.change(wrong)
			err := w.load("proto", wrong)
			if err == nil {
				t.Errorf("a state is loaded, want %q", r.want)
				continue
			}
			// The message is JSON inside an error here.
			text := strings.NewReplacer(`\"`, `"`, `\n`, "\n", `\\n`, `\n`).Replace(err.Error())
			if !strings.Contains(text, r.want) || !strings.Contains(text, "invalid_argument") {
				t.Errorf("got %s\nwant INVALID_ARGUMENT with %q", text, r.want)
			}
		}
		if err := w.load("proto", nil); err == nil || !strings.Contains(err.Error(), "state: got nothing") {
			t.Errorf("without a state got %v, want it to be asked for", err)
		}
		if w.server.root.Load() != session {
			t.Error("a refused state has made another session")
		}
		after, err := w.save("proto")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(state, after, protocmp.Transform()); diff != "" {
			t.Errorf("refused states have changed the session (-before +after):\n%s", diff)
		}
	})
}

// What nobody has saved but can be loaded all the same.
func TestLoadTakesStatesByHand(t *testing.T) {
	request, err := proto.Marshal(desktop("d"))
	if err != nil {
		t.Fatal(err)
	}
	create := strings.TrimPrefix(desktopImageService, "/") + "CopyFromDesktop"
	scenario := func(s *optestv1.Scenario) *optestv1.SavedScenario { return &optestv1.SavedScenario{Scenario: s} }
	now := timestamppb.New(time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC))
	for name, c := range map[string]struct {
		state *optestv1.SessionState
		see   func(*testing.T, *world)
	}{
		"nothing but a clock": {&optestv1.SessionState{Now: now, Speed: 1}, func(t *testing.T, w *world) {
			if got := w.server.Now(); got.Year() != 2030 {
				t.Errorf("the clock says %v, want 2030", got)
			}
		}},
		"a script of one scenario twice": {&optestv1.SessionState{
			Now: now, Speed: 1, Script: []uint32{0, 0}, Scenarios: []*optestv1.SavedScenario{scenario(Running(0).Named("one").Succeed())},
		}, func(t *testing.T, w *world) {
			if got := playedInTurn(t, w.server, "d", "d", "d"); got != "one one none" {
				t.Errorf("got %s, want one one none", got)
			}
		}},
		"an id of one's own": {&optestv1.SessionState{
			Now: now, Speed: 1, Scenarios: []*optestv1.SavedScenario{scenario(Running(time.Hour).Succeed())},
			Operations: []*optestv1.SavedOperation{
				{Id: "op", Method: create, Request: request, ResourceId: "i", CreatedAt: now},
				{Id: "ор-2", Method: create, Request: request, ResourceId: "i", CreatedAt: timestamppb.New(now.AsTime().Add(-time.Hour))},
			},
			Keys: []*optestv1.SavedKey{{Key: "k", OperationId: "op"}},
		}, func(t *testing.T, w *world) {
			if op, err := getOperation(t.Context(), w.server, "op"); err != nil || op.GetDone() {
				t.Errorf("got %v, %v, want it to run", op, err)
			}
			if op, err := getOperation(t.Context(), w.server, "ор-2"); err != nil || !op.GetDone() {
				t.Errorf("got %v, %v, want it to be done", op, err)
			}
			if got := w.rpc(controlPath+"ListOperations", &optestv1.ListOperationsRequest{PageSize: 1}); !strings.Contains(got, `"nextPageToken":"op"`) {
				t.Errorf("got %s, want a page of one", got)
			}
			if got := imageStatus(t, w.server, "i"); got != "ACTIVE" {
				t.Errorf("the image is %s, want that of the later copy", got)
			}
			w.server.Play(Running(0).Succeed())
			if _, err := copyFromDesktop(t.Context(), w.server, desktop("d")); err != nil {
				t.Error(err)
			}
		}},
		"what a quirk would show as a success": {&optestv1.SessionState{
			Now: now, Speed: 1000, Scenarios: []*optestv1.SavedScenario{scenario(NeverDone().Forever())},
			Operations: []*optestv1.SavedOperation{{
				Id: "op", Method: create, Request: request, ResourceId: "i", CreatedAt: now, Fixed: &optestv1.SavedLook{Phase: optestv1.Fault_DONE, Step: "by-hand"},
			}},
		}, func(t *testing.T, w *world) {
			if op, err := getOperation(t.Context(), w.server, "op"); err != nil || op.GetResponse() == nil {
				t.Errorf("got %v, %v, want a response", op, err)
			}
		}},
	} {
		for _, codec := range []string{"proto", "json"} {
			t.Run(name+" as "+codec, func(t *testing.T) {
				w := &world{t: t, server: New(t)}
				if err := w.load(codec, c.state); err != nil {
					t.Fatal(err)
				}
				c.see(t, w)
			})
		}
	}
}
