package trace

import (
	"bytes"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// earlyError is the trace in testdata: an operation that fails early, read over
// gRPC and REST by two readers, with a fault, a cancelled call and a gap.
func earlyError() *Trace {
	const (
		service = "yandex.cloud.operation.OperationService/"
		id      = "fv400000000000000001"
		html    = "<html>\n  <h1>502 Bad Gateway</h1>\n</html>\n"
	)
	a := &Caller{Connection: "1", Reader: "a", Peer: "127.0.0.1:50001"}
	b := &Caller{Connection: "2", Reader: "b", Peer: "127.0.0.1:50002"}
	unary := &Frames{Messages: 1, Trailers: optestv1.Event_Frames_AFTER}
	asked := Fields{{"authorization", Redacted}, {"content-type", "application/grpc"}, {"user-agent", "grpc-go/1.85.0"}}
	answered := func(requestID string) Fields {
		return Fields{{"content-type", "application/grpc"}, {"x-request-id", requestID}}
	}
	ended := Fields{{"grpc-status", "0"}}
	get := NewBlob([]byte("\n\x14" + id))
	running := NewBlob([]byte("\n\x14" + id + "\x1a\x0b\b\x80\x92\xb8\xc3\x98\xfe\xff\xff\xff\x01"))
	failing := NewBlob([]byte("\n\x14" + id + "B\x1b\b\b\x12\x17Image quota is exceeded"))
	poll := func(number uint64, c *Caller, at time.Duration, response *Blob, requestID string) *Event {
		return &Event{
			Number: number, Called: at, Returned: at + 1500*time.Microsecond, Timeout: 10 * time.Second, Caller: c,
			Method: service + "Get", Protocol: optestv1.Event_GRPC, HTTPStatus: 200, Frames: unary, Outcome: optestv1.Event_OK, Operation: id,
			Request: get, RequestCodec: optestv1.Event_PROTO, RequestHeader: asked,
			Response: response, ResponseCodec: optestv1.Event_PROTO, ResponseHeader: answered(requestID), Trailer: ended,
		}
	}
	create := poll(1, a, 0, running, "r-01")
	create.Method = "yandex.cloud.clouddesktop.v1.api.DesktopImageService/CopyFromDesktop"
	create.Request = NewBlob([]byte("\x1a\x03b1gB\vearly-error"))
	create.Played = &Play{Scenario: "early-error"}

	unavailable := poll(7, a, 15*time.Second, nil, "r-07")
	unavailable.ResponseHeader = Fields{{"content-type", "application/grpc"}, {"grpc-status", "14"}, {"grpc-message", "restarting"}}
	unavailable.Trailer, unavailable.Frames = nil, &Frames{Trailers: optestv1.Event_Frames_ONLY}
	unavailable.Outcome, unavailable.Failure = optestv1.Event_FAILED, &Failure{Code: code.Code_UNAVAILABLE, Message: "restarting"}
	unavailable.Played = &Play{"early-error", "running@0s", []AppliedFault{{"burst", "status", "early-error"}}}

	rest := &Event{
		Number: 9, Called: 21 * time.Second, Returned: 21*time.Second + 900*time.Microsecond, Caller: b,
		Method: service + "Get", HTTPRequest: "GET /operations/" + id, Protocol: optestv1.Event_REST, HTTPStatus: 200,
		RequestFidelity: optestv1.Event_REENCODED, Request: get, RequestCodec: optestv1.Event_PROTO,
		Response:      NewBlob([]byte(`{"id":"` + id + `","error":{"code":8,"message":"Image quota is exceeded"}}`)),
		ResponseCodec: optestv1.Event_JSON, ResponseHeader: Fields{{"content-type", "application/json"}},
		Outcome: optestv1.Event_OK, Operation: id,
	}
	gateway := poll(10, b, 22*time.Second, NewBlob([]byte(html)), "r-10")
	gateway.HTTPStatus, gateway.ResponseCodec, gateway.ResponseHeader = 502, optestv1.Event_FOREIGN, Fields{{"content-type", "text/html"}}
	gateway.Trailer, gateway.Frames = nil, &Frames{Trailers: optestv1.Event_Frames_MISSING}
	gateway.Outcome, gateway.Failure = optestv1.Event_FAILED, &Failure{Code: code.Code_UNAVAILABLE, Message: "unexpected HTTP status code 502"}

	cancelled := poll(11, a, 23*time.Second, nil, "")
	cancelled.ResponseHeader, cancelled.Trailer, cancelled.Frames, cancelled.HTTPStatus = nil, nil, nil, 0
	cancelled.ResponseFidelity = optestv1.Event_UNSEEN
	cancelled.Outcome, cancelled.Failure = optestv1.Event_INDETERMINATE, &Failure{Message: "context canceled", Cause: optestv1.Event_Failure_CANCELLED}

	return &Trace{
		Header: &optestv1.TraceHeader{
			Version: "1.0", Tool: "optest v0.3.0", Observer: optestv1.TraceHeader_PROXY, Name: "proxy", Target: "http://127.0.0.1:50051",
			Start: timestamppb.New(time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)), Clock: optestv1.TraceHeader_MONOTONIC,
			Sees: []optestv1.TraceHeader_Sight{
				optestv1.TraceHeader_CONTENT, optestv1.TraceHeader_RAW, optestv1.TraceHeader_METADATA, optestv1.TraceHeader_HEADERS, optestv1.TraceHeader_FRAMES,
			},
			Profile: "strong", Seed: 7,
		},
		Gaps: []*optestv1.Gap{{
			Kind: optestv1.Gap_UNTIMED, From: durationpb.New(17 * time.Second), Until: durationpb.New(17600 * time.Millisecond), Reason: "the observer was stalled",
		}},
		Events: []*Event{
			create,
			poll(2, a, 5*time.Second, running, "r-02"),
			poll(3, b, 5100*time.Millisecond, running, "r-03"),
			poll(4, a, 10*time.Second, running, "r-04"),
			poll(5, b, 10300*time.Millisecond, running, "r-05"),
			poll(6, b, 14*time.Second, running, "r-06"),
			unavailable,
			poll(8, a, 20*time.Second, failing, "r-08"),
			rest, gateway, cancelled,
		},
	}
}

const golden = "testdata/early-error.jsonl"

// Files of version 1.0 stay readable, to the last field.
func TestGoldenFileIsRead(t *testing.T) {
	traces, err := Load(golden, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := earlyError()
	if len(traces) != 1 {
		t.Fatalf("got %d traces, want 1", len(traces))
	}
	got := traces[0]
	if d := differ(got.Events, want.Events); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(want.Header, got.Header, protocmp.Transform()); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(want.Gaps, got.Gaps, protocmp.Transform()); d != "" {
		t.Error(d)
	}
}

// What is written today is what was written then, byte for byte, so that files
// under version control don't change by being written again.
func TestGoldenFileIsWritten(t *testing.T) {
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := earlyError().Write(&got); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("got another file than %s:\n%s", golden, &got)
	}
}
