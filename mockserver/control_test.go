package mockserver

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/proto/gen/optest/v1/optestv1connect"
)

func controlOf(s *Server) optestv1connect.ControlServiceClient {
	return optestv1connect.NewControlServiceClient(connect.NewClient(connecthttp.NewTransport(s.Client(), s.URL())))
}

func TestControlScenarios(t *testing.T) {
	s := New(t)
	control, ctx := controlOf(s), t.Context()
	put := func(scenarios ...*optestv1.Scenario) error {
		_, err := control.PutScenarios(ctx, &optestv1.PutScenariosRequest{Scenarios: scenarios})
		return err
	}
	if err := put(Running(0).Named("mine").Succeed()); err != nil {
		t.Fatal(err)
	}
	if got := played(t, s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "mine"}); got != "mine" {
		t.Errorf("desktop mine plays %s", got)
	}
	// Put again, it takes the place of the first.
	if err := put(Running(0).Named("mine").For("desktop_id", "other").Succeed()); err != nil {
		t.Fatal(err)
	}
	if got := played(t, s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "mine"}); got != "none" {
		t.Errorf("desktop mine plays %s, want the scenario that is for another desktop", got)
	}
	if got := played(t, s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "other"}); got != "mine" {
		t.Errorf("desktop other plays %s, want mine", got)
	}
	// Of several, one that does not validate: none is put.
	err := put(Running(0).Named("fine").Succeed(), &optestv1.Scenario{Name: "broken"})
	if connect.CodeOf(err) != connect.CodeInvalidArgument || !strings.Contains(err.Error(), "timeline") {
		t.Errorf("got %v, want INVALID_ARGUMENT that names the field", err)
	}
	list, err := control.ListScenarios(ctx, &optestv1.ListScenariosRequest{})
	if err != nil || len(list.GetScenarios()) != 1 || list.GetScenarios()[0].GetName() != "mine" {
		t.Errorf("listed %v (%v), want mine alone", list, err)
	}
	if _, err := control.Play(ctx, &optestv1.PlayRequest{Name: "never-done"}); err != nil {
		t.Fatal(err)
	}
	if got := played(t, s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "d"}); got != "never-done" {
		t.Errorf("the default is %s, want never-done", got)
	}
	if _, err := control.Play(ctx, &optestv1.PlayRequest{Script: []string{"instant", "mine"}}); err != nil {
		t.Fatal(err)
	}
	if got := played(t, s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "d"}); got != "instant" {
		t.Errorf("the script plays %s first, want instant", got)
	}
	if _, err := control.DeleteScenario(ctx, &optestv1.DeleteScenarioRequest{Name: "mine"}); err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string]func() error{
		"deleted twice": func() error {
			_, err := control.DeleteScenario(ctx, &optestv1.DeleteScenarioRequest{Name: "mine"})
			return err
		},
		"mistyped": func() error { _, err := control.Play(ctx, &optestv1.PlayRequest{Name: "never-dnoe"}); return err },
	} {
		if err := call(); connect.CodeOf(err) != connect.CodeNotFound {
			t.Errorf("%s: got %v, want NOT_FOUND", name, err)
		}
	}
	_, err = control.Play(ctx, &optestv1.PlayRequest{Name: "never-dnoe"})
	if err == nil || !strings.Contains(err.Error(), "did you mean never-done") {
		t.Errorf("a mistyped name got %v, want a suggestion", err)
	}
	if calls := s.Calls(); len(calls) != 5 {
		t.Errorf("the journal holds %d calls, want the five creates and no control call", len(calls))
	}
}

func TestControlClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(t)
		control, ctx := controlOf(s), t.Context()
		op, err := copyFromDesktop(ctx, s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "slow-success"})
		if err != nil {
			t.Fatal(err)
		}
		listed := func() *optestv1.OperationState {
			t.Helper()
			list, err := control.ListOperations(ctx, &optestv1.ListOperationsRequest{})
			if err != nil || len(list.GetOperations()) != 1 {
				t.Fatalf("listed %v (%v), want one operation", list, err)
			}
			return list.GetOperations()[0]
		}
		before := listed()
		if before.GetId() != op.GetId() || before.GetPhase() != optestv1.Fault_RUNNING || before.GetScenario() != "slow-success" || before.GetNextStep() == "" {
			t.Errorf("listed %v, want a running slow-success with its next step", before)
		}
		if _, err := control.SetClock(ctx, &optestv1.SetClockRequest{Advance: durationpb.New(10 * time.Minute)}); err != nil {
			t.Fatal(err)
		}
		if after := listed(); after.GetPhase() != optestv1.Fault_DONE || after.GetNextStep() != "" {
			t.Errorf("ten minutes later it is %v, want done", after)
		}
		answer, err := control.SetClock(ctx, &optestv1.SetClockRequest{Speed: 60})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		later, err := control.SetClock(ctx, &optestv1.SetClockRequest{})
		if err != nil || later.GetNow().AsTime().Sub(answer.GetNow().AsTime()) != time.Minute || later.GetSpeed() != 60 {
			t.Errorf("a second at 60x took the clock from %v to %v", answer.GetNow().AsTime(), later.GetNow().AsTime())
		}
		for name, req := range map[string]*optestv1.SetClockRequest{
			"backwards": {Advance: durationpb.New(-1)}, "too fast": {Speed: MaxSpeed + 1}, "negative": {Speed: -1},
		} {
			if _, err := control.SetClock(ctx, req); connect.CodeOf(err) != connect.CodeInvalidArgument {
				t.Errorf("%s: got %v, want INVALID_ARGUMENT", name, err)
			}
		}
	})
}

