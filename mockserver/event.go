package mockserver

import (
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"connectrpc.com/connect/v2"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/optest-dev/optest/mockserver/internal/rest"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// event is the call in the form in which observers hand calls on. Its times count
// from start.
func (c Call) event(session string, start time.Time) *trace.Event {
	e := &trace.Event{
		Number:         c.Number,
		Called:         c.Begin.Sub(start),
		Returned:       c.End.Sub(start),
		Caller:         &trace.Caller{Peer: c.Peer, Connection: c.Peer, Session: session},
		Protocol:       eventProtocol(c.Protocol),
		Method:         c.Method,
		HTTPRequest:    c.HTTPRequest,
		RequestHeader:  fieldsOf(c.Header),
		ResponseHeader: fieldsOf(c.ResponseHeader),
		Trailer:        fieldsOf(c.ResponseTrailer),
		HTTPStatus:     uint32(c.HTTPStatus),
		Timeout:        c.timeout(),
		Operation:      c.Operation,
		Outcome:        optestv1.Event_OK,
	}
	if e.Protocol == optestv1.Event_OTHER {
		e.Method = ""
	}
	switch {
	case c.Broken:
		e.Outcome, e.Failure = optestv1.Event_INDETERMINATE, &trace.Failure{Cause: optestv1.Event_Failure_RESET}
	case c.Code != 0:
		e.Outcome, e.Failure = optestv1.Event_FAILED, c.failure()
	}
	if c.Scenario != "" || len(c.Faults) > 0 {
		e.Played = &trace.Play{Scenario: c.Scenario, Step: c.Step}
		for _, f := range c.Faults {
			e.Played.Faults = append(e.Played.Faults, trace.AppliedFault(f))
		}
	}
	if c.Withheld {
		e.RequestFidelity, e.ResponseFidelity = optestv1.Event_WITHHELD, optestv1.Event_WITHHELD
		return e
	}
	if c.RequestBytes != nil {
		e.Request, e.RequestCodec = trace.NewBlob(c.RequestBytes), eventCodec(c.Codec)
	}
	if c.ResponseBytes != nil {
		e.Response, e.ResponseCodec = trace.NewBlob(c.ResponseBytes), eventCodec(c.Codec)
		if c.Foreign {
			e.ResponseCodec = optestv1.Event_FOREIGN
		}
	}
	return e
}

// timeout is what the client has said that it gives the call, 0 without.
func (c Call) timeout() time.Duration {
	text, unit := c.Header.Get("Connect-Timeout-Ms"), time.Millisecond
	if text == "" {
		text = c.Header.Get("Grpc-Timeout")
		if text == "" {
			return 0
		}
		unit = map[byte]time.Duration{
			'H': time.Hour, 'M': time.Minute, 'S': time.Second, 'm': time.Millisecond, 'u': time.Microsecond, 'n': time.Nanosecond,
		}[text[len(text)-1]]
		text = text[:len(text)-1]
	}
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || unit == 0 || n > uint64(math.MaxInt64/unit) {
		return 0
	}
	return time.Duration(n) * unit
}

func (c Call) failure() *trace.Failure {
	f := &trace.Failure{Code: code.Code(c.Code), Message: c.Message}
	if len(c.Details) > 0 {
		// What was sent can be encoded.
		f.Details, _ = proto.Marshal(&status.Status{Code: int32(c.Code), Message: c.Message, Details: c.Details})
	}
	return f
}

func fieldsOf(header http.Header) trace.Fields {
	var list trace.Fields
	for _, name := range slices.Sorted(maps.Keys(header)) {
		for _, value := range header[name] {
			list = append(list, trace.Field{Name: strings.ToLower(name), Value: value})
		}
	}
	return list
}

func eventCodec(name string) optestv1.Event_Codec {
	if name == connect.CodecNameJSON {
		return optestv1.Event_JSON
	}
	return optestv1.Event_PROTO
}

func eventProtocol(name string) optestv1.Event_Protocol {
	switch name {
	case connect.ProtocolNameGRPC:
		return optestv1.Event_GRPC
	case connect.ProtocolNameGRPCWeb:
		return optestv1.Event_GRPC_WEB
	case connect.ProtocolNameConnect:
		return optestv1.Event_CONNECT
	case rest.ProtocolName:
		return optestv1.Event_REST
	}
	return optestv1.Event_OTHER
}
