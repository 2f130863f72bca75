package trace

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"time"

	binlogpb "google.golang.org/grpc/binarylog/grpc_binarylog_v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// logOf is a log as grpc-go writes it.
func logOf(entries ...*binlogpb.GrpcLogEntry) []byte {
	var log []byte
	for _, e := range entries {
		data, err := proto.Marshal(e)
		if err != nil {
			panic(err)
		}
		log = append(binary.BigEndian.AppendUint32(log, uint32(len(data))), data...)
	}
	return log
}

func stamp(at time.Duration) *timestamppb.Timestamp {
	return timestamppb.New(time.Unix(1_700_000_000, 0).Add(at))
}

// call is the entries of a call that a client made: one every second from the
// one of its id on.
func call(id uint64, method string, status uint32) []*binlogpb.GrpcLogEntry {
	metadata := func(key, value string) *binlogpb.Metadata {
		return &binlogpb.Metadata{Entry: []*binlogpb.MetadataEntry{{Key: key, Value: []byte(value)}}}
	}
	message := func(text string) *binlogpb.GrpcLogEntry_Message {
		return &binlogpb.GrpcLogEntry_Message{Message: &binlogpb.Message{Length: uint32(len(text)), Data: []byte(text)}}
	}
	entries := []*binlogpb.GrpcLogEntry{
		{
			Type: binlogpb.GrpcLogEntry_EVENT_TYPE_CLIENT_HEADER,
			Payload: &binlogpb.GrpcLogEntry_ClientHeader{ClientHeader: &binlogpb.ClientHeader{
				MethodName: method, Metadata: metadata("x-token", "hush"), Timeout: durationpb.New(3 * time.Second),
			}},
		},
		{Type: binlogpb.GrpcLogEntry_EVENT_TYPE_CLIENT_MESSAGE, Payload: message("\n\x01a")},
		{Type: binlogpb.GrpcLogEntry_EVENT_TYPE_CLIENT_HALF_CLOSE},
		{
			Type:    binlogpb.GrpcLogEntry_EVENT_TYPE_SERVER_HEADER,
			Payload: &binlogpb.GrpcLogEntry_ServerHeader{ServerHeader: &binlogpb.ServerHeader{Metadata: metadata("x-operation-poll-interval", "5")}},
			Peer:    &binlogpb.Address{Type: binlogpb.Address_TYPE_IPV4, Address: "127.0.0.1", IpPort: 443},
		},
		{Type: binlogpb.GrpcLogEntry_EVENT_TYPE_SERVER_MESSAGE, Payload: message("\n\x01b")},
		{
			Type: binlogpb.GrpcLogEntry_EVENT_TYPE_SERVER_TRAILER,
			Payload: &binlogpb.GrpcLogEntry_Trailer{Trailer: &binlogpb.Trailer{
				StatusCode: status, StatusMessage: strings.Repeat("down", int(status)), Metadata: metadata("x-end", "1"),
			}},
		},
	}
	for i, e := range entries {
		e.CallId, e.SequenceIdWithinCall, e.Logger = id, uint64(i+1), binlogpb.GrpcLogEntry_LOGGER_CLIENT
		e.Timestamp = stamp(time.Duration(id)*time.Second + time.Duration(i)*time.Second)
	}
	return entries
}

