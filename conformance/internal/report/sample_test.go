package report

import (
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/optest-dev/optest/conformance/internal/rules"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// sample is a run of which all is made up: rules, calls and findings. What is
// broken shows in its calls.
type sample struct {
	t      testing.TB
	env    *rules.Env
	events []*trace.Event
	table  []*rules.Rule
	in     Input
}

var sampleStart = time.Date(2026, time.March, 5, 12, 0, 0, 0, time.UTC)

const sampleOp, sampleImage = "fv4q7hk2m9c3v8t1s6d0", "fd8r2t6y1u5i9o3p7a0z"

func newSample(t testing.TB) *sample {
	s := &sample{t: t, env: &rules.Env{
		Header: &optestv1.TraceHeader{
			Version: trace.Version, Tool: "optest", Observer: optestv1.TraceHeader_CLIENT, Start: timestamppb.New(sampleStart), Clock: optestv1.TraceHeader_MONOTONIC,
			Target: "http://127.0.0.1:8080", Contract: "5bd9d8cabe5ac1c1fbd9d8cabe5ac1c1", Seed: 7,
			Sees: []optestv1.TraceHeader_Sight{optestv1.TraceHeader_CONTENT, optestv1.TraceHeader_RAW, optestv1.TraceHeader_METADATA},
		},
		Contract: rules.Guide,
		Desktops: rules.Desktops{Succeeds: "desk-succeeds"},
	}}
	return s
}

// call adds a call that takes 2 ms.
func (s *sample) call(reader string, at time.Duration, method string, request, response proto.Message) *trace.Event {
	e := &trace.Event{
		Number: uint64(len(s.events) + 1), Called: at, Returned: at + 2*time.Millisecond,
		Caller: &trace.Caller{Connection: reader + "/grpc", Reader: reader}, Protocol: optestv1.Event_GRPC, Method: method,
		RequestCodec: optestv1.Event_PROTO, ResponseCodec: optestv1.Event_PROTO, Outcome: optestv1.Event_OK,
		Request: trace.NewBlob(s.encoded(request)), Response: trace.NewBlob(s.encoded(response)),
	}
	if id, ok := response.(*operation.Operation); ok {
		e.Operation = id.GetId()
	}
	s.events = append(s.events, e)
	return e
}

func (s *sample) encoded(m proto.Message) []byte {
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		s.t.Fatal(err)
	}
	return raw
}

func (s *sample) packed(m proto.Message) *anypb.Any {
	return &anypb.Any{TypeUrl: "type.googleapis.com/" + string(m.ProtoReflect().Descriptor().FullName()), Value: s.encoded(m)}
}

// op is the operation as it is at a moment.
func (s *sample) op(modified time.Duration) *operation.Operation {
	return &operation.Operation{
		Id: sampleOp, Description: "Copy image", CreatedAt: timestamppb.New(sampleStart.Add(time.Second)), CreatedBy: "ajeu1k5r8",
		ModifiedAt: timestamppb.New(sampleStart.Add(modified)),
		Metadata:   s.packed(&clouddesktop.CopyFromDesktopMetadata{ImageId: sampleImage}),
	}
}

func (s *sample) done(modified time.Duration) *operation.Operation {
	op := s.op(modified)
	op.Done = true
	op.Result = &operation.Operation_Response{Response: s.packed(&clouddesktop.DesktopImage{
		Id: sampleImage, FolderId: "b1g0", Name: "golden", Status: clouddesktop.DesktopImage_ACTIVE, StorageSize: 10 << 30,
		CreatedAt: timestamppb.New(sampleStart.Add(time.Second)), Labels: map[string]string{"team": "qa"},
	})}
	return op
}

func get() *operation.GetOperationRequest {
	return &operation.GetOperationRequest{OperationId: sampleOp}
}

const unbroken = "If `done == true`, exactly one of `error` or `response` is set."

