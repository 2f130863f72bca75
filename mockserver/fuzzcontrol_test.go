package mockserver

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"golang.org/x/net/http/httpguts"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/optest-dev/optest/fixtures"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// FuzzControl sends messages to every method of the control API, in a session of
// its own or in that without a name, and then has the session play what it was
// told to. The server answers with a code of the caller's making, in time; its
// control API goes on to work in that session, and everything in others.
func FuzzControl(f *testing.F) {
	z := newFuzzed(f)
	for i, seed := range controlSeeds(f) {
		session := []string{"", "a", "session 2"}[i%3]
		f.Add(seed.method, seed.dialect, session, seed.message)
	}
	f.Add(uint8(0), uint8(0), string(make([]byte, maxSessionName+1)), []byte("{}"))
	f.Fuzz(func(t *testing.T, method, dialect uint8, session string, message []byte) {
		if session == elsewhere || !httpguts.ValidHeaderFieldValue(session) {
			return
		}
		z.begin(t)
		c := controlCall{
			method:  controlService.Methods().Get(int(method) % controlService.Methods().Len()),
			dialect: dialects[int(dialect)%len(dialects)],
			session: session,
			message: message,
		}
		c.send(t, z)
		z.settle(t)
	})
}

type controlCall struct {
	method  protoreflect.MethodDescriptor
	dialect dialect
	session string
	message []byte
}

// controlCodes are those that a call of the control API may be answered with: the
// caller is to blame, or asks for what the server has not got.
var controlCodes = map[codes.Code]bool{
	codes.OK: true, codes.InvalidArgument: true, codes.NotFound: true, codes.FailedPrecondition: true,
	codes.ResourceExhausted: true, codes.Unimplemented: true,
}

// shortWait is how long a call that waits, or that a fault may hold back, is
// waited for.
const shortWait = 20 * time.Millisecond

// waits reports whether the method may wait for what happens next.
func (c controlCall) waits() bool {
	return c.method.IsStreamingServer() || c.method.Input().Fields().ByName("wait") != nil
}

func (c controlCall) send(t *testing.T, z *fuzzed) {
	t.Helper()
	known := len(c.session) <= maxSessionName
	c.control(t, z, "Reset", known)
	ctx, cancel := context.WithTimeout(t.Context(), fuzzPatience)
	defer cancel()
	begun := c.play(ctx, z, z.server.Client(), dialects[0], bodyMethods[0], &clouddesktop.CopyFromDesktopRequest{DesktopId: "slow-success"}, &operation.Operation{})
	if (begun == nil) != known {
		t.Fatalf("a create in the session %q got %v, want it to work: %v", c.session, begun, known)
	}
	got, whole := c.call(t, z)
	switch {
	case got.unsupported || !whole:
	case !controlCodes[got.code]:
		t.Fatalf("%s of %q got %v %q", c.method.Name(), c.message, got.code, got.message)
	case got.code == codes.OK && !known:
		t.Fatalf("%s in a session with a name of %d bytes got OK", c.method.Name(), len(c.session))
	case !c.method.IsStreamingServer() && (got.code == codes.OK) != (len(got.messages) == 1):
		t.Fatalf("%s answered %d messages with %v", c.method.Name(), len(got.messages), got.code)
	}
	for _, m := range got.messages {
		if err := c.dialect.decode(m, newOf(t, c.method.Output())); err != nil {
			t.Fatalf("%s answered %q: %v", c.method.Name(), m, err)
		}
	}
	if got.code == codes.OK && !got.unsupported {
		c.act(t, z)
	}
	c.control(t, z, "ListOperations", known)
	c.control(t, z, "ListCalls", known)
}

// call makes the call that is fuzzed. Whole is false where it has waited too long
// for what it is allowed to wait for.
func (c controlCall) call(t *testing.T, z *fuzzed) (got outcome, whole bool) {
	t.Helper()
	patience := fuzzPatience
	if c.waits() {
		patience = shortWait
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	message := c.message
	if c.dialect.framed() {
		message = frameOf(0, message)
	}
	resp, answer, err := z.post(ctx, z.server.Client(), procedure(c.method), c.header(c.dialect.contentType), message)
	if c.waits() && ctx.Err() != nil {
		return outcome{}, false
	}
	if err == nil {
		got, err = c.dialect.read(resp, answer)
	}
	if err != nil {
		t.Fatalf("%s of %q in %q: %v", c.method.Name(), c.message, c.dialect.contentType, err)
	}
	if got.unsupported == c.dialect.fits(c.method) && got.code != codes.Unimplemented {
		t.Fatalf("%s is unsupported in %q: %v", c.method.Name(), c.dialect.contentType, got.unsupported)
	}
	return got, true
}

func (c controlCall) header(contentType string) http.Header {
	header := http.Header{}
	if contentType != "" {
		header.Set("Content-Type", contentType)
	}
	if c.session != "" {
		header.Set(HeaderSession, c.session)
	}
	return header
}

// control makes another call of the control API in the session.
func (c controlCall) control(t *testing.T, z *fuzzed, method string, works bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), fuzzPatience)
	defer cancel()
	resp, answer, err := z.post(ctx, z.server.Client(), "/"+string(controlService.FullName())+"/"+method, c.header("application/json"), []byte("{}"))
	if err != nil || (resp.StatusCode == http.StatusOK) != works {
		t.Fatalf("%s in the session %q got %q, %v, want it to work: %v", method, c.session, answer, err, works)
	}
}

// act has the session play: on a connection of its own, since that may not
// survive, and with little patience. What is answered is up to the scenario.
func (c controlCall) act(t *testing.T, z *fuzzed) {
	t.Helper()
	client := z.client(2)
	defer client.CloseIdleConnections()
	play := func(as string, method int, request, answer proto.Message) {
		ctx, cancel := context.WithTimeout(t.Context(), shortWait)
		defer cancel()
		_ = c.play(ctx, z, client, dialects[dialectOf(t, as)], bodyMethods[method], request, answer)
	}
	op := &operation.Operation{}
	play("application/grpc", 0, &clouddesktop.CopyFromDesktopRequest{DesktopId: "d", Name: "n"}, op)
	play("application/json", 0, &clouddesktop.CopyFromDesktopRequest{DesktopId: "s"}, op)
	play("application/proto", 1, &clouddesktop.ListDesktopImagesRequest{FolderId: "f"}, &clouddesktop.ListDesktopImagesResponse{})
	play("application/grpc-web", 2, &operation.GetOperationRequest{OperationId: op.GetId()}, op)
	play("application/grpc", 3, &operation.CancelOperationRequest{OperationId: op.GetId()}, op)
}

// play calls a method in the session.
func (c controlCall) play(ctx context.Context, z *fuzzed, client *http.Client, d dialect, method protoreflect.MethodDescriptor, request, answer proto.Message) error {
	raw, err := d.encode(request)
	if err != nil {
		return err
	}
	if d.framed() {
		raw = frameOf(0, raw)
	}
	resp, body, err := z.post(ctx, client, procedure(method), c.header(d.contentType), raw)
	if err != nil {
		return err
	}
	got, err := d.read(resp, body)
	if err == nil && (got.code != codes.OK || len(got.messages) != 1) {
		err = fmt.Errorf("%v %s", got.code, got.message)
	}
	if err != nil {
		return err
	}
	return d.decode(got.messages[0], answer)
}

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
	for _, desktop := range []string{"slow-success", "early-error", "instant", "third-poll"} {
		op, err := copyFromDesktop(withKey(ctx, key1), s, &clouddesktop.CopyFromDesktopRequest{DesktopId: desktop})
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