func TestCallOfABinaryLog(t *testing.T) {
	traces, err := ReadBinaryLog(bytes.NewReader(logOf(call(1, "/s/Get", 0)...)), "x", nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(traces) != 1 || len(traces[0].Events) != 1 || len(traces[0].Gaps) != 0 {
		t.Fatalf("got %v, want a trace of one event", traces)
	}
	h := traces[0].Header
	if h.GetObserver() != optestv1.TraceHeader_CLIENT || h.GetClock() != optestv1.TraceHeader_WALL || !h.GetStart().AsTime().Equal(stamp(time.Second).AsTime()) {
		t.Errorf("got header %v", h)
	}
	want := &Event{
		Number: 1, Returned: 5 * time.Second, Timeout: 3 * time.Second, Caller: &Caller{Peer: "127.0.0.1:443"}, Method: "s/Get",
		Protocol: optestv1.Event_GRPC, RequestCodec: optestv1.Event_PROTO, ResponseCodec: optestv1.Event_PROTO,
		Request: NewBlob([]byte("\n\x01a")), Response: NewBlob([]byte("\n\x01b")),
		RequestHeader: Fields{{"x-token", Redacted}}, ResponseHeader: Fields{{"x-operation-poll-interval", "5"}}, Trailer: Fields{{"x-end", "1"}},
		Outcome: optestv1.Event_OK,
	}
	if d := differ(traces[0].Events, []*Event{want}); d != "" {
		t.Error(d)
	}
	if Sees(h, optestv1.TraceHeader_RAW, optestv1.TraceHeader_FRAMES) || !Sees(h, optestv1.TraceHeader_RAW) || !Sees(h) {
		t.Errorf("a log sees %v, want RAW and not FRAMES", h.GetSees())
	}
}

func TestOddCallsOfABinaryLog(t *testing.T) {
	cancel := func(id uint64, at time.Duration) *binlogpb.GrpcLogEntry {
		return &binlogpb.GrpcLogEntry{
			CallId: id, SequenceIdWithinCall: 5, Type: binlogpb.GrpcLogEntry_EVENT_TYPE_CANCEL, Logger: binlogpb.GrpcLogEntry_LOGGER_CLIENT, Timestamp: stamp(at),
		}
	}
	for _, tt := range []struct {
		name    string
		entries []*binlogpb.GrpcLogEntry
		want    string // the event's line
		gap     string // the reason of the first
	}{
		{"failed", call(1, "/s/Get", 14), `#1 0.000s +5s GRPC s.Get UNAVAILABLE "` + strings.Repeat("down", 14) + `"`, ""},
		{"unknown code", call(1, "/s/Get", 17), `#1 0.000s +5s GRPC s.Get code 17 "` + strings.Repeat("down", 17) + `"`, ""},
		{
			"reached nobody", func() []*binlogpb.GrpcLogEntry {
				c := call(1, "/s/Get", 14)
				c[5].SequenceIdWithinCall = 4
				return append(c[:3:3], c[5])
			}(), `#1 0.000s +5s GRPC s.Get INDETERMINATE (LOCAL_ERROR) "` + strings.Repeat("down", 14) + `"`, "",
		},
		{"cancelled", append(call(1, "/s/Get", 0)[:4], cancel(1, 3500*time.Millisecond)), `#1 0.000s +2.5s GRPC s.Get INDETERMINATE (CANCELLED)`, ""},
		{"timed out", append(call(1, "/s/Get", 0)[:4], cancel(1, 4*time.Second)), `#1 0.000s +3s GRPC s.Get INDETERMINATE (TIMEOUT)`, ""},
		{"unfinished", call(1, "/s/Get", 0)[:5], `#1 0.000s +4s GRPC s.Get INDETERMINATE (UNFINISHED)`, ""},
		{
			"entries missing", append(call(1, "/s/Get", 0)[:1], call(1, "/s/Get", 0)[4:]...),
			`#1 0.000s +5s GRPC s.Get OK note: 3 entries of the call are missing`, "",
		},
		{
			"out of order", func() []*binlogpb.GrpcLogEntry {
				c := call(1, "/s/Get", 0)
				c[2], c[3], c[4] = c[4], c[2], c[3]
				return c
			}(), `#1 0.000s +5s GRPC s.Get OK`, "the clock was set back",
		},
		{
			"begin missing", append(call(7, "/s/Get", 0)[1:], call(1, "/s/Get", 0)...),
			`#1 0.000s +5s GRPC s.Get OK`, "the clock was set back",
		},
		{
			"metadata cut", func() []*binlogpb.GrpcLogEntry {
				c := call(1, "/s/Get", 0)
				c[0].PayloadTruncated, c[3].PayloadTruncated, c[4].PayloadTruncated = true, true, true
				return c
			}(), `#1 0.000s +5s GRPC s.Get OK note: not all metadata was logged`, "",
		},
		{
			"stream", func() []*binlogpb.GrpcLogEntry {
				c := call(1, "/s/Get", 0)
				c[1].SequenceIdWithinCall, c[2].SequenceIdWithinCall = 0, 0
				return append(append(c[:2:2], c[1], c[4], c[4]), c[3:]...)
			}(), `#1 0.000s +5s GRPC s.Get OK note: further request messages are left out; further response messages are left out`, "",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			traces, err := ReadBinaryLog(bytes.NewReader(logOf(tt.entries...)), "x", nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := traces[0].Events[0].String(); got != tt.want {
				t.Errorf("\ngot  %s\nwant %s", got, tt.want)
			}
			gap := ""
			if len(traces[0].Gaps) > 0 {
				gap = traces[0].Gaps[0].GetReason()
			}
			if gap != tt.gap {
				t.Errorf("got gap %q, want %q", gap, tt.gap)
			}
		})
	}
}

// Of what is cut no rule may judge the bytes.
func TestCutMessagesOfABinaryLog(t *testing.T) {
	c := call(1, "/s/Get", 0)
	c[4].GetMessage().Length = 1000
	traces, err := ReadBinaryLog(bytes.NewReader(logOf(c...)), "x", nil)
	if err != nil {
		t.Fatal(err)
	}
	e := traces[0].Events[0]
	if !e.Response.Cut() || e.Response.Length() != 1000 || e.Request.Cut() {
		t.Errorf("got %d of %d bytes, want it cut", len(e.Response.Bytes()), e.Response.Length())
	}
}

func TestBothSidesAreKeptApart(t *testing.T) {
	server := call(2, "/s/Get", 0)
	for _, e := range server {
		e.Logger = binlogpb.GrpcLogEntry_LOGGER_SERVER
	}
	traces, err := ReadBinaryLog(bytes.NewReader(logOf(append(server, call(1, "/s/Get", 0)...)...)), "x", nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(traces) != 2 || traces[0].Header.GetObserver() != optestv1.TraceHeader_CLIENT || traces[1].Header.GetObserver() != optestv1.TraceHeader_SERVER {
		t.Errorf("got %v, want the client's and the server's", traces)
	}
	merged, err := Merge(traces...)
	if err != nil || len(merged) != 2 {
		t.Errorf("got %v, %v, want two traces", merged, err)
	}
}

func TestDamagedBinaryLog(t *testing.T) {
	whole := logOf(append(call(1, "/s/Get", 0), call(2, "/s/Get", 0)...)...)
	change := func(f func(e *binlogpb.GrpcLogEntry)) []byte {
		entries := append(call(1, "/s/Get", 0), call(2, "/s/Get", 0)...)
		f(entries[6])
		return logOf(entries...)
	}
	for _, tt := range []struct {
		name string
		log  []byte
		want string
	}{
		{"cut", whole[:len(whole)-1], "x: entry 12: the log ends in the middle of it: its writer was interrupted; what is before is whole"},
		{"cut length", append(bytes.Clone(whole), 0, 0), "x: entry 13: the log ends in the middle of it: its writer was interrupted; what is before is whole"},
		{"long", append(bytes.Clone(whole), "GET / HTTP/1.1"...), "x: entry 13: has 1195725856 bytes, want at most 16777216: this may be no gRPC binary log"},
		{"garbage", append(bytes.Clone(whole), 0, 0, 0, 1, 0xff), "x: entry 13: is no entry of grpc.binarylog.v1: cannot parse invalid wire-format data"},
		{
			"no stamp", change(func(e *binlogpb.GrpcLogEntry) { e.Timestamp = nil }),
			"x: entry 7: has no valid timestamp: invalid nil Timestamp",
		},
		{
			"odd stamp", change(func(e *binlogpb.GrpcLogEntry) { e.Timestamp.Seconds = 253402300799 }),
			"x: entry 7: is stamped 9999-12-31T23:59:59Z, want a time within 100 years of the first entry's 2023-11-14T22:13:21Z",
		},
		{
			"no logger", change(func(e *binlogpb.GrpcLogEntry) { e.Logger = 0 }),
			"x: entry 7: is of logger LOGGER_UNKNOWN, want LOGGER_CLIENT or LOGGER_SERVER",
		},
		{
			"two processes", append(logOf(call(1, "/s/Get", 0)[:3]...), whole...),
			"x: entry 4: begins call 1, which is under way, want the log of one process",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			traces, err := ReadBinaryLog(bytes.NewReader(tt.log), "x", nil)
			if err == nil || err.Error() != tt.want {
				t.Errorf("\ngot  %v\nwant %s", err, tt.want)
			}
			if errors.Is(err, ErrTruncated) != strings.HasPrefix(tt.name, "cut") {
				t.Errorf("got %v, want it marked as truncated or not", err)
			}
			if len(traces) != 1 || len(traces[0].Events) == 0 {
				t.Errorf("got %v, want what is before the damage", traces)
			}
		})
	}
	if traces, err := ReadBinaryLog(strings.NewReader(""), "x", nil); err != nil || len(traces) != 0 {
		t.Errorf("got %v, %v, want nothing from an empty log", traces, err)
	}
}

// A log with more calls under way than a joiner keeps gives up the oldest.
func TestManyOpenCalls(t *testing.T) {
	j := newJoiner("x", nil)
	for id := range uint64(maxCalls + 10) {
		if err := j.join(call(id+1, "/s/Get", 0)[0]); err != nil {
			t.Fatal(err)
		}
	}
	traces := j.traces()
	if len(traces[0].Events) != maxCalls+10 || len(traces[0].Gaps) != 1 ||
		traces[0].Gaps[0].GetReason() != "10 calls were given up because too many were under way" {
		t.Errorf("got %d events and gaps %v", len(traces[0].Events), traces[0].Gaps)
	}
}
