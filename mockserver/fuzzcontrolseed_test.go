package mockserver

import (
	"strings"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/optest-dev/optest/fixtures"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

type controlSeed struct {
	method, dialect uint8
	message         []byte
}

// controlSeeds are requests of all methods, in JSON and binary.
func controlSeeds(f *testing.F) []controlSeed {
	f.Helper()
	requests := controlRequests(f)
	var seeds []controlSeed
	for i := range controlService.Methods().Len() {
		method := controlService.Methods().Get(i)
		list := requests[method.Name()]
		for _, request := range append(list, newOf(f, method.Input())) {
			for _, contentType := range []string{"application/json", "application/proto", "application/grpc", "application/grpc-web+json"} {
				if method.IsStreamingServer() {
					contentType = strings.Replace(contentType, "application/", "application/connect+", 1)
					contentType = strings.Replace(contentType, "connect+grpc", "grpc", 1)
				}
				d := dialectOf(f, contentType)
				message, err := dialects[d].encode(request)
				if err != nil {
					f.Fatal(err)
				}
				seeds = append(seeds, controlSeed{uint8(i), d, message})
			}
		}
	}
	return seeds
}

// controlRequests are requests that say something, by method.
func controlRequests(f *testing.F) map[protoreflect.Name][]proto.Message {
	f.Helper()
	match := &optestv1.CallMatch{
		Method: "CopyFrom*", Fields: map[string]string{"desktop_id": "slow-*"}, Headers: map[string]string{"user-agent": "*"}, Code: code.Code_OK.Enum(), Scenario: "slow-success",
	}
	faulty := Running(time.Second).Named("s").WithFault(unavailable(optestv1.Fault_GET)).PollEvery(1).CancelledAfter(time.Second).Fail(codes.Aborted, "m")
	faulty.Faults[0].Calls = &optestv1.Range{From: 1, To: 2}
	requests := map[protoreflect.Name][]proto.Message{
		"PutScenarios": {
			&optestv1.PutScenariosRequest{Scenarios: []*optestv1.Scenario{faulty, Running(0).Named("t").For("desktop_id", "d*").Succeed()}},
			&optestv1.PutScenariosRequest{Yaml: "name: y\ntimeline:\n  - at: 1s\n    succeed: {}\n"},
		},
		"ListScenarios":  {&optestv1.ListScenariosRequest{IncludeCatalogue: true}},
		"DeleteScenario": {&optestv1.DeleteScenarioRequest{Name: "s"}},
		"Play": {
			&optestv1.PlayRequest{Name: "early-error", Script: []string{"instant", "third-poll"}},
			&optestv1.PlayRequest{Scenario: RunningUntilPoll(2).Failing(codes.DataLoss, "m").RolledBackAtPoll(3)},
		},
		"SetClock":       {&optestv1.SetClockRequest{Advance: durationpb.New(time.Hour), Speed: 60}},
		"ListOperations": {&optestv1.ListOperationsRequest{PageSize: 1, PageToken: "x"}},
		"ListCalls":      {&optestv1.ListCallsRequest{PageSize: 1, Match: match}, &optestv1.ListCallsRequest{After: 1, Wait: durationpb.New(time.Minute)}},
		"WatchCalls":     {&optestv1.WatchCallsRequest{Match: match}},
		"VerifyCalls":    {&optestv1.VerifyCallsRequest{Match: match, AtLeast: proto.Uint32(1), AtMost: proto.Uint32(3)}},
		"Reset":          {&optestv1.ResetRequest{Scope: optestv1.ResetRequest_OPERATIONS, Scenario: "slow-success"}},
		"LoadState":      savedStates(f),
	}
	for _, name := range []string{"unavailable-once", "hanging-get", "proxy-502", "rst-mid-body", "bad-utf8", "connect-200-with-error", "clock-hour-ahead"} {
		for _, fault := range fixtures.Must(name).GetFaults() {
			requests["Inject"] = append(requests["Inject"], &optestv1.InjectRequest{Fault: fault, Scenario: "slow-success"})
		}
	}
	return requests
}

// savedStates are requests to load what a session with a little of everything is
// saved as.
func savedStates(f *testing.F) []proto.Message {
	f.Helper()
	s, err := Start(fuzzedOptions...)
	if err != nil {
		f.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	ctx, control := f.Context(), controlOf(s)
	for i, desktop := range []string{"slow-success", "early-error", "instant", "third-poll"} {
		call := ctx
		if i == 0 {
			call = withKey(ctx, key1)
		}
		op, err := copyFromDesktop(call, s, &clouddesktop.CopyFromDesktopRequest{DesktopId: desktop})
		if err == nil {
			_, err = getOperation(ctx, s, op.GetId())
		}
		if err != nil {
			f.Fatal(err)
		}
	}
	s.Play(Running(time.Hour).WithFault(unavailable(optestv1.Fault_GET)).Succeed())
	s.Script(Running(0).Succeed())
	saved, err := control.SaveState(ctx, &optestv1.SaveStateRequest{})
	if err != nil {
		f.Fatal(err)
	}
	return []proto.Message{&optestv1.LoadStateRequest{State: saved.GetState()}}
}
