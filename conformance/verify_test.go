package conformance_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	binlogpb "google.golang.org/grpc/binarylog/grpc_binarylog_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	"github.com/optest-dev/optest/conformance"
	"github.com/optest-dev/optest/fixtures"
	"github.com/optest-dev/optest/mockserver"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// journal is what a mock server writes while a client polls operations of a
// fixture, in so many sessions.
func journal(t testing.TB, fixture string, operations, polls, sessions int) *trace.Trace {
	t.Helper()
	var out bytes.Buffer
	srv, err := mockserver.Start(mockserver.Trace(&out))
	if err != nil {
		t.Fatal(err)
	}
	if sessions == 0 {
		srv.Play(fixtures.Must(fixture))
	}
	images, reads := clouddesktop.NewDesktopImageServiceClient(srv.GRPC()), operation.NewOperationServiceClient(srv.GRPC())
	poll := func(ctx context.Context, desktop string) {
		for range operations {
			op, err := images.CopyFromDesktop(ctx, &clouddesktop.CopyFromDesktopRequest{DesktopId: desktop, Name: "n"})
			if err != nil {
				t.Fatal(err)
			}
			for range polls {
				srv.Advance(time.Minute)
				_, _ = reads.Get(ctx, &operation.GetOperationRequest{OperationId: op.GetId()}) // an error is recorded
			}
		}
	}
	for i := range sessions {
		poll(metadata.AppendToOutgoingContext(context.Background(), mockserver.HeaderSession, fmt.Sprint("s", i)), fixture)
	}
	if sessions == 0 {
		poll(context.Background(), "d")
	}
	if err := srv.Close(); err != nil {
		t.Fatal(err)
	}
	tr, err := trace.Read(&out, "journal")
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func verified(t interface{ Fatal(...any) }, tr *trace.Trace, opts ...conformance.Option) *conformance.Report {
	r, err := conformance.Verify(tr, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// summary is what a report has come to, less what differs between a trace in
// memory and one that is read.
func summary(r *conformance.Report) string {
	var b strings.Builder
	fmt.Fprintln(&b, r.Verdict, r.Reason, r.Profile, r.Target, r.Protocols, r.Used.Requests, r.Used.Creates)
	for _, one := range r.Rules {
		fmt.Fprintln(&b, one.ID, one.Verdict, one.Reason, one.Exercised, one.Errors, one.Warnings)
	}
	return b.String()
}

func TestVerify(t *testing.T) {
	healthy := verified(t, journal(t, "slow-success", 3, 15, 0))
	if err := healthy.Err(); err != nil {
		t.Error(err)
	}
	if healthy.Verdict != conformance.Partial || healthy.Profile != "strong" || healthy.Rule("LRO-01").Verdict != conformance.Passed {
		t.Errorf("got %v, %s, LRO-01 %v", healthy, healthy.Profile, healthy.Rule("LRO-01").Verdict)
	}
	if got := healthy.Rule("ERR-02"); got.Verdict != conformance.NotApplicable {
		t.Errorf("ERR-02 is %v, want NOT APPLICABLE to who sees no frames", got.Verdict)
	}
	broken := verified(t, journal(t, "done-without-result", 3, 5, 0))
	op08 := broken.Rule("OP-08")
	if broken.Verdict != conformance.NotConformant || op08.Verdict != conformance.Failed || len(op08.Findings[0].Trace) != 1 {
		t.Errorf("got %v, OP-08 %v with a trace of %d events", broken, op08.Verdict, len(op08.Findings[0].Trace))
	}
	if got := broken.Proto().GetDriver(); got != optestv1.ConformanceReport_TRACE {
		t.Errorf("driver %v", got)
	}
}

// Rules go by times, so the order in which events were written says nothing.
func TestOrderOfWritingDoesNotMatter(t *testing.T) {
	for _, fixture := range []string{"slow-success", "done-flips-back", "error-code-drifts"} {
		tr := journal(t, fixture, 2, 12, 0)
		want := summary(verified(t, tr))
		rapid.Check(t, func(t *rapid.T) {
			shuffled := &trace.Trace{Header: tr.Header, Events: rapid.Permutation(slices.Clone(tr.Events)).Draw(t, "events")}
			if got := summary(verified(t, shuffled)); got != want {
				t.Fatalf("%s: got\n%s\nwant\n%s", fixture, got, want)
			}
		})
	}
}

// Sessions are worlds of their own: what is the same in two of them is no
// contradiction.
func TestSessionsAreHeldApart(t *testing.T) {
	tr := journal(t, "slow-success", 2, 15, 3)
	if err := verified(t, tr).Err(); err != nil {
		t.Error(err)
	}
	// The same operation in two sessions, and the same image.
	other := *tr
	other.Events = slices.Clone(tr.Events)
	for _, e := range tr.Events {
		again := *e
		again.Number += 1000
		again.Called, again.Returned = e.Called+time.Hour, e.Returned+time.Hour
		again.Caller = &trace.Caller{Session: "twin of " + e.Session()}
		other.Events = append(other.Events, &again)
	}
	r := verified(t, &other)
	if err := r.Err(); err != nil {
		t.Error(err)
	}
	if want := 2 * verified(t, tr).Rule("LRO-01").Exercised; r.Rule("LRO-01").Exercised != want {
		t.Errorf("LRO-01 was exercised %d times, want %d", r.Rule("LRO-01").Exercised, want)
	}
}

func TestVerifyFiles(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	write := func(name string, tr *trace.Trace) string {
		if err := tr.WriteFile(file(name)); err != nil {
			t.Fatal(err)
		}
		return file(name)
	}
	whole := journal(t, "done-flips-back", 4, 10, 0)
	half := len(whole.Events) / 2
	first := &trace.Trace{Header: whole.Header, Events: whole.Events[:half+3]}
	second := &trace.Trace{Header: whole.Header, Events: whole.Events[half:]} // they overlap
	other := journal(t, "slow-success", 1, 3, 0)
	other.Header.Name = "another"
	plain, err := os.ReadFile(write("whole.jsonl", whole))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file("cut.jsonl"), plain[:len(plain)-20], 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		paths []string
		want  []*trace.Trace
		cut   bool
	}{
		{"one file", []string{file("whole.jsonl")}, []*trace.Trace{whole}, false},
		{"compressed", []string{write("whole.jsonl.gz", whole)}, []*trace.Trace{whole}, false},
		{"parts of one trace", []string{write("b.jsonl", second), write("a.jsonl", first)}, []*trace.Trace{whole}, false},
		{"two observers", []string{file("whole.jsonl"), write("other.jsonl", other)}, []*trace.Trace{whole, other}, false},
		{"a file that ends in the middle", []string{file("cut.jsonl")}, nil, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			reports, err := conformance.VerifyFiles(tt.paths)
			if err != nil {
				t.Fatal(err)
			}
			if tt.cut {
				if r := reports[0]; !strings.Contains(r.Reason, "ends here, in the middle of a line") || r.Verdict != conformance.NotConformant {
					t.Errorf("got %v", r)
				}
				return
			}
			if len(reports) != len(tt.want) {
				t.Fatalf("got %d reports, want %d", len(reports), len(tt.want))
			}
			for i, r := range reports {
				if got, want := summary(r), summary(verified(t, tt.want[i])); got != want {
					t.Errorf("got\n%s\nwant\n%s", got, want)
				}
			}
		})
	}
	for name, want := range map[string]string{"nothing.jsonl": "no such file", "note.txt": "is no header of a trace"} {
		if name == "note.txt" {
			if err := os.WriteFile(file(name), []byte("hello\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		_, err := conformance.VerifyFiles([]string{file(name)})
		if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want it to say %q", name, err, want)
		}
	}
	if _, err := conformance.VerifyFiles([]string{file("nothing.jsonl")}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want %v", err, fs.ErrNotExist)
	}
}

// A file whose events are written in an order that can't be mended on the way is
// read into memory.
func TestVerifyFilesOutOfOrder(t *testing.T) {
	tr := journal(t, "done-without-result", 1, 3, 0)
	late := tr.Events[len(tr.Events)-1] // shows the breach
	tr.Events = tr.Events[:len(tr.Events)-1]
	for i := range 20_000 {
		tr.Events = append(tr.Events, &trace.Event{
			Number: late.Number + uint64(i), Called: late.Returned + time.Duration(i+1)*time.Second, Returned: late.Returned + time.Duration(i+1)*time.Second + 1,
			Outcome: optestv1.Event_FAILED, Failure: &trace.Failure{Code: 5},
		})
	}
	last := *late
	last.Number += 20_000
	tr.Events = append(tr.Events, &last)
	path := filepath.Join(t.TempDir(), "late.jsonl")
	if err := tr.WriteFile(path); err != nil {
		t.Fatal(err)
	}
	reports, err := conformance.VerifyFiles([]string{path})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := summary(reports[0]), summary(verified(t, tr)); got != want || reports[0].Rule("OP-08").Verdict != conformance.Failed {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// What a trace does not show is taken into account, wherever the file tells of it.
func TestGaps(t *testing.T) {
	tr := journal(t, "slow-success", 1, 15, 0)
	if got := verified(t, tr).Rule("IMG-12"); got.Verdict == conformance.NotApplicable {
		t.Fatalf("IMG-12 does not apply to a server's journal: %s", got.Reason)
	}
	tr.Gaps = []*optestv1.Gap{
		{Kind: optestv1.Gap_LOST, Events: 3, Reason: "evicted"},
		{Kind: optestv1.Gap_UNTIMED, From: durationpb.New(time.Second), Until: durationpb.New(time.Minute)},
	}
	path := filepath.Join(t.TempDir(), "gaps.jsonl")
	if err := tr.WriteFile(path); err != nil {
		t.Fatal(err)
	}
	read, err := conformance.VerifyFiles([]string{path})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range append(read, verified(t, tr)) {
		if got := r.Rule("IMG-12"); got.Verdict != conformance.NotApplicable {
			t.Errorf("IMG-12 is %v although there are calls that nobody knows of", got.Verdict)
		}
		if want := []conformance.Span{{From: time.Second, Until: time.Minute}}; !slices.Equal(r.Used.Stalls, want) {
			t.Errorf("got stalls %v, want %v", r.Used.Stalls, want)
		}
	}
}

// Logs of gRPC are read too.
func TestVerifyBinaryLog(t *testing.T) {
	op, err := proto.Marshal(&operation.Operation{Id: "fv4", Done: true})
	if err != nil {
		t.Fatal(err)
	}
	asked, err := proto.Marshal(&operation.GetOperationRequest{OperationId: "fv4"})
	if err != nil {
		t.Fatal(err)
	}
	message := func(data []byte) *binlogpb.Message { return &binlogpb.Message{Length: uint32(len(data)), Data: data} }
	var log []byte
	for i, e := range []*binlogpb.GrpcLogEntry{
		{Type: binlogpb.GrpcLogEntry_EVENT_TYPE_CLIENT_HEADER, Payload: &binlogpb.GrpcLogEntry_ClientHeader{ClientHeader: &binlogpb.ClientHeader{MethodName: "/yandex.cloud.operation.OperationService/Get"}}},
		{Type: binlogpb.GrpcLogEntry_EVENT_TYPE_CLIENT_MESSAGE, Payload: &binlogpb.GrpcLogEntry_Message{Message: message(asked)}},
		{Type: binlogpb.GrpcLogEntry_EVENT_TYPE_SERVER_HEADER, Payload: &binlogpb.GrpcLogEntry_ServerHeader{ServerHeader: &binlogpb.ServerHeader{}}},
		{Type: binlogpb.GrpcLogEntry_EVENT_TYPE_SERVER_MESSAGE, Payload: &binlogpb.GrpcLogEntry_Message{Message: message(op)}},
		{Type: binlogpb.GrpcLogEntry_EVENT_TYPE_SERVER_TRAILER, Payload: &binlogpb.GrpcLogEntry_Trailer{Trailer: &binlogpb.Trailer{}}},
	} {
		e.CallId, e.SequenceIdWithinCall, e.Logger = 1, uint64(i+1), binlogpb.GrpcLogEntry_LOGGER_CLIENT
		e.Timestamp = timestamppb.New(time.Unix(1_700_000_000, int64(i)))
		data, err := proto.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		log = append(binary.BigEndian.AppendUint32(log, uint32(len(data))), data...)
	}
	path := filepath.Join(t.TempDir(), "grpc.log")
	if err := os.WriteFile(path, log, 0o600); err != nil {
		t.Fatal(err)
	}
	reports, err := conformance.VerifyFiles([]string{path})
	if err != nil {
		t.Fatal(err)
	}
	if len(reports) != 1 || reports[0].Rule("OP-08").Verdict != conformance.Failed || reports[0].Profile != "eventual (5s)" {
		t.Errorf("got %v", reports)
	}
}

func TestVerifier(t *testing.T) {
	tr := journal(t, "done-without-result", 1, 3, 0)
	v, err := conformance.NewVerifier(tr.Header)
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]int{}
	for _, e := range tr.Events {
		for _, f := range v.Observe(e) {
			told[f.ID]++
			if f.Text == "" || f.Quote == "" || len(f.Evidence) == 0 || f.ID == "OP-08" && (f.Practice || f.Severity != conformance.Error) {
				t.Errorf("was told %+v", f)
			}
		}
	}
	r := v.Report()
	if told["OP-08"] == 0 || told["OP-08"] != r.Rule("OP-08").Errors {
		t.Errorf("was told of %v, the report has %d errors", told, r.Rule("OP-08").Errors)
	}
	if v.Observe(tr.Events[0]) != nil || v.Report() != r {
		t.Error("the verifier goes on after its report")
	}
	if got := r.Proto().GetCounts().GetEvents(); got != uint64(len(tr.Events)) {
		t.Errorf("the report is about %d events, want %d", got, len(tr.Events))
	}
	nothing, err := conformance.NewVerifier(&optestv1.TraceHeader{Observer: optestv1.TraceHeader_PROXY})
	if err != nil {
		t.Fatal(err)
	}
	if r := nothing.Report(); r.Verdict != conformance.NoVerdict || r.Reason != "no call was seen" || r.ExitCode() != 3 {
		t.Errorf("got %v", r)
	}
}

func TestProfileOfATrace(t *testing.T) {
	for _, tt := range []struct {
		observer optestv1.TraceHeader_Observer
		profile  string
		opts     []conformance.Option
		want     string // or the beginning of an error
	}{
		{optestv1.TraceHeader_SERVER, "", nil, "strong"},
		{optestv1.TraceHeader_CLIENT, "", nil, "eventual (5s)"},
		{optestv1.TraceHeader_CLIENT, "strong", nil, "strong"},
		{optestv1.TraceHeader_SERVER, "eventual (2s)", nil, "eventual (2s)"},
		{optestv1.TraceHeader_SERVER, "eventual (2s)", []conformance.Option{conformance.Strong()}, "strong"},
		{optestv1.TraceHeader_CLIENT, "strong", []conformance.Option{conformance.Eventual(time.Second)}, "eventual (1s)"},
		{optestv1.TraceHeader_CLIENT, "lazy", nil, "optest: the trace's profile \"lazy\", want"},
		{optestv1.TraceHeader_CLIENT, "eventual (-1s)", nil, "optest: the trace's profile"},
	} {
		v, err := conformance.NewVerifier(&optestv1.TraceHeader{Observer: tt.observer, Profile: tt.profile}, tt.opts...)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = v.Profile()
		}
		if !strings.HasPrefix(got, tt.want) {
			t.Errorf("%v %q: got %q, want %q", tt.observer, tt.profile, got, tt.want)
		}
	}
}
