package main

import (
	"fmt"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// start is when traffic begins.
var start = time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)

// header is that of a proxy which sees everything.
func header() *optestv1.TraceHeader {
	return &optestv1.TraceHeader{
		Version: trace.Version, Observer: optestv1.TraceHeader_PROXY, Name: "bench", Start: timestamppb.New(start), Clock: optestv1.TraceHeader_MONOTONIC, Profile: "strong",
		Sees: []optestv1.TraceHeader_Sight{
			optestv1.TraceHeader_CONTENT, optestv1.TraceHeader_RAW, optestv1.TraceHeader_METADATA, optestv1.TraceHeader_HEADERS, optestv1.TraceHeader_FRAMES, optestv1.TraceHeader_ALL_WRITERS,
		},
	}
}

// traffic is what a proxy sees of clients that start operations and poll them until
// they are done: so many at a time, each with so many polls.
type traffic struct {
	store  *trace.Store
	emit   func(*trace.Event)
	number uint64
	now    time.Duration
}

func newTraffic(emit func(*trace.Event)) *traffic {
	return &traffic{store: trace.NewStore(0), emit: emit}
}

const (
	createMethod = "yandex.cloud.clouddesktop.v1.api.DesktopImageService/CopyFromDesktop"
	getMethod    = "yandex.cloud.operation.OperationService/Get"
)

var (
	unary   = &trace.Frames{Messages: 1, Trailers: optestv1.Event_Frames_AFTER}
	callers = []*trace.Caller{{Connection: "c1", Peer: "192.0.2.1:50001"}, {Connection: "c2", Peer: "192.0.2.2:50002"}, {Connection: "c3", Peer: "192.0.2.3:50003"}}
)

// life is an operation as it is at the moment.
type life struct {
	n      int
	op     *operation.Operation
	blob   *trace.Blob // of op
	asked  *trace.Blob // of a poll
	caller *trace.Caller
}

// play makes n operations, of which so many live at once.
func (t *traffic) play(n, atOnce, polls int) {
	for first := 0; first < n; first += atOnce {
		var lives []*life
		for i := first; i < min(n, first+atOnce); i++ {
			lives = append(lives, t.create(i))
		}
		for p := range polls {
			for _, l := range lives {
				switch p {
				case polls / 3:
					t.change(l, func(op *operation.Operation) { op.Description = "Copying the disk" })
				case polls * 2 / 3:
					t.change(l, t.succeed(l))
				}
				t.call(getMethod, l.caller, l.asked, l.blob)
			}
		}
	}
}

func packed(m proto.Message) *anypb.Any {
	a, err := anypb.New(m)
	if err != nil {
		panic(err) // messages of ours can be packed
	}
	return a
}

func (t *traffic) encoded(m proto.Message) *trace.Blob {
	raw, err := proto.Marshal(m)
	if err != nil {
		panic(err) // messages of ours can be encoded
	}
	return t.store.Blob(raw)
}

func (t *traffic) create(n int) *life {
	stamp := timestamppb.New(start.Add(t.now + time.Millisecond))
	l := &life{n: n, caller: callers[n%len(callers)], op: &operation.Operation{
		Id: fmt.Sprintf("fv4%017d", n), Description: "Copy an image from a desktop", CreatedAt: stamp, ModifiedAt: stamp, CreatedBy: "aje0bench0caller0000",
		Metadata: packed(&clouddesktop.CopyFromDesktopMetadata{ImageId: fmt.Sprintf("fdv%017d", n)}),
	}}
	l.blob = t.encoded(l.op)
	l.asked = t.encoded(&operation.GetOperationRequest{OperationId: l.op.GetId()})
	t.call(createMethod, l.caller, t.encoded(&clouddesktop.CopyFromDesktopRequest{FolderId: "b1gbench", Name: fmt.Sprint("image-", n), DesktopId: "desktop"}), l.blob)
	return l
}

func (t *traffic) change(l *life, change func(*operation.Operation)) {
	l.op = proto.CloneOf(l.op)
	l.op.ModifiedAt = timestamppb.New(start.Add(t.now + time.Millisecond))
	change(l.op)
	l.blob = t.encoded(l.op)
}

func (t *traffic) succeed(l *life) func(*operation.Operation) {
	return func(op *operation.Operation) {
		op.Done = true
		op.Result = &operation.Operation_Response{Response: packed(&clouddesktop.DesktopImage{
			Id: fmt.Sprintf("fdv%017d", l.n), FolderId: "b1gbench", Name: fmt.Sprint("image-", l.n), CreatedAt: op.GetCreatedAt(), Status: clouddesktop.DesktopImage_ACTIVE,
			StorageSize: 10 << 30, MinDiskSize: 64 << 30,
		})}
	}
}

// call records a call of 2 ms, each with an id of its own in the answer's header.
func (t *traffic) call(method string, caller *trace.Caller, request, response *trace.Blob) {
	t.number++
	t.now += 3 * time.Millisecond
	t.emit(&trace.Event{
		Number: t.number, Called: t.now, Returned: t.now + 2*time.Millisecond, Timeout: 10 * time.Second, Caller: caller,
		Method: method, Protocol: optestv1.Event_GRPC, HTTPStatus: 200, Frames: unary, Outcome: optestv1.Event_OK,
		Request: request, RequestCodec: optestv1.Event_PROTO, Response: response, ResponseCodec: optestv1.Event_PROTO,
		RequestHeader: t.store.Fields(trace.Fields{
			{Name: "authorization", Value: trace.Redacted},
			{Name: "content-type", Value: "application/grpc"},
			{Name: "grpc-timeout", Value: "10S"},
			{Name: "te", Value: "trailers"},
			{Name: "user-agent", Value: "yandex-cloud-sdk/2.188.0 grpc-go/1.85.0"},
		}),
		ResponseHeader: t.store.Fields(trace.Fields{
			{Name: "content-type", Value: "application/grpc"},
			{Name: "date", Value: start.Add(t.now).Format("Mon, 02 Jan 2006 15:04:05") + " GMT"},
			{Name: "x-request-id", Value: fmt.Sprintf("4bf92f3577b34da6-%016x", t.number)},
		}),
		Trailer: t.store.Fields(trace.Fields{{Name: "grpc-status", Value: "0"}}),
	})
}