// broken is a run of an operation that is done, then not, then has two results.
func brokenSample(t testing.TB) *sample {
	s := newSample(t)
	s.call("reader-1", time.Second, rules.MethodCreate, &clouddesktop.CopyFromDesktopRequest{FolderId: "b1g0", Name: "it's golden", DesktopId: "desk-succeeds"}, s.op(time.Second)).
		RequestHeader = trace.Fields{{Name: "authorization", Value: trace.Redacted}, {Name: "idempotency-key", Value: "7d2b9e06-5c1a-4c0e-9a57-3f8f6f0f5a11"}, {Name: "user-agent", Value: "grpc-go/1.85.0"}}
	for i := range 6 {
		s.call("reader-1", time.Duration(3+2*i)*time.Second, rules.MethodGet, get(), s.op(time.Second))
	}
	s.call("reader-2", 4200*time.Millisecond, rules.MethodGetImage, &clouddesktop.GetDesktopImageRequest{ImageId: sampleImage}, &clouddesktop.DesktopImage{Id: sampleImage, Status: clouddesktop.DesktopImage_CREATING})
	done := s.call("reader-1", 15*time.Second, rules.MethodGet, get(), s.done(14800*time.Millisecond))
	back := s.call("reader-2", 15100*time.Millisecond, rules.MethodGet, get(), s.op(time.Second))
	two := s.call("reader-1", 17*time.Second, rules.MethodGet, get(), s.done(14800*time.Millisecond))
	two.Response = trace.NewBlob(slices.Concat(
		protowire.AppendBytes(protowire.AppendTag(nil, 8, protowire.BytesType), s.encoded(&status.Status{Code: int32(code.Code_INTERNAL), Message: "disk \x1b[31mfull"})),
		two.Response.Bytes(),
	))
	json := s.call("reader-3", 18*time.Second, rules.MethodGet, get(), s.done(14800*time.Millisecond))
	text := compact(s.done(14800 * time.Millisecond)) // protojson varies its spaces
	json.Protocol, json.HTTPRequest, json.HTTPStatus = optestv1.Event_REST, "GET /operations/"+sampleOp, 200
	json.RequestCodec, json.ResponseCodec, json.Request = optestv1.Event_JSON, optestv1.Event_JSON, nil
	json.Response = trace.NewBlob([]byte(regexp.MustCompile(`"storageSize": ?"(\d+)"`).ReplaceAllString(text, `"storage_size":$1`)))
	lost := s.call("reader-2", 19*time.Second, rules.MethodGet, get(), s.op(time.Second))
	lost.Outcome, lost.Response, lost.Failure = optestv1.Event_INDETERMINATE, nil, &trace.Failure{Cause: optestv1.Event_Failure_TIMEOUT}
	refused := s.call("reader-2", 21*time.Second, rules.MethodCancel, &operation.CancelOperationRequest{OperationId: sampleOp}, s.op(time.Second))
	refused.Outcome, refused.Response, refused.Failure = optestv1.Event_FAILED, nil, &trace.Failure{Code: code.Code_FAILED_PRECONDITION, Message: "Operation is done"}

	s.results(done, back, two, json)
	return s
}

