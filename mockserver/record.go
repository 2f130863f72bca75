package mockserver

import (
	"net/http"
	"slices"
	"sync"
	"time"

	"connectrpc.com/connect/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/optest-dev/optest/mockserver/internal/breakage"
	"github.com/optest-dev/optest/mockserver/internal/rest"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// record is what the journal keeps of a call; see Call for its fields. A journal
// has thousands of them.
type record struct {
	Number                    uint64
	Begin, End                time.Time
	Method, Protocol          string
	Codec, Peer               string
	Code                      codes.Code
	Phase                     optestv1.Fault_Phase
	HTTPStatus                int32
	Withheld, Foreign, Broken bool
	Message                   string
	Details                   []*anypb.Any
	Operation, Scenario, Step string
	Faults                    []AppliedFault
	verb, target              string       // of a request over REST, or of one that is a call of nothing
	asked                     trace.Fields // the request's header, secrets blanked
	added, trailer            trace.Fields // what the service has added to the answer
	packed                    packed
	moved                     time.Duration // see journal.moved
}

// records that journals have forgotten are used again, so that a full journal
// costs the garbage collector nothing.
var records = sync.Pool{New: func() any { return new(record) }}

func newRecord() *record { return records.Get().(*record) }

// What a record that is used again may keep room for.
const (
	keptFields  = 64
	keptEncoded = 4 << 10 // bytes
)

// reuse takes a record that nobody looks at any more.
func (r *record) reuse() {
	next := record{asked: emptied(r.asked), added: emptied(r.added), trailer: emptied(r.trailer)}
	if cap(r.packed.bytes) <= keptEncoded {
		next.packed.bytes = r.packed.bytes[:0]
	}
	*r = next
	records.Put(r)
}

func emptied(list trace.Fields) trace.Fields {
	if cap(list) > keptFields {
		return nil
	}
	clear(list)
	return list[:0]
}

// requestSink and responseSink take a call's messages in while they are encoded
// and decoded.
type (
	requestSink  record
	responseSink record
)

// A request has one message: what comes after it is refused.
func (r *requestSink) Saw(raw []byte) {
	if !r.packed.has[partRequest] {
		r.packed.append(partRequest, raw)
	}
}

func (r *responseSink) Saw(raw []byte) { r.packed.append(partResponse, raw) }

// receives is what to receive into, for m to be received.
func (c *call) receives(m any) any {
	c.tapped = rest.Tapped{Message: m, Sink: (*requestSink)(c.record)}
	return &c.tapped
}

// sends is what to send for m.
func (c *call) sends(m any) any {
	c.tapped = rest.Tapped{Message: m, Sink: (*responseSink)(c.record)}
	return &c.tapped
}

// compose keeps of a request what its body does not say.
func (r *record) compose(m proto.Message) {
	if r.Protocol != rest.ProtocolName {
		if !r.packed.has[partRequest] {
			// A frame without content: Connect decodes none, in JSON either.
			r.packed.append(partRequest, nil)
			r.packed.append(partComposed, nil)
		}
		return
	}
	if encoded, err := proto.Marshal(m); err == nil { // it was decoded
		r.packed.append(partComposed, encoded)
	}
}

// outcome is what has become of an answer with a fault.
func (r *record) outcome(sent breakage.Sent) {
	r.HTTPStatus, r.Broken = int32(sent.Status), sent.Broken
	redactor := new(trace.Redactor)
	r.added, r.trailer = redactor.AppendMap(emptied(r.added), sent.Header), redactor.AppendMap(emptied(r.trailer), sent.Trailer)
	if sent.Message != nil && !r.Withheld {
		r.packed.drop(partResponse)
		r.packed.append(partResponse, sent.Message)
		r.Foreign = sent.Foreign
	}
}

// size is what a record takes beyond itself, in bytes.
func (r *record) size() int {
	n := len(r.packed.bytes) + len(r.target)
	for _, list := range []trace.Fields{r.asked, r.added, r.trailer} {
		for _, f := range list {
			n += len(f.Name) + len(f.Value)
		}
	}
	return n
}

// call is the record as others may have it: it shares nothing that they could
// change.
func (r *record) call() Call {
	c := Call{
		Number: r.Number, Begin: r.Begin, End: r.End,
		Method: r.Method, Protocol: r.Protocol, Codec: r.Codec, Peer: r.Peer,
		Header: headerOf(r.asked), ResponseHeader: headerOf(r.added), ResponseTrailer: headerOf(r.trailer),
		Withheld: r.Withheld, Foreign: r.Foreign, Broken: r.Broken, HTTPStatus: int(r.HTTPStatus),
		RequestBytes: slices.Clone(r.packed.part(partRequest)), ResponseBytes: slices.Clone(r.packed.part(partResponse)),
		Code: r.Code, Message: r.Message, Details: r.Details,
		Operation: r.Operation, Phase: r.Phase, Scenario: r.Scenario, Step: r.Step, Faults: r.Faults,
	}
	if r.verb != "" {
		c.HTTPRequest = r.verb + " " + new(trace.Redactor).Target(r.target)
	}
	desc := r.packed.desc
	if desc == nil {
		return c
	}
	switch raw := r.packed.part(partComposed); {
	case raw != nil:
		c.Request = decoded(desc.Input(), raw, connect.CodecNameProto)
	case c.RequestBytes != nil:
		c.Request = decoded(desc.Input(), c.RequestBytes, c.Codec)
	}
	if c.ResponseBytes != nil && !c.Foreign {
		c.Response = decoded(desc.Output(), c.ResponseBytes, c.Codec)
	}
	return c
}

func headerOf(list trace.Fields) http.Header {
	h := make(http.Header, len(list))
	for _, f := range list {
		name := http.CanonicalHeaderKey(f.Name)
		h[name] = append(h[name], f.Value)
	}
	return h
}
