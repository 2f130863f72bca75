package sdkv0_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	ycsdk "github.com/yandex-cloud/go-sdk"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/optest-dev/optest/mockserver"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// TestLives waits for whole lives of an operation with the SDK's own Wait, in
// virtual time.
func TestLives(t *testing.T) {
	for _, tt := range []struct {
		name  string
		life  *optestv1.Scenario
		code  codes.Code
		took  time.Duration
		polls int
	}{
		{
			name:  "success",
			life:  mockserver.Running(10 * time.Minute).Succeed(),
			took:  10 * time.Minute,
			polls: 601,
		},
		{
			name:  "a day at the pace that the server asks for",
			life:  mockserver.Running(24 * time.Hour).PollEvery(600).Succeed(),
			took:  24 * time.Hour,
			polls: 145,
		},
		{
			name: "success in the first answer",
			life: mockserver.Running(0).Succeed(),
		},
		{
			name:  "failure",
			life:  mockserver.Running(5*time.Second).Fail(codes.ResourceExhausted, "10 of 10 images exist"),
			code:  codes.ResourceExhausted,
			took:  5 * time.Second,
			polls: 6,
		},
		{
			name: "failure in the first answer",
			life: mockserver.Running(0).Fail(codes.FailedPrecondition, "The desktop is being deleted"),
			code: codes.FailedPrecondition,
		},
		{
			name:  "early error: it waits for the roll-back",
			life:  mockserver.Running(20*time.Second).Failing(codes.ResourceExhausted, "Image quota is exceeded").RolledBackAfter(40 * time.Second),
			code:  codes.ResourceExhausted,
			took:  time.Minute,
			polls: 61,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := mockserver.New(t)
				srv.Play(tt.life)
				sdk := newSDK(t, srv, ycsdk.NewIAMTokenCredentials("t1.static"), srv.DialOptions()...)
				began := time.Now()
				op, err := copyImage(t.Context(), sdk, "desktop-1")
				if err != nil {
					t.Fatal(err)
				}
				err = op.Wait(t.Context())
				if got := status.Code(err); got != tt.code {
					t.Errorf("Wait returned %v (%v), want %v", got, err, tt.code)
				}
				if took := time.Since(began); took != tt.took {
					t.Errorf("it took %v, want %v", took, tt.took)
				}
				if got := count(srv, getOperation); got != tt.polls {
					t.Errorf("the server saw %d polls, want %d", got, tt.polls)
				}
				id := imageOf(t, op)
				image, err := sdk.CloudDesktop().DesktopImage().Get(t.Context(), &clouddesktop.GetDesktopImageRequest{ImageId: id})
				if tt.code != codes.OK {
					if status.Code(err) != codes.NotFound {
						t.Errorf("the image is %v (%v), want none after the roll-back", image, err)
					}
					return
				}
				response, err := op.Response()
				if err != nil {
					t.Fatal(err)
				}
				got, ok := response.(*clouddesktop.DesktopImage)
				if !ok || got.GetId() != id || got.GetName() != "golden" || got.GetStatus() != clouddesktop.DesktopImage_ACTIVE {
					t.Errorf("response is %v, want the ACTIVE image %q", response, id)
				}
				if image.GetStatus() != clouddesktop.DesktopImage_ACTIVE {
					t.Errorf("the image is %v, want ACTIVE", image)
				}
			})
		})
	}
}

func TestCallersDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := mockserver.New(t)
		srv.Play(mockserver.NeverDone().Forever())
		sdk := newSDK(t, srv, ycsdk.NewIAMTokenCredentials("t1.static"), srv.DialOptions()...)
		op, err := copyImage(t.Context(), sdk, "desktop-1")
		if err != nil {
			t.Fatal(err)
		}
		// Between two polls, so that it is the wait that ends and not a call.
		const bound = 5*time.Minute + time.Second/2
		ctx, cancel := context.WithTimeout(t.Context(), bound)
		defer cancel()
		began := time.Now()
		if err := op.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Wait returned %v, want %v", err, context.DeadlineExceeded)
		}
		if took := time.Since(began); took != bound {
			t.Errorf("it gave up after %v, want %v", took, bound)
		}
		if err := op.Poll(t.Context()); err != nil || op.Done() {
			t.Errorf("after the deadline the operation is done=%v (%v), want it to go on", op.Done(), err)
		}
		if n := count(srv, cancelOperation); n != 0 {
			t.Errorf("the server saw %d calls of Cancel, want none: giving up is not cancelling", n)
		}
	})
}

func TestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := mockserver.New(t)
		srv.Play(mockserver.Running(time.Hour).CancelledAfter(2500 * time.Millisecond).Succeed())
		sdk := newSDK(t, srv, ycsdk.NewIAMTokenCredentials("t1.static"), srv.DialOptions()...)
		op, err := copyImage(t.Context(), sdk, "desktop-1")
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if err := op.Cancel(t.Context()); err != nil {
			t.Fatal(err)
		}
		if op.Done() || op.Error() != nil {
			t.Errorf("Cancel answered with done=%v and error %v, want the current status", op.Done(), op.Error())
		}
		if err := op.Wait(t.Context()); status.Code(err) != codes.Canceled {
			t.Errorf("Wait returned %v, want %v", err, codes.Canceled)
		}
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("it took %v from Cancel, want the poll at 3s to see it", took)
		}
	})
}

func TestCancelRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := mockserver.New(t)
		srv.Play(mockserver.Running(time.Minute).CancelRefused().Succeed())
		sdk := newSDK(t, srv, ycsdk.NewIAMTokenCredentials("t1.static"), srv.DialOptions()...)
		op, err := copyImage(t.Context(), sdk, "desktop-1")
		if err != nil {
			t.Fatal(err)
		}
		if err := op.Cancel(t.Context()); status.Code(err) != codes.FailedPrecondition {
			t.Errorf("Cancel returned %v, want %v", err, codes.FailedPrecondition)
		}
		if err := op.Wait(t.Context()); err != nil {
			t.Errorf("Wait returned %v, want success", err)
		}
	})
}

// TestNotFoundPolls holds the mock against what the SDK says of the real
// service: "the returned operation is not on all replicas yet".
func TestNotFoundPolls(t *testing.T) {
	for polls, want := range map[uint32]codes.Code{3: codes.OK, 4: codes.NotFound} {
		t.Run(want.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := mockserver.New(t)
				srv.Play(mockserver.Running(10 * time.Second).WithFault(notFoundFor(polls)).Succeed())
				sdk := newSDK(t, srv, ycsdk.NewIAMTokenCredentials("t1.static"), srv.DialOptions()...)
				op, err := copyImage(t.Context(), sdk, "desktop-1")
				if err != nil {
					t.Fatal(err)
				}
				if err := op.Wait(t.Context()); status.Code(err) != want {
					t.Errorf("after %d times NOT_FOUND Wait returned %v, want %v", polls, err, want)
				}
			})
		})
	}
}
