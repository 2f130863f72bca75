package trace

import (
	"fmt"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

var bodies = []*Blob{
	nil, NewBlob(nil), NewBlob([]byte("\n\x03abc")), NewBlob([]byte(`{"done":true,"id":"\"é\""}`)), NewBlob([]byte("<html>\n\x80")),
	CutBlob([]byte("abc"), 4000), CutBlob(nil, 7),
}

var texts = []string{"", "a", "yandex.cloud.operation.OperationService/Get", `"quoted" \ back`, "line\nbreak\ttab\r\x00\x1f\x7f", "größe 😀 \u2028", "0"}

func text(t *rapid.T, name string) string { return rapid.SampledFrom(texts).Draw(t, name) }

func enumOf[E ~int32](t *rapid.T, names map[int32]string, name string) E {
	return E(rapid.Int32Range(0, int32(len(names))).Draw(t, name)) // one that has no name, too
}

func drawFields(t *rapid.T, name string) Fields {
	n := rapid.IntRange(0, 3).Draw(t, name)
	var list Fields
	for range n {
		value := rapid.SampledFrom(append(texts, "\xff\xfe raw", "application/grpc", Redacted)).Draw(t, name+" value")
		list = append(list, Field{rapid.SampledFrom([]string{"content-type", "x-a", "x-b-bin", ""}).Draw(t, name+" name"), value})
	}
	return list
}

// drawEvent draws any event that a writer takes.
func drawEvent(t *rapid.T) *Event {
	e := &Event{
		Number:           rapid.Uint64Min(1).Draw(t, "number"),
		Called:           time.Duration(rapid.Int64Range(0, 1<<62).Draw(t, "called")),
		Timeout:          time.Duration(rapid.SampledFrom([]int64{0, 1, 1e9, 1500e6, 3600e9, -5}).Draw(t, "timeout")),
		Method:           text(t, "method"),
		HTTPRequest:      text(t, "http request"),
		HTTPStatus:       rapid.SampledFrom([]uint32{0, 200, 404, 1<<32 - 1}).Draw(t, "status"),
		Request:          rapid.SampledFrom(bodies).Draw(t, "request"),
		Response:         rapid.SampledFrom(bodies).Draw(t, "response"),
		RequestHeader:    drawFields(t, "request header"),
		ResponseHeader:   drawFields(t, "response header"),
		Trailer:          drawFields(t, "trailer"),
		Protocol:         enumOf[optestv1.Event_Protocol](t, optestv1.Event_Protocol_name, "protocol"),
		RequestCodec:     enumOf[optestv1.Event_Codec](t, optestv1.Event_Codec_name, "request codec"),
		ResponseCodec:    enumOf[optestv1.Event_Codec](t, optestv1.Event_Codec_name, "response codec"),
		RequestFidelity:  enumOf[optestv1.Event_Fidelity](t, optestv1.Event_Fidelity_name, "request fidelity"),
		ResponseFidelity: enumOf[optestv1.Event_Fidelity](t, optestv1.Event_Fidelity_name, "response fidelity"),
		Outcome:          optestv1.Event_Outcome(rapid.Int32Range(1, 4).Draw(t, "outcome")),
		Operation:        text(t, "operation"),
		Note:             text(t, "note"),
	}
	e.Returned = e.Called + time.Duration(rapid.SampledFrom([]int64{0, 1, 1000, 123456789, 1e9, 3600e9}).Draw(t, "took"))
	if rapid.Bool().Draw(t, "has caller") {
		e.Caller = &Caller{Connection: text(t, "connection"), Reader: text(t, "reader"), Peer: text(t, "peer"), Session: text(t, "session")}
	}
	if rapid.Bool().Draw(t, "has frames") {
		e.Frames = &Frames{
			Messages: rapid.Uint32Range(0, 3).Draw(t, "messages"), Compressed: rapid.Uint32Range(0, 3).Draw(t, "compressed"),
			Partial:  rapid.Uint32Range(0, 9).Draw(t, "partial"),
			Trailers: enumOf[optestv1.Event_Frames_Trailers](t, optestv1.Event_Frames_Trailers_name, "trailers"),
		}
		for range rapid.IntRange(0, 2).Draw(t, "further") {
			e.Frames.Further = append(e.Frames.Further, rapid.SampledFrom(bodies[1:]).Draw(t, "body"))
		}
	}
	if rapid.Bool().Draw(t, "has failure") {
		e.Failure = &Failure{
			Code: code.Code(rapid.SampledFrom([]int32{0, 1, 14, 16, 17, 404, -1}).Draw(t, "code")), Message: text(t, "message"),
			Details: []byte(text(t, "details")), Cause: enumOf[optestv1.Event_Failure_Cause](t, optestv1.Event_Failure_Cause_name, "cause"),
		}
	}
	if rapid.Bool().Draw(t, "has play") {
		e.Played = &Play{Scenario: text(t, "scenario"), Step: text(t, "step")}
		for range rapid.IntRange(0, 2).Draw(t, "faults") {
			e.Played.Faults = append(e.Played.Faults, AppliedFault{text(t, "fault"), text(t, "effect"), text(t, "from")})
		}
	}
	return e
}

// drawPolls draws what readers of a few operations see: answers repeat, times
// are even or not, headers change from call to call or not.
func drawPolls(t *rapid.T) []*Event {
	n := rapid.IntRange(0, 60).Draw(t, "polls")
	even := rapid.Bool().Draw(t, "even")
	readers := rapid.IntRange(1, 3).Draw(t, "readers")
	callers := []*Caller{{Reader: "a"}, {Reader: "b"}, {Reader: "b"}}
	number := rapid.Uint64Range(1, 1<<40).Draw(t, "first")
	now := time.Duration(0)
	var events []*Event
	for i := range n {
		e := &Event{
			Number: number, Called: now, Returned: now + time.Millisecond, Method: "s/Get", Outcome: optestv1.Event_OK,
			Caller: callers[i%readers], Request: bodies[2], Response: bodies[3],
			ResponseHeader: Fields{{"content-type", "application/grpc"}, {"date", "today"}},
		}
		if !even {
			e.Returned += time.Duration(rapid.IntRange(-1000, 1000).Draw(t, "jitter"))
			e.Timeout = time.Duration(rapid.IntRange(0, 3).Draw(t, "timeout"))
			e.ResponseHeader = Fields{e.ResponseHeader[0], {"date", text(t, "date")}}
			e.Trailer = rapid.SampledFrom([]Fields{nil, {{"x", "1"}}, {{"x", "2"}}, {{"x", "\xff"}}}).Draw(t, "trailer")
			e.Response = rapid.SampledFrom(bodies).Draw(t, "response")
			number += rapid.Uint64Range(0, 3).Draw(t, "skipped")
		}
		events = append(events, e)
		number++
		now += time.Second
	}
	return events
}

func header() *optestv1.TraceHeader {
	return &optestv1.TraceHeader{
		Tool: "optest test", Observer: optestv1.TraceHeader_CLIENT, Name: "test", Start: &timestamppb.Timestamp{Seconds: 1_700_000_000},
		Clock: optestv1.TraceHeader_MONOTONIC, Sees: []optestv1.TraceHeader_Sight{optestv1.TraceHeader_CONTENT, optestv1.TraceHeader_RAW},
	}
}

// blobsOf returns every blob of the events by its id.
func blobsOf(events ...*Event) func(ID) *Blob {
	all := map[ID]*Blob{}
	for _, e := range events {
		list := []*Blob{e.Request, e.Response}
		if e.Frames != nil {
			list = append(list, e.Frames.Further...)
		}
		for _, b := range list {
			if b != nil {
				all[b.ID()] = b
			}
		}
	}
	return func(id ID) *Blob { return all[id] }
}

// differ describes the first difference of two lists of events.
func differ(got, want []*Event) string {
	for i := range max(len(got), len(want)) {
		switch {
		case i == len(got):
			return fmt.Sprintf("got %d events, want %d: the next is %+v", len(got), len(want), *want[i])
		case i == len(want):
			return fmt.Sprintf("got %d events, want %d: beyond is %+v", len(got), len(want), *got[i])
		case !got[i].Equal(want[i]):
			return fmt.Sprintf("event %d of %d: got %+v, want %+v", i, len(want), *got[i], *want[i])
		}
	}
	return ""
}
