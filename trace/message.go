package trace

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/types/known/durationpb"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// Proto is the event as a message, which names blobs by their ids. Text that is
// not UTF-8 is made so, but for the values of headers.
func (e *Event) Proto() *optestv1.Event {
	m := &optestv1.Event{
		Number:           e.Number,
		Called:           durationpb.New(e.Called),
		Returned:         durationpb.New(e.Returned),
		Protocol:         e.Protocol,
		Method:           clean(e.Method),
		HttpRequest:      clean(e.HTTPRequest),
		HttpStatus:       e.HTTPStatus,
		Request:          reference(e.Request),
		RequestCodec:     e.RequestCodec,
		RequestFidelity:  e.RequestFidelity,
		RequestHeader:    fieldMessages(e.RequestHeader),
		Response:         reference(e.Response),
		ResponseCodec:    e.ResponseCodec,
		ResponseFidelity: e.ResponseFidelity,
		ResponseHeader:   fieldMessages(e.ResponseHeader),
		ResponseTrailer:  fieldMessages(e.Trailer),
		Outcome:          e.Outcome,
		Operation:        clean(e.Operation),
		Note:             clean(e.Note),
	}
	if e.Timeout != 0 {
		m.Timeout = durationpb.New(e.Timeout)
	}
	if c := e.caller(); c != (Caller{}) {
		m.Caller = &optestv1.Event_Caller{
			Connection: clean(c.Connection), Reader: clean(c.Reader), Peer: clean(c.Peer), Session: clean(c.Session),
		}
	}
	if f := e.Frames; f != nil {
		m.Frames = &optestv1.Event_Frames{Messages: f.Messages, Compressed: f.Compressed, Partial: f.Partial, Trailers: f.Trailers}
		for _, b := range f.Further {
			m.Frames.Further = append(m.Frames.Further, reference(b))
		}
	}
	if f := e.Failure; f != nil {
		m.Failure = &optestv1.Event_Failure{Code: f.Code, Message: clean(f.Message), Details: f.Details, Cause: f.Cause}
	}
	if p := e.Played; p != nil {
		m.Played = &optestv1.Event_Play{Scenario: clean(p.Scenario), Step: clean(p.Step)}
		for _, f := range p.Faults {
			m.Played.Faults = append(m.Played.Faults, &optestv1.Event_Play_AppliedFault{Name: clean(f.Name), Effect: clean(f.Effect), Scenario: clean(f.Scenario)})
		}
	}
	return m
}

func clean(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }

func reference(b *Blob) string {
	if b == nil {
		return ""
	}
	return b.ID().String()
}

func fieldMessages(list Fields) []*optestv1.Event_Field {
	var messages []*optestv1.Event_Field
	for _, f := range list {
		m := &optestv1.Event_Field{Name: clean(f.Name)}
		if utf8.ValidString(f.Value) {
			m.Value = f.Value
		} else {
			m.Raw = []byte(f.Value)
		}
		messages = append(messages, m)
	}
	return messages
}

// EventOf is the event that a message holds, if it makes sense. The function
// returns the blob of an id, nil where it has none.
func EventOf(m *optestv1.Event, blob func(ID) *Blob) (*Event, error) {
	if m.GetRepeat() != nil {
		return nil, fmt.Errorf("event %d stands for several, want one at a time", m.GetNumber())
	}
	e, err := eventOf(m, blob)
	if err != nil {
		return nil, err
	}
	return e, e.check()
}

