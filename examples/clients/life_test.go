package clients_test

import (
	"strings"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/optest-dev/optest/mockserver"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// pollEvery is by the server's clock, which the test moves on: nobody waits.
const pollEvery = 10 * time.Second

// lives change between polls, so that a slow machine sees the same as a fast
// one.
var lives = []struct {
	scenario *optestv1.Scenario // its name is the desktop that is asked for
	seen     string             // in the answer to the create and in each poll
	image    string             // once the operation is done
}{
	{
		mockserver.Running(25 * time.Second).Named("success").Succeed(),
		"running running running succeeded", "ACTIVE",
	},
	{
		mockserver.Running(0).Named("instant-success").Succeed(),
		"succeeded", "ACTIVE",
	},
	{
		mockserver.Running(15*time.Second).Named("failure").Fail(codes.ResourceExhausted, "10 of 10 images exist",
			&errdetails.QuotaFailure{Violations: []*errdetails.QuotaFailure_Violation{{Subject: "cloud:cloud-1"}}}),
		"running running failed:ResourceExhausted(google.rpc.QuotaFailure)", "gone",
	},
	{
		mockserver.Running(0).Named("instant-failure").Fail(codes.FailedPrecondition, "The desktop is being deleted"),
		"failed:FailedPrecondition", "gone",
	},
	{
		mockserver.Running(15*time.Second).Named("rolled-back").
			Failing(codes.Internal, "Disk is gone").RolledBackAfter(20 * time.Second),
		"running running failing:Internal failing:Internal failed:Internal", "gone",
	},
}

// TestLives plays every life to every client.
func TestLives(t *testing.T) {
	srv := newServer(t)
	to := targetOf(t, srv)
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			c := kind.open(t, to)
			for _, life := range lives {
				t.Run(life.scenario.GetName(), func(t *testing.T) {
					before := len(srv.Calls())
					seen, image := watch(t, srv, c, life.scenario.GetName())
					if got := strings.Join(seen, " "); got != life.seen {
						t.Errorf("the client saw %q, want %q", got, life.seen)
					}
					if image != life.image {
						t.Errorf("the image is %s in the end, want %s", image, life.image)
					}
					for _, call := range srv.Calls()[before:] {
						if call.Protocol != kind.protocol {
							t.Errorf("the server saw %v, want the protocol %s", call, kind.protocol)
						}
					}
				})
			}
		})
	}
}

// TestCancel cancels through every client.
func TestCancel(t *testing.T) {
	srv := newServer(t)
	to := targetOf(t, srv)
	srv.Play(mockserver.Running(time.Hour).CancelledAfter(15 * time.Second).Succeed())
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			c := kind.open(t, to)
			op, err := c.copyFromDesktop(t.Context(), "desktop-1")
			if err != nil {
				t.Fatal(err)
			}
			var seen []string
			cancelled, err := c.cancelOperation(t.Context(), op.GetId())
			if err != nil {
				t.Fatal(err)
			}
			seen = append(seen, look(cancelled))
			seen = append(seen, poll(t, srv, c, cancelled)...)
			if got, want := strings.Join(seen, " "), "running running failed:Canceled"; got != want {
				t.Errorf("from Cancel on the client saw %q, want %q", got, want)
			}
		})
	}
}

// TestErrors asks every client for what is not there and for what is not
// allowed.
func TestErrors(t *testing.T) {
	srv := newServer(t)
	to := targetOf(t, srv)
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			c := kind.open(t, to)
			_, err := c.getOperation(t.Context(), "nowhere")
			if got := status.Code(err); got != codes.NotFound {
				t.Errorf("an operation that does not exist is %v (%v), want %v", got, err, codes.NotFound)
			}
			_, err = c.copyFromDesktop(t.Context(), "")
			if got := status.Code(err); got != codes.InvalidArgument {
				t.Errorf("a copy of no desktop is %v (%v), want %v", got, err, codes.InvalidArgument)
			}
			if field := violatedField(err); field != "desktop_id" {
				t.Errorf("the violated field is %q in %v, want %q", field, err, "desktop_id")
			}
		})
	}
}

// newServer is one server with one port for all clients of a test.
func newServer(t *testing.T) *mockserver.Server {
	t.Helper()
	var scenarios []*optestv1.Scenario
	for _, life := range lives {
		scenarios = append(scenarios, life.scenario)
	}
	return mockserver.New(t,
		mockserver.Listen("127.0.0.1:0"), mockserver.SelfSigned(), mockserver.Scenarios(scenarios...))
}

// watch starts an operation and returns what the client sees of it until it is
// done, and of its image then.
func watch(t *testing.T, srv *mockserver.Server, c client, desktop string) (seen []string, image string) {
	t.Helper()
	op, err := c.copyFromDesktop(t.Context(), desktop)
	if err != nil {
		t.Fatal(err)
	}
	var metadata clouddesktop.CopyFromDesktopMetadata
	if err := op.GetMetadata().UnmarshalTo(&metadata); err != nil {
		t.Fatal(err)
	}
	seen = append(seen, look(op))
	seen = append(seen, poll(t, srv, c, op)...)
	img, err := c.getImage(t.Context(), metadata.GetImageId())
	switch {
	case err == nil:
		return seen, img.GetStatus().String()
	case status.Code(err) == codes.NotFound:
		return seen, "gone"
	}
	t.Fatal(err)
	return nil, ""
}

// poll returns what further polls see until the operation is done.
func poll(t *testing.T, srv *mockserver.Server, c client, op *operation.Operation) (seen []string) {
	t.Helper()
	const most = 10 // longer than any life here
	for range most {
		if op.GetDone() {
			return seen
		}
		srv.Advance(pollEvery)
		next, err := c.getOperation(t.Context(), op.GetId())
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, look(next))
		op = next
	}
	t.Fatalf("the operation is not done after %d polls: %s", most, strings.Join(seen, " "))
	return nil
}

// look is an operation in one word, with the code and the details of its error.
func look(op *operation.Operation) string {
	code := codes.Code(op.GetError().GetCode()).String()
	for _, d := range op.GetError().GetDetails() {
		code += "(" + string(d.MessageName()) + ")"
	}
	switch {
	case op.GetDone() && op.GetResponse() != nil:
		return "succeeded"
	case op.GetDone():
		return "failed:" + code
	case op.GetError() != nil:
		return "failing:" + code
	}
	return "running"
}
