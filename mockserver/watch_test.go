package mockserver

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect/v2"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// watched is the stream of a session's calls, as a gRPC client opens it.
func watched(ctx context.Context, t *testing.T, s *Server, req *optestv1.WatchCallsRequest) func() (*optestv1.WatchCallsResponse, error) {
	t.Helper()
	stream, err := s.GRPC().NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, "/optest.v1.ControlService/WatchCalls")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(stream.SendMsg(req), stream.CloseSend()); err != nil {
		t.Fatal(err)
	}
	return func() (*optestv1.WatchCallsResponse, error) {
		response := &optestv1.WatchCallsResponse{}
		return response, stream.RecvMsg(response)
	}
}

func TestWatchCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(t)
		s.Play(Running(time.Minute).Succeed())
		op, err := copyFromDesktop(t.Context(), s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "d"})
		if err != nil {
			t.Fatal(err)
		}
		next := watched(t.Context(), t, s, &optestv1.WatchCallsRequest{})
		first, err := next()
		if err != nil || !strings.HasSuffix(first.GetEvent().GetMethod(), "/CopyFromDesktop") || len(first.GetBlobs()) != 2 {
			t.Fatalf("got %v (%v), want the create that was there before, with its two messages", first, err)
		}
		polling := func() {
			for range 2 {
				time.Sleep(10 * time.Second)
				if _, err := getOperation(t.Context(), s, op.GetId()); err != nil {
					t.Error(err)
				}
			}
		}
		go polling()
		for i, blobs := range []int{1, 0} { // the request, and an answer that is the create's; then nothing new
			r, err := next()
			if err != nil || r.GetEvent().GetNumber() != uint64(i+2) || len(r.GetBlobs()) != blobs {
				t.Errorf("poll %d: got %v (%v), want event %d with %d blobs", i, r, err, i+2, blobs)
			}
			if at := time.Duration(i+1) * 10 * time.Second; r.GetEvent().GetCalled().AsDuration() != at {
				t.Errorf("poll %d at %v, want %v", i, r.GetEvent().GetCalled().AsDuration(), at)
			}
		}
	})
}

func TestWatchCallsThatMatch(t *testing.T) {
	s := New(t)
	next := watched(t.Context(), t, s, &optestv1.WatchCallsRequest{Match: &optestv1.CallMatch{Method: "OperationService/Get"}})
	alive(t, s)
	_, _ = getOperation(t.Context(), s, "nobody")
	r, err := next()
	if err != nil || r.GetEvent().GetFailure().GetCode().String() != "NOT_FOUND" {
		t.Errorf("got %v (%v), want the Get of nobody", r, err)
	}
}

// A watcher goes on with what takes the place of its session.
func TestWatchSurvivesReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(t)
		alive(t, s)
		next := watched(t.Context(), t, s, &optestv1.WatchCallsRequest{After: 1})
		synctest.Wait()
		s.Reset()
		_, _ = getOperation(t.Context(), s, "nobody")
		if r, err := next(); err != nil || r.GetEvent().GetNumber() != 1 || r.GetMissed() != 0 {
			t.Errorf("got %v (%v), want the first call after the reset", r, err)
		}
	})
}

// A watcher that starts behind what the journal remembers is told so.
func TestWatchTellsWhatIsMissed(t *testing.T) {
	s := New(t, Journal(2))
	for range 5 {
		_, _ = getOperation(t.Context(), s, "nobody")
	}
	next := watched(t.Context(), t, s, &optestv1.WatchCallsRequest{After: 1})
	if r, err := next(); err != nil || r.GetEvent().GetNumber() != 4 || r.GetMissed() != 2 {
		t.Errorf("got %v (%v), want event 4 after 2 missed", r, err)
	}
}

func TestWatchOfOneSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(t)
		mine := metadata.AppendToOutgoingContext(t.Context(), HeaderSession, "mine")
		next := watched(mine, t, s, &optestv1.WatchCallsRequest{})
		synctest.Wait()
		_, _ = getOperation(t.Context(), s, "of-another")
		_, _ = getOperation(mine, s, "of-mine")
		if r, err := next(); err != nil || !strings.Contains(r.GetEvent().GetFailure().GetMessage(), "of-mine") || r.GetEvent().GetCaller().GetSession() != "mine" {
			t.Errorf("got %v (%v), want the call of session mine", r, err)
		}
	})
}

// Watchers neither hold up the server's end nor outlive it.
func TestWatchEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(t)
		ctx, cancel := context.WithCancel(t.Context())
		left := watched(ctx, t, s, &optestv1.WatchCallsRequest{})
		stays := watched(t.Context(), t, s, &optestv1.WatchCallsRequest{})
		synctest.Wait()
		cancel()
		if _, err := left(); status.Code(err) != codes.Canceled {
			t.Errorf("got %v, want CANCELLED", err)
		}
		began := time.Now()
		go func() { _ = s.Close() }()
		if _, err := stays(); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("got %v, want an error that says that the server closes", err)
		}
		synctest.Wait()
		if took := time.Since(began); took != 0 {
			t.Errorf("closing took %v", took)
		}
	})
}

func TestWatchNeedsTheToken(t *testing.T) {
	s := New(t, Token("right"))
	next := watched(t.Context(), t, s, &optestv1.WatchCallsRequest{})
	if _, err := next(); status.Code(err) != codes.Unauthenticated {
		t.Errorf("got %v, want UNAUTHENTICATED", err)
	}
}

func TestListCallsWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(t)
		control := controlOf(s)
		wait := func(d time.Duration, match *optestv1.CallMatch) (*optestv1.ListCallsResponse, time.Duration, error) {
			began := time.Now()
			r, err := control.ListCalls(t.Context(), &optestv1.ListCallsRequest{Wait: durationpb.New(d), Match: match})
			return r, time.Since(began), err
		}
		if r, took, err := wait(20*time.Second, nil); err != nil || len(r.GetEvents()) != 0 || took != 20*time.Second {
			t.Errorf("got %v after %v (%v), want nothing after 20s", r, took, err)
		}
		go func() {
			time.Sleep(5 * time.Second)
			alive(t, s)
			time.Sleep(5 * time.Second)
			_, _ = getOperation(t.Context(), s, "nobody")
		}()
		notFound := optestv1.CallMatch{Method: "OperationService/Get", OperationId: ""}
		if r, took, err := wait(time.Minute, &notFound); err != nil || len(r.GetEvents()) != 1 || took != 10*time.Second {
			t.Errorf("got %v after %v (%v), want the Get after 10s", r, took, err)
		}
		for _, d := range []time.Duration{-time.Second, time.Minute + 1} {
			if _, _, err := wait(d, nil); connect.CodeOf(err) != connect.CodeInvalidArgument {
				t.Errorf("wait %v: got %v, want INVALID_ARGUMENT", d, err)
			}
		}
	})
}

func TestCallsMatchByState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(t)
		s.Play(Running(time.Minute).Succeed())
		op, err := copyFromDesktop(t.Context(), s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "d"})
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if _, err := getOperation(t.Context(), s, op.GetId()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(30 * time.Second)
		}
		count := func(m *optestv1.CallMatch) uint64 {
			t.Helper()
			zero := uint32(0)
			r, err := controlOf(s).VerifyCalls(t.Context(), &optestv1.VerifyCallsRequest{Match: m, AtLeast: &zero})
			if err != nil {
				t.Fatal(err)
			}
			return r.GetCount()
		}
		for want, m := range map[uint64]*optestv1.CallMatch{
			2: {Method: "Get", Phase: optestv1.Fault_RUNNING},
			1: {Method: "Get", Phase: optestv1.Fault_DONE},
			3: {Step: "created"},
		} {
			if got := count(m); got != want {
				t.Errorf("%v: %d calls, want %d", m, got, want)
			}
		}
	})
}