// results are those of rules that are made up for the run.
func (s *sample) results(done, back, two, json *trace.Event) {
	wire := []optestv1.TraceHeader_Sight{optestv1.TraceHeader_RAW}
	add := func(r *rules.Rule, v rules.Verdict, exercised int, found ...rules.Finding) *Outcome {
		s.table = append(s.table, r)
		o := Outcome{Result: rules.Result{Rule: r, Verdict: v, Exercised: exercised, Findings: found}}
		for _, f := range found {
			switch f.Kind {
			case rules.Error:
				o.Errors++
			case rules.Warning:
				o.Warnings++
			}
		}
		s.in.Outcomes = append(s.in.Outcomes, o)
		return &s.in.Outcomes[len(s.in.Outcomes)-1]
	}
	add(&rules.Rule{
		ID: "OP-08", Title: "A done operation has a result", Core: true, Level: rules.Seed, Quote: unbroken, Source: "CopyFromDesktop, operation.Operation",
		Exercise: "read an operation that is done", Guard: "none",
	}, rules.Pass, 3).Sensitivity = &rules.Sensitivity{Noticed: 20, Places: 20}
	add(&rules.Rule{
		ID: "OP-18", Title: "An operation never has both error and response", Core: true, Level: rules.Seed, Sees: wire,
		Quote: "Includes only one of the fields `error`, `response`.", Source: "CopyFromDesktop, operation.Operation", Exercise: "read an operation that has a result",
	}, rules.Fail, 4, rules.Finding{
		Kind:     rules.Error,
		Text:     "read #11 (17.000s to 17.002s): the bytes have both error and response; whichever of them a client's decoder keeps, another client's keeps the other",
		Evidence: []*trace.Event{two},
	})
	s.in.Outcomes[1].Found = []Found{{Finding: s.in.Outcomes[1].Findings[0], Shortest: []*trace.Event{two}}}
	add(&rules.Rule{
		ID: "LRO-01", Title: "A done operation stays done", Core: true, Level: rules.Implied, Quote: "If `true`, the operation is completed",
		Source: "CopyFromDesktop, operation.Operation.done", Exercise: "read an operation again after it was seen to be done",
	}, rules.Fail, 1, rules.Finding{
		Kind:     rules.Error,
		Text:     "read #9 (15.000s to 15.002s) and read #10 (15.100s to 15.102s): the first said done and the second, called after the first had returned, says that it is still in progress; no server can do both if done is final",
		Evidence: []*trace.Event{done, back},
	})
	s.in.Outcomes[2].Found = []Found{{
		Finding: s.in.Outcomes[2].Findings[0], Shortest: []*trace.Event{s.events[0], done, back},
		Note: "specify -run=\"TestServer\" -rapid.failfile=\"testdata/rapid/TestServer.fail\"",
	}}
	add(&rules.Rule{
		ID: "XP-02", Title: "JSON is written as ProtoJSON has it", Core: true, Level: rules.Implied, Sees: wire,
		Quote: "Message field names are mapped to lowerCamelCase and become JSON object keys.", Source: "protobuf.dev, ProtoJSON Format",
	}, rules.Warned, 1, rules.Finding{
		Kind:     rules.Warning,
		Text:     "read #12 (18.000s to 18.002s): storageSize is written as storage_size, and as a number",
		Evidence: []*trace.Event{json},
	})
	add(&rules.Rule{
		ID: "CXL-02", Title: "Cancel of a done operation changes nothing", Core: true, Level: rules.Implied, Quote: "completed",
		Exercise: "cancel an operation after it was seen to be done, and read it again",
	}, rules.Pass, 1).Sensitivity = &rules.Sensitivity{Noticed: 0, Places: 20, Missed: []string{"read #9 (15.000s to 15.002s)"}}
	add(&rules.Rule{
		ID: "LRO-13", Title: "An operation ends", Level: rules.Practice, Quote: "Operations end.", Source: "AIP-151", Exercise: "wait for an operation until it is done",
	}, rules.Inconclusive, 1, rules.Finding{Kind: rules.Unsure, Text: "after 10m0s the operation was still in progress"})
	add(&rules.Rule{
		ID: "IDM-02", Title: "One key makes one operation, even at once", Core: true, Level: rules.Guide, Quote: "q", Exercise: "start an operation 16 times at once with one key",
	}, rules.NotExercised, 0).Why = "keys-at-once was left out: it makes at least 16 images, more than the budget has left"
	add(&rules.Rule{ID: "REQ-01", Title: "desktop_id is required", Core: true, Level: rules.Seed, Quote: "q", Exercise: "start an operation without a desktop_id"}, rules.NotExercised, 0)
	for _, id := range []string{"ERR-01", "ERR-02", "ERR-09"} {
		add(&rules.Rule{ID: id, Title: "Calls end with a status", Core: id != "ERR-09", Level: rules.Implied, Quote: "q"}, rules.NotApplicable, 0).Reason = "the observer does not see frames and trailers"
	}
	s.in.Env, s.in.Driver, s.in.Protocols = s.env, optestv1.ConformanceReport_ACTIVE, []string{"grpc", "rest"}
	s.in.Calls, s.in.Events, s.in.Tool, s.in.Time = s.events, len(s.events), "optest v1.2.0", sampleStart.Add(time.Minute)
	s.in.Implementation = &optestv1.ConformanceReport_Implementation{Project: "desktopd", Version: "2.4.1", Url: "https://example.com/desktopd"}
	s.in.Used = &optestv1.ConformanceReport_Used{
		Wall: durationpb.New(21500 * time.Millisecond), Elapsed: durationpb.New(21500 * time.Millisecond), Requests: 14, Creates: 1, LeftBehind: []string{sampleImage},
	}
	s.in.Drift = []*optestv1.ConformanceReport_Drift{{Id: "D4", Text: "Cancel is GET in the proto files and POST in the API guide"}}
	s.in.Limits = []string{"the server does not speak gRPC-Web: it answers 415"}
}

func (s *sample) report() *optestv1.ConformanceReport { return newReport(s.in, s.table) }
