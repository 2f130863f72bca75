package trace

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

const (
	// sharedSpans bounds each cache of what the lines of a file have in common.
	sharedSpans = 4 << 20

	// Half of what a reader keeps of blobs: what an event may refer back over, and
	// room for the blob that displaces another.
	readerBlobs = 64<<20 + 2*MaxBlob
)

// lineDecoder reads events as a [Writer] spells them some ten times faster than
// package protojson, which reads all other lines. What the lines of a file
// repeat, down to its spelling, their events share.
type lineDecoder struct {
	blobs    *generations[ID, *Blob]
	callers  *spans[*Caller]
	lists    *spans[Fields]
	frames   *spans[*Frames]
	failures *spans[*Failure]
	plays    *spans[*Play]
	texts    *spans[string]
	once     doorkeeper
	escaped  []byte
	list     Fields // that is being read

	unknown protojson.UnmarshalOptions // says what to do with unknown fields
}

func newLineDecoder() *lineDecoder {
	return &lineDecoder{
		blobs:    newGenerations[ID, *Blob](readerBlobs),
		callers:  newSpans[*Caller](sharedSpans),
		lists:    newSpans[Fields](sharedSpans),
		frames:   newSpans[*Frames](sharedSpans),
		failures: newSpans[*Failure](sharedSpans),
		plays:    newSpans[*Play](sharedSpans),
		texts:    newSpans[string](sharedSpans),
		once:     newDoorkeeper(),
	}
}

// blob is the function that resolves references.
func (d *lineDecoder) blob(id ID) *Blob {
	b, _ := d.blobs.get(id)
	return b
}

// run reads an event's line in the writer's spelling. It is nil where the line is
// another, or where something is wrong with it that package protojson or the
// check will say.
func (d *lineDecoder) run(line []byte) *Run {
	const prefix = `{"event":`
	if len(line) < len(prefix) || string(line[:len(prefix)]) != prefix {
		return nil
	}
	s := scanner{data: line, at: len(prefix)}
	e, seen := &Event{}, uint32(0)
	var repeat *optestv1.Event_Repeat
	for sep := byte('{'); ; sep = ',' {
		s.take(sep)
		key := s.plain()
		s.take(':')
		if s.failed {
			return nil
		}
		var bit uint32
		switch string(key) {
		case "number":
			bit, e.Number = 1<<0, s.quoted()
		case "called":
			bit, e.Called = 1<<1, s.span()
		case "returned":
			bit, e.Returned = 1<<2, s.span()
		case "timeout":
			bit, e.Timeout = 1<<3, s.span()
		case "caller":
			bit, e.Caller = 1<<4, shared(&s, d.callers, callerOf)
		case "protocol":
			bit, e.Protocol = 1<<5, enum[optestv1.Event_Protocol](&s, optestv1.Event_Protocol_value)
		case "method":
			bit, e.Method = 1<<6, d.string(&s)
		case "httpRequest":
			bit, e.HTTPRequest = 1<<7, d.string(&s)
		case "httpStatus":
			bit, e.HTTPStatus = 1<<8, s.small()
		case "request":
			bit, e.Request = 1<<9, d.reference(&s)
		case "requestCodec":
			bit, e.RequestCodec = 1<<10, enum[optestv1.Event_Codec](&s, optestv1.Event_Codec_value)
		case "requestFidelity":
			bit, e.RequestFidelity = 1<<11, enum[optestv1.Event_Fidelity](&s, optestv1.Event_Fidelity_value)
		case "requestHeader":
			bit, e.RequestHeader = 1<<12, d.fields(&s)
		case "response":
			bit, e.Response = 1<<13, d.reference(&s)
		case "responseCodec":
			bit, e.ResponseCodec = 1<<14, enum[optestv1.Event_Codec](&s, optestv1.Event_Codec_value)
		case "responseFidelity":
			bit, e.ResponseFidelity = 1<<15, enum[optestv1.Event_Fidelity](&s, optestv1.Event_Fidelity_value)
		case "responseHeader":
			bit, e.ResponseHeader = 1<<16, d.fields(&s)
		case "responseTrailer":
			bit, e.Trailer = 1<<17, d.fields(&s)
		case "frames":
			bit, e.Frames = 1<<18, shared(&s, d.frames, framesOf)
		case "outcome":
			bit, e.Outcome = 1<<19, enum[optestv1.Event_Outcome](&s, optestv1.Event_Outcome_value)
		case "failure":
			bit, e.Failure = 1<<20, shared(&s, d.failures, failureOf)
		case "operation":
			bit, e.Operation = 1<<21, d.string(&s)
		case "played":
			bit, e.Played = 1<<22, shared(&s, d.plays, playOf)
		case "note":
			bit, e.Note = 1<<23, d.string(&s)
		case "repeat":
			bit, repeat = 1<<24, d.repeat(&s)
		}
		if s.failed || bit == 0 || seen&bit != 0 {
			return nil
		}
		seen |= bit
		if s.peek() == '}' {
			break
		}
	}
	const called, returned, outcome = 1 << 1, 1 << 2, 1 << 19
	const needed = called | returned | outcome
	if string(line[s.at:]) != "}}" || seen&needed != needed {
		return nil
	}
	return &Run{e, repeat}
}