func TestControlInjectVerifyReset(t *testing.T) {
	s := New(t)
	control, ctx := controlOf(s), t.Context()
	s.Play(Running(time.Hour).Succeed())
	fault := unavailable(optestv1.Fault_GET)
	fault.Calls = &optestv1.Range{To: 2}
	if _, err := control.Inject(ctx, &optestv1.InjectRequest{Fault: fault}); err != nil {
		t.Fatal(err)
	}
	op, err := copyFromDesktop(ctx, s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "d", Name: "n"})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []codes.Code{codes.Unavailable, codes.Unavailable, codes.OK} {
		if _, err := getOperation(ctx, s, op.GetId()); status.Code(err) != want {
			t.Errorf("poll %d got %v, want %v", i+1, err, want)
		}
	}
	verify := func(req *optestv1.VerifyCallsRequest) *optestv1.VerifyCallsResponse {
		t.Helper()
		answer, err := control.VerifyCalls(ctx, req)
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	unavailableCode := code.Code_UNAVAILABLE
	for _, tt := range []struct {
		req *optestv1.VerifyCallsRequest
		ok  bool
	}{
		{&optestv1.VerifyCallsRequest{Match: &optestv1.CallMatch{Method: "CopyFromDesktop"}, Exactly: proto.Uint32(1)}, true},
		{&optestv1.VerifyCallsRequest{Match: &optestv1.CallMatch{Method: "Get", OperationId: op.GetId()}, AtLeast: proto.Uint32(3), AtMost: proto.Uint32(3)}, true},
		{&optestv1.VerifyCallsRequest{Match: &optestv1.CallMatch{Code: &unavailableCode}, Exactly: proto.Uint32(2)}, true},
		{&optestv1.VerifyCallsRequest{Match: &optestv1.CallMatch{Fields: map[string]string{"name": "n*"}}, Exactly: proto.Uint32(1)}, true},
		{&optestv1.VerifyCallsRequest{Match: &optestv1.CallMatch{Method: "Cancel"}, AtLeast: proto.Uint32(1)}, false},
		{&optestv1.VerifyCallsRequest{Match: &optestv1.CallMatch{Method: "Get"}, AtMost: proto.Uint32(2)}, false},
	} {
		answer := verify(tt.req)
		if answer.GetOk() != tt.ok || (answer.GetDifference() == "") != tt.ok {
			t.Errorf("%v: got %v, want ok %v", tt.req, answer, tt.ok)
		}
		t.Log(answer.GetDifference())
	}
	page, err := control.ListCalls(ctx, &optestv1.ListCallsRequest{PageSize: 2})
	if err != nil || len(page.GetEvents()) != 2 || page.GetNextAfter() != 2 || len(page.GetBlobs()) == 0 {
		t.Errorf("the first page is %v (%v), want two calls with their bytes", page, err)
	}
	rest, err := control.ListCalls(ctx, &optestv1.ListCallsRequest{After: page.GetNextAfter()})
	if err != nil || len(rest.GetEvents()) != 2 {
		t.Errorf("the rest is %v (%v), want two calls", rest, err)
	}
	reset := func(scope optestv1.ResetRequest_Scope) {
		t.Helper()
		if _, err := control.Reset(ctx, &optestv1.ResetRequest{Scope: scope}); err != nil {
			t.Fatal(err)
		}
	}
	reset(optestv1.ResetRequest_COUNTERS)
	if _, err := getOperation(ctx, s, op.GetId()); status.Code(err) != codes.Unavailable {
		t.Errorf("with counters reset the poll got %v, want the fault again", err)
	}
	reset(optestv1.ResetRequest_FAULTS)
	if _, err := getOperation(ctx, s, op.GetId()); err != nil {
		t.Errorf("without faults the poll got %v", err)
	}
	reset(optestv1.ResetRequest_CALLS)
	if n := verify(&optestv1.VerifyCallsRequest{AtLeast: proto.Uint32(0)}).GetCount(); n != 0 {
		t.Errorf("%d calls after the journal was reset", n)
	}
	reset(optestv1.ResetRequest_OPERATIONS)
	if _, err := getOperation(ctx, s, op.GetId()); status.Code(err) != codes.NotFound {
		t.Errorf("after a reset of operations the poll got %v, want NOT_FOUND", err)
	}
	if got := played(t, s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "d"}); got != "succeeds" {
		t.Errorf("the default is %s, want it to stay", got)
	}
	reset(optestv1.ResetRequest_ALL)
	if got := played(t, s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "d"}); got != "none" {
		t.Errorf("after a reset of all the default is %s, want none", got)
	}
}

