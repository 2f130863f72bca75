package bake_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	bake "github.com/optest-dev/optest/examples/consumer"
	"github.com/optest-dev/optest/fixtures"
	"github.com/optest-dev/optest/mockserver"
)

// README:begin
func TestBakeTakesADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // time is virtual in here
		srv := mockserver.New(t) // in memory, closed with the test
		srv.Play(mockserver.Running(24 * time.Hour).Succeed())

		image, err := bake.Image(t.Context(), srv.GRPC(), "desktop-1")

		if err != nil || image.GetStatus() != clouddesktop.DesktopImage_ACTIVE {
			t.Fatalf("got %v, %v after %d calls", image, err, len(srv.Calls()))
		}
	})
}

// README:end

// TestCatalogue plays lives of the catalogue and holds the package to what each
// of them expects of a right client.
func TestCatalogue(t *testing.T) {
	for _, name := range []string{
		"instant",
		"slow-success",
		"quota-exceeded",
		"early-error",
		"failed-at-create",
		"poll-hints",
		"answer-lost-after-create",
		"hanging-get",
		"throttled-polls",
		"unavailable-burst",
	} {
		t.Run(name, func(t *testing.T) {
			want := fixtures.Must(name).GetExpect()
			synctest.Test(t, func(t *testing.T) {
				srv := mockserver.New(t)
				began := time.Now()
				image, err := bake.Image(t.Context(), srv.GRPC(), name)
				if got := status.Code(err); got != codes.Code(want.GetCode()) {
					t.Errorf("got %v (%v), want %v", got, err, codes.Code(want.GetCode()))
				}
				if (image == nil) != (err != nil) {
					t.Errorf("got the image %v and the error %v, want one of them", image, err)
				}
				if took := time.Since(began); took < want.GetNotBefore().AsDuration() {
					t.Errorf("it concluded after %v, want %v at least", took, want.GetNotBefore().AsDuration())
				}
				if n := created(srv); n != 1 {
					t.Errorf("the server started %d operations, want 1", n)
				}
			})
		})
	}
}

func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := mockserver.New(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		began := time.Now()
		_, err := bake.Image(ctx, srv.GRPC(), "never-done")
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
		}
		if took := time.Since(began); took != time.Hour {
			t.Errorf("it gave up after %v, want 1h", took)
		}
		if id := srv.Calls()[0].Operation; err != nil && !strings.Contains(err.Error(), id) {
			t.Errorf("the error %q does not name the operation %q that goes on", err, id)
		}
	})
}

// TestDeadlineDuringRollback has to report both: that time is up and what it was
// that had failed.
func TestDeadlineDuringRollback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := mockserver.New(t)
		srv.Play(mockserver.Running(10*time.Second).Failing(codes.Internal, "Disk is gone").RolledBackAfter(time.Hour))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		_, err := bake.Image(ctx, srv.GRPC(), "desktop-1")
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "Disk is gone") {
			t.Errorf("got %v, want %v and the failure that was detected", err, context.DeadlineExceeded)
		}
	})
}

// created is how many operations the server has started.
func created(srv *mockserver.Server) int {
	ids := map[string]bool{}
	for _, c := range srv.Calls() {
		if c.Operation != "" {
			ids[c.Operation] = true
		}
	}
	return len(ids)
}