func enum[E ~int32](s *scanner, values map[string]int32) E {
	n, ok := values[string(s.plain())]
	s.failed = s.failed || !ok
	return E(n)
}

func (d *lineDecoder) reference(s *scanner) *Blob {
	id, ok := parseID(s.plain())
	if !ok {
		s.failed = true
		return nil
	}
	b := d.blob(id)
	s.failed = s.failed || b == nil
	return b
}

// string reads a text that many events have.
func (d *lineDecoder) string(s *scanner) string {
	raw := s.text(&d.escaped)
	if known, ok := d.texts.find(raw); ok || s.failed {
		return known
	}
	text := string(raw)
	if d.once.again(raw) {
		d.texts.put(text, text, len(text)+blobCost)
	}
	return text
}

// shared reads an object, or finds what the same text was read as before.
func shared[M any, T any, P interface {
	*M
	proto.Message
}](s *scanner, cache *spans[*T], convert func(P) *T) *T {
	raw := s.value()
	if known, ok := cache.find(raw); ok || s.failed {
		return known
	}
	m := P(new(M))
	if err := protojson.Unmarshal(raw, m); err != nil {
		s.failed = true
		return nil
	}
	v := convert(m)
	if v == nil {
		s.failed = true
		return nil
	}
	cache.put(string(raw), v, 2*len(raw)+blobCost)
	return v
}

// framesOf leaves those that refer to blobs to eventOf, as what blobs there are
// changes from line to line.
func framesOf(m *optestv1.Event_Frames) *Frames {
	if len(m.GetFurther()) > 0 {
		return nil
	}
	return &Frames{Messages: m.GetMessages(), Compressed: m.GetCompressed(), Partial: m.GetPartial(), Trailers: m.GetTrailers()}
}

func (d *lineDecoder) fields(s *scanner) Fields {
	raw := s.value()
	if known, ok := d.lists.find(raw); ok || s.failed {
		return known
	}
	inner := scanner{data: raw}
	d.list = d.list[:0]
	for sep := byte('['); inner.peek() != ']' && !inner.failed; sep = ',' {
		inner.take(sep)
		d.list = append(d.list, d.field(&inner))
	}
	if inner.failed || len(d.list) == 0 || inner.at != len(raw)-1 {
		s.failed = true
		return nil
	}
	list := slices.Clone(d.list)
	if d.once.again(raw) {
		d.lists.put(string(raw), list, 2*len(raw)+blobCost)
	}
	return list
}

// field reads {"name":…,"value":…}, where either may be absent.
func (d *lineDecoder) field(s *scanner) (f Field) {
	s.take('{')
	if s.has(`"name":`) {
		f.Name = d.string(s)
		if s.peek() == ',' {
			s.literal(`,"value":`)
			f.Value = d.string(s)
		}
	} else if s.has(`"value":`) {
		f.Value = d.string(s)
	}
	s.take('}')
	return f
}

// line reads any line. It returns a run, or what else the line holds.
func (d *lineDecoder) line(line []byte) (*Run, *optestv1.TraceLine, error) {
	if r := d.run(line); r != nil {
		return r, nil, r.check()
	}
	m := &optestv1.TraceLine{}
	if err := d.unknown.Unmarshal(line, m); err != nil {
		return nil, nil, fmt.Errorf("is no line of a trace: %s", plainly(err))
	}
	event := m.GetEvent()
	if event == nil {
		return nil, m, nil
	}
	if d.unknown.DiscardUnknown && event.GetOutcome() == optestv1.Event_OUTCOME_UNSPECIFIED {
		// One that a newer version has added: nothing can be concluded from it.
		event.Outcome = optestv1.Event_INDETERMINATE
	}
	r, err := RunOf(event, d.blob)
	return r, nil, err
}