func TestControlIsGuardedAndPerSession(t *testing.T) {
	s := New(t, Token("secret"))
	if _, err := controlOf(s).Reset(t.Context(), &optestv1.ResetRequest{}); connect.CodeOf(err) != connect.CodeUnauthenticated {
		t.Errorf("without the token got %v, want UNAUTHENTICATED", err)
	}
	open := New(t)
	ctx, info := connect.NewClientContext(t.Context())
	info.RequestHeader().Set(HeaderSession, "a")
	if _, err := controlOf(open).Play(ctx, &optestv1.PlayRequest{Name: "instant"}); err != nil {
		t.Fatal(err)
	}
	if got := played(t, open, &clouddesktop.CopyFromDesktopRequest{DesktopId: "d"}); got != "none" {
		t.Errorf("outside the session the default is %s, want none", got)
	}
	if got := played(t, open, &clouddesktop.CopyFromDesktopRequest{DesktopId: "d"}, HeaderSession, "a"); got != "instant" {
		t.Errorf("in the session the default is %s, want instant", got)
	}
}

// The control API is plain JSON by POST.
func TestControlByJSON(t *testing.T) {
	s := New(t)
	post := func(method, body string) map[string]any {
		t.Helper()
		resp, err := s.Client().Post(s.URL()+"/optest.v1.ControlService/"+method, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		raw, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		var answer map[string]any
		if err := json.Unmarshal(raw, &answer); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s %s", method, resp.Status, raw)
		}
		return answer
	}
	post("PutScenarios", `{"scenarios": [{"name": "mine", "timeline": [{"at": "20s", "fail": {"code": "ABORTED", "message": "m"}}]}]}`)
	post("Play", `{"name": "mine"}`)
	if _, err := copyFromDesktop(t.Context(), s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "d"}); err != nil {
		t.Fatal(err)
	}
	post("SetClock", `{"advance": "20s"}`)
	list := post("ListOperations", `{}`)
	if op := list["operations"].([]any)[0].(map[string]any); op["phase"] != "DONE" || op["step"] != "fail@20s" {
		t.Errorf("the operation is %v, want done by fail@20s", op)
	}
	if answer := post("VerifyCalls", `{"match": {"method": "Get"}, "exactly": 1}`); answer["ok"] == true || answer["difference"] == "" {
		t.Errorf("no Get was made, but the answer is %v", answer)
	}
}

func TestInjectInGo(t *testing.T) {
	s := New(t)
	s.Play(Running(0).Succeed())
	f := unavailable(optestv1.Fault_CREATE)
	f.Times = 1
	s.Inject(f)
	for i, want := range []codes.Code{codes.Unavailable, codes.OK} {
		if _, err := copyFromDesktop(t.Context(), s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "d"}); status.Code(err) != want {
			t.Errorf("create %d got %v, want %v", i+1, err, want)
		}
	}
	s.Reset()
	if n := s.stored(); n != 0 {
		t.Errorf("%d operations after Reset", n)
	}
	tb := &failing{TB: t}
	other := New(tb)
	defer tb.finish()
	defer func() {
		if r := recover(); r != "fatal" || !strings.Contains(tb.logged[0], "probability") {
			t.Errorf("got %v and log %q, want the test to end with an error that names the field", r, tb.logged)
		}
	}()
	other.Inject(&optestv1.Fault{On: optestv1.Fault_GET, Probability: 2, Effect: f.GetEffect()})
}

func TestControlIsBounded(t *testing.T) {
	s := New(t)
	control, ctx := controlOf(s), t.Context()
	exhausted := func(what string, err error) {
		t.Helper()
		if connect.CodeOf(err) != connect.CodeResourceExhausted || !strings.Contains(err.Error(), "want at most") {
			t.Errorf("%s: got %v, want RESOURCE_EXHAUSTED with the bound", what, err)
		}
	}
	script := make([]string, maxScenarios+1)
	for i := range script {
		script[i] = "instant"
	}
	_, err := control.Play(ctx, &optestv1.PlayRequest{Script: script})
	exhausted("a long script", err)
	for range maxInjected {
		s.Inject(&optestv1.Fault{On: optestv1.Fault_GET, Effect: &optestv1.Fault_Hang{Hang: &optestv1.HangFault{}}})
	}
	_, err = control.Inject(ctx, &optestv1.InjectRequest{Fault: &optestv1.Fault{On: optestv1.Fault_GET, Effect: &optestv1.Fault_Hang{Hang: &optestv1.HangFault{}}}})
	exhausted("many faults", err)
	matching := Running(0).For("name", "x").Succeed()
	for range maxScenarios {
		s.Play(matching)
	}
	_, err = control.Play(ctx, &optestv1.PlayRequest{Scenario: matching})
	exhausted("many that match", err)
}
