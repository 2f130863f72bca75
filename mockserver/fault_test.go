package mockserver

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/optest-dev/optest/fixtures"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

func unavailable(on optestv1.Fault_On) *optestv1.Fault {
	return &optestv1.Fault{On: on, Effect: &optestv1.Fault_Status{Status: &optestv1.StatusFault{
		Status: &optestv1.Status{Code: code.Code_UNAVAILABLE, Message: "try again"},
	}}}
}

// polls plays the scenario and returns the code of each of n polls, a second
// apart.
func polls(t *testing.T, s *Server, n int) string {
	t.Helper()
	op, err := copyFromDesktop(t.Context(), s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "d"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for range n {
		_, err := getOperation(t.Context(), s, op.GetId())
		got = append(got, status.Code(err).String())
		time.Sleep(time.Second)
	}
	return strings.ReplaceAll(strings.ReplaceAll(strings.Join(got, ""), "Unavailable", "x"), "OK", ".")
}

func TestWhichCallsAFaultHits(t *testing.T) {
	with := func(change func(*optestv1.Fault)) *optestv1.Fault {
		f := unavailable(optestv1.Fault_GET)
		change(f)
		return f
	}
	tests := []struct {
		name  string
		fault *optestv1.Fault
		want  string // of ten polls, x is hit; the operation fails at 3 s and is done at 6 s
	}{
		{"all", with(func(*optestv1.Fault) {}), "xxxxxxxxxx"},
		{"from the third", with(func(f *optestv1.Fault) { f.Calls = &optestv1.Range{From: 3} }), "..xxxxxxxx"},
		{"the first two", with(func(f *optestv1.Fault) { f.Calls = &optestv1.Range{To: 2} }), "xx........"},
		{"every third", with(func(f *optestv1.Fault) { f.Every = 3 }), "x..x..x..x"},
		{"every third from the second on, twice", with(func(f *optestv1.Fault) { f.Calls = &optestv1.Range{From: 2}; f.Every = 3; f.Times = 2 }), ".x..x....."},
		{"while failing", with(func(f *optestv1.Fault) { f.FromPhase = optestv1.Fault_FAILING; f.UntilPhase = optestv1.Fault_FAILING }), "...xxx...."},
		{"until failing", with(func(f *optestv1.Fault) { f.UntilPhase = optestv1.Fault_FAILING }), "xxxxxx...."},
		{"once done", with(func(f *optestv1.Fault) { f.FromPhase = optestv1.Fault_DONE }), "......xxxx"},
		{"the first one after it is done", with(func(f *optestv1.Fault) { f.FromPhase = optestv1.Fault_DONE; f.Calls = &optestv1.Range{To: 1} }), "......x..."},
		{"by method", with(func(f *optestv1.Fault) { f.On = 0; f.Method = "*OperationService/Get"; f.Times = 1 }), "x........."},
		{"of another protocol", with(func(f *optestv1.Fault) { f.Protocols = []optestv1.Fault_Protocol{optestv1.Fault_REST} }), ".........."},
		{"of this protocol", with(func(f *optestv1.Fault) {
			f.Protocols = []optestv1.Fault_Protocol{optestv1.Fault_REST, optestv1.Fault_GRPC}
			f.Times = 1
		}), "x........."},
		{"of another reader", with(func(f *optestv1.Fault) {
			f.Reader = &optestv1.Reader{Headers: map[string]string{"x-reader": "second"}}
		}), ".........."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := New(t)
				life := Running(3*time.Second).Failing(codes.Aborted, "m").RolledBackAfter(3 * time.Second)
				life.Faults = []*optestv1.Fault{tt.fault}
				s.Play(life)
				if got := polls(t, s, 10); got != tt.want {
					t.Errorf("hit %s, want %s", got, tt.want)
				}
			})
		})
	}
}