// eventOf leaves the repeat to others, and the check.
func eventOf(m *optestv1.Event, blob func(ID) *Blob) (*Event, error) {
	e := &Event{
		Number:           m.GetNumber(),
		Protocol:         m.GetProtocol(),
		Method:           m.GetMethod(),
		HTTPRequest:      m.GetHttpRequest(),
		HTTPStatus:       m.GetHttpStatus(),
		RequestCodec:     m.GetRequestCodec(),
		RequestFidelity:  m.GetRequestFidelity(),
		RequestHeader:    fieldsOf(m.GetRequestHeader()),
		ResponseCodec:    m.GetResponseCodec(),
		ResponseFidelity: m.GetResponseFidelity(),
		ResponseHeader:   fieldsOf(m.GetResponseHeader()),
		Trailer:          fieldsOf(m.GetResponseTrailer()),
		Outcome:          m.GetOutcome(),
		Operation:        m.GetOperation(),
		Note:             m.GetNote(),
		Caller:           callerOf(m.GetCaller()),
		Failure:          failureOf(m.GetFailure()),
		Played:           playOf(m.GetPlayed()),
	}
	r := resolver{number: e.Number, blob: blob}
	e.Called, e.Returned, e.Timeout = r.span(m.GetCalled(), "called"), r.span(m.GetReturned(), "returned"), r.span(m.GetTimeout(), "timeout")
	if m.GetCalled() == nil || m.GetReturned() == nil {
		r.failf("has no time of call or return, want both")
	}
	e.Request, e.Response = r.named(m.GetRequest()), r.named(m.GetResponse())
	if f := m.GetFrames(); f != nil {
		e.Frames = &Frames{Messages: f.GetMessages(), Compressed: f.GetCompressed(), Partial: f.GetPartial(), Trailers: f.GetTrailers()}
		for _, id := range f.GetFurther() {
			e.Frames.Further = append(e.Frames.Further, r.named(id))
		}
	}
	return e, r.err
}

func fieldsOf(messages []*optestv1.Event_Field) Fields {
	var list Fields
	for _, m := range messages {
		value := m.GetValue()
		if len(m.GetRaw()) > 0 {
			value = string(m.GetRaw())
		}
		list = append(list, Field{m.GetName(), value})
	}
	return list
}

func callerOf(m *optestv1.Event_Caller) *Caller {
	if m == nil {
		return nil
	}
	return &Caller{Connection: m.GetConnection(), Reader: m.GetReader(), Peer: m.GetPeer(), Session: m.GetSession()}
}

func failureOf(m *optestv1.Event_Failure) *Failure {
	if m == nil {
		return nil
	}
	return &Failure{Code: m.GetCode(), Message: m.GetMessage(), Details: m.GetDetails(), Cause: m.GetCause()}
}

func playOf(m *optestv1.Event_Play) *Play {
	if m == nil {
		return nil
	}
	p := &Play{Scenario: m.GetScenario(), Step: m.GetStep()}
	for _, f := range m.GetFaults() {
		p.Faults = append(p.Faults, AppliedFault{f.GetName(), f.GetEffect(), f.GetScenario()})
	}
	return p
}

// resolver keeps the first thing that is wrong with an event.
type resolver struct {
	number uint64
	blob   func(ID) *Blob
	err    error
}

func (r *resolver) failf(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("event %d %s", r.number, fmt.Sprintf(format, args...))
	}
}

func (r *resolver) named(text string) *Blob {
	if text == "" {
		return nil
	}
	id, ok := parseID(text)
	if !ok {
		r.failf("refers to a blob %s, want 24 hexadecimal digits", quote(text))
		return nil
	}
	return r.resolve(id)
}

func (r *resolver) resolve(id ID) *Blob {
	b := r.blob(id)
	if b == nil {
		r.failf("refers to blob %s, which no line before it holds or which is too far back, want the blob's line first", id)
	}
	return b
}

// span is a duration, which in a message may be longer than time.Duration.
func (r *resolver) span(d *durationpb.Duration, field string) time.Duration {
	if d == nil {
		return 0
	}
	span := d.AsDuration() // the nearest one that there is
	if !d.IsValid() || durationpb.New(span).GetSeconds() != d.GetSeconds() {
		r.failf("has %s at %d seconds and %d nanoseconds, want at most 292 years", field, d.GetSeconds(), d.GetNanos())
	}
	return span
}

// check finds what no observer can have seen.
func (e *Event) check() error {
	switch {
	case e.Number == 0:
		return fmt.Errorf("an event has no number, want one from 1 on")
	case e.Called < 0:
		return fmt.Errorf("event %d was called at %v, want an offset from the start", e.Number, e.Called)
	case e.Returned < e.Called:
		return fmt.Errorf("event %d returned at %v, before its call at %v", e.Number, e.Returned, e.Called)
	case e.Outcome == optestv1.Event_OUTCOME_UNSPECIFIED:
		return fmt.Errorf("event %d has no outcome, want OK, FAILED or INDETERMINATE", e.Number)
	}
	return nil
}