func TestProbabilityFollowsTheSeed(t *testing.T) {
	run := func(seed uint64) (hits string) {
		synctest.Test(t, func(t *testing.T) {
			s := New(t, Seed(seed))
			f := unavailable(optestv1.Fault_GET)
			f.Probability = 0.3
			s.Play(NeverDone().WithFault(f).Forever())
			hits = polls(t, s, 400)
		})
		return hits
	}
	one := run(1)
	if run(1) != one {
		t.Error("the same seed gives another run")
	}
	if run(2) == one {
		t.Error("another seed gives the same run")
	}
	if n := strings.Count(one, "x"); n < 80 || n > 160 {
		t.Errorf("hit %d of 400 calls, want about 120", n)
	}
}

func TestStatusFaultCarriesDetailsAndTrailers(t *testing.T) {
	retry, err := anypb.New(&errdetails.RetryInfo{RetryDelay: durationpb.New(7 * time.Second)})
	if err != nil {
		t.Fatal(err)
	}
	f := unavailable(optestv1.Fault_GET)
	f.GetStatus().Status.Details = []*anypb.Any{retry}
	f.GetStatus().Trailers = map[string]string{"x-trailer": "yes"}
	s := New(t)
	s.Play(NeverDone().WithFault(f).Forever())
	op, err := copyFromDesktop(t.Context(), s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "d"})
	if err != nil {
		t.Fatal(err)
	}
	var header, trailer metadata.MD
	_, err = getOperation(t.Context(), s, op.GetId(), grpc.Header(&header), grpc.Trailer(&trailer))
	details := status.Convert(err).Details()
	if len(details) != 1 || details[0].(*errdetails.RetryInfo).GetRetryDelay().AsDuration() != 7*time.Second {
		t.Errorf("details %v, want a RetryInfo of 7s", details)
	}
	all := metadata.Join(header, trailer)
	if got := all.Get("x-trailer"); !slices.Contains(got, "yes") {
		t.Errorf("trailer %q, want yes", got)
	}
	if got := all.Get(HeaderFault); !slices.Contains(got, "status") {
		t.Errorf("%s is %q, want status", HeaderFault, got)
	}
}

func TestDelayAndHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(t)
		s.Play(NeverDone().
			WithFault(&optestv1.Fault{On: optestv1.Fault_CREATE, Effect: &optestv1.Fault_Delay{Delay: &optestv1.DelayFault{By: durationpb.New(9 * time.Second)}}}).
			WithFault(&optestv1.Fault{On: optestv1.Fault_GET, Effect: &optestv1.Fault_Hang{Hang: &optestv1.HangFault{}}}).
			Forever())
		began := time.Now()
		op, err := copyFromDesktop(t.Context(), s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "d"})
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 9*time.Second {
			t.Errorf("the create took %v, want 9s", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := getOperation(ctx, s, op.GetId()); status.Code(err) != codes.DeadlineExceeded {
			t.Errorf("the hanging poll got %v, want its own deadline", err)
		}
		// A call that nobody gives up on ends when the server closes.
		ended := make(chan error)
		go func() {
			_, err := getOperation(context.Background(), s, op.GetId())
			ended <- err
		}()
		synctest.Wait()
		go func() { _ = s.Close() }()
		if err := <-ended; status.Code(err) != codes.Unavailable && status.Code(err) != codes.Canceled {
			t.Errorf("at Close the hanging poll got %v, want it to end", err)
		}
	})
}

// A delay is by the server's clock: Advance ends it.
func TestAdvanceEndsADelay(t *testing.T) {
	s := New(t)
	s.Play(NeverDone().WithFault(&optestv1.Fault{
		On: optestv1.Fault_CREATE, Effect: &optestv1.Fault_Delay{Delay: &optestv1.DelayFault{By: durationpb.New(time.Hour)}},
	}).Forever())
	ended := make(chan error)
	go func() {
		_, err := copyFromDesktop(t.Context(), s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "d"})
		ended <- err
	}()
	for {
		s.Advance(time.Hour)
		select {
		case err := <-ended:
			if err != nil {
				t.Error(err)
			}
			return
		case <-time.After(time.Millisecond):
		}
	}
}

func TestSeveralFaultsOnOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(t)
		s.Play(NeverDone().
			WithFault(unavailable(optestv1.Fault_CREATE)).
			WithFault(&optestv1.Fault{Name: "late", On: optestv1.Fault_CREATE, Effect: &optestv1.Fault_Delay{Delay: &optestv1.DelayFault{By: durationpb.New(time.Second)}}}).
			WithFault(&optestv1.Fault{On: optestv1.Fault_CREATE, Effect: &optestv1.Fault_Headers{Headers: &optestv1.HeaderFault{Set: map[string]string{"retry-after": "3"}}}}).
			Forever())
		began := time.Now()
		var header, trailer metadata.MD
		_, err := copyFromDesktop(t.Context(), s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "d"}, grpc.Header(&header), grpc.Trailer(&trailer))
		if status.Code(err) != codes.Unavailable || time.Since(began) != time.Second {
			t.Errorf("got %v after %v, want UNAVAILABLE after 1s", err, time.Since(began))
		}
		all := metadata.Join(header, trailer)
		if diff := cmp.Diff([]string{"3"}, all.Get("retry-after")); diff != "" {
			t.Errorf("retry-after (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"status, late, headers"}, all.Get(HeaderFault)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", HeaderFault, diff)
		}
		if s.stored() != 0 {
			t.Errorf("%d operations are stored, want none: the status came instead of the answer", s.stored())
		}
	})
}

// Faults of the default scenario reach calls that are about no operation.
func TestFaultOnList(t *testing.T) {
	s := New(t)
	s.Play(NeverDone().WithFault(unavailable(optestv1.Fault_LIST)).Forever())
	_, err := imagesOf(s).List(t.Context(), &clouddesktop.ListDesktopImagesRequest{FolderId: "f"})
	if status.Code(err) != codes.Unavailable {
		t.Errorf("List got %v, want UNAVAILABLE", err)
	}
	if _, err := imagesOf(s).Get(t.Context(), &clouddesktop.GetDesktopImageRequest{ImageId: "x"}); status.Code(err) != codes.NotFound {
		t.Errorf("Get got %v, want NOT_FOUND: the fault is not for it", err)
	}
}

// A fault for the second connection leaves the first one alone, on a port and in
// memory.
func TestFaultForOneConnection(t *testing.T) {
	for name, opts := range map[string][]Option{"in memory": nil, "on a port": {Listen("127.0.0.1:0")}} {
		t.Run(name, func(t *testing.T) {
			s := New(t, opts...)
			f := unavailable(optestv1.Fault_GET)
			f.Reader = &optestv1.Reader{Connection: 2}
			s.Play(NeverDone().WithFault(f).Forever())
			op, err := copyFromDesktop(t.Context(), s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "d"})
			if err != nil {
				t.Fatal(err)
			}
			second, err := grpc.NewClient("passthrough:///second", s.DialOptions()...)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = second.Close() }()
			get := func(conn *grpc.ClientConn) codes.Code {
				_, err := operation.NewOperationServiceClient(conn).Get(t.Context(), &operation.GetOperationRequest{OperationId: op.GetId()})
				return status.Code(err)
			}
			for range 2 {
				if a, b := get(s.GRPC()), get(second); a != codes.OK || b != codes.Unavailable {
					t.Errorf("the first connection gets %v, the second %v, want OK and UNAVAILABLE", a, b)
				}
			}
		})
	}
}

// Details of a type that nobody knows are bytes in JSON, and hide none of the
// others.
func TestUnknownDetailsInJSON(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(t)
		s.Play(fixtures.Must("unknown-detail-type"))
		op, err := copyFromDesktop(t.Context(), s, &clouddesktop.CopyFromDesktopRequest{DesktopId: "d"})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Second)
		_, body := post(t, s, http.MethodGet, "/operations/"+op.GetId(), "", nil)
		var answer struct {
			Error struct {
				Code    int
				Details []map[string]any
			}
		}
		if err := json.Unmarshal(body, &answer); err != nil || answer.Error.Code != 8 || len(answer.Error.Details) != 3 {
			t.Fatalf("%s (%v), want the code 8 and three details", body, err)
		}
		if _, ok := answer.Error.Details[0]["value"].(string); !ok || answer.Error.Details[2]["reason"] != "QUOTA_EXCEEDED" {
			t.Errorf("details %v, want the first as bytes and the others as they are", answer.Error.Details)
		}
	})
}
