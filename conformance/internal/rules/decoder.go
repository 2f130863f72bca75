package rules

import (
	"errors"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/proto"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// decoder makes sense of events. What it has made of bytes and paths it keeps, as
// polls repeat them.
type decoder struct {
	messages *trace.Decoder
	methods  map[string]*Method
	known    map[knownKey]known
	paths    map[pathKey]proto.Message
	size     int // of what is known, in bytes on the wire
}

type knownKey struct {
	blob     *trace.Blob
	method   *Method
	codec    optestv1.Event_Codec
	fidelity optestv1.Event_Fidelity
	request  bool
}

// known is a message and, of an Operation, what is in it.
type known struct {
	message proto.Message
	answer  *Answer
	err     error
}

type pathKey struct {
	method *Method
	target string
	body   *trace.Blob
}

// Bounds of what is kept decoded. Beyond them, all is made anew.
const (
	maxKnown     = 1 << 12
	maxKnownSize = 8 << 20
	maxPaths     = 1 << 12
	maxPathSize  = 1 << 10
)

// errBoth is that of an Operation with error and response. Which of them Go's
// decoder keeps is chance, so that nothing but OP-18 should judge it; in JSON, it
// does not decode at all.
var errBoth = errors.New("the operation has both error and response")

func newDecoder() *decoder {
	return &decoder{
		messages: trace.NewDecoder(nil, nil),
		methods:  map[string]*Method{}, known: map[knownKey]known{}, paths: map[pathKey]proto.Message{},
	}
}

func (d *decoder) method(name string) *Method {
	m, ok := d.methods[name]
	if !ok {
		m = newMethod(name)
		const most = 1000 // names come from outside
		if len(d.methods) < most {
			d.methods[name] = m
		}
	}
	return m
}

func (d *decoder) see(e *trace.Event) *Seen {
	s := &Seen{Event: e, Method: d.method(e.Method)}
	if s.Method == nil {
		return s
	}
	if e.Protocol == optestv1.Event_REST {
		s.Request, s.RequestErr = d.restRequest(s.Method, e)
	} else {
		s.Request, s.RequestErr = d.request(s.Method, e)
	}
	if s.RequestErr != nil {
		s.Request = nil
	}
	if s.OK() {
		d.response(s)
	}
	return s
}

func (d *decoder) request(m *Method, e *trace.Event) (proto.Message, error) {
	key := knownKey{e.Request, m, e.RequestCodec, e.RequestFidelity, true}
	if k, ok := d.known[key]; ok {
		return k.message, nil
	}
	message, err := d.messages.Request(e)
	if err == nil {
		d.keep(key, known{message: message})
	}
	return message, err
}

func (d *decoder) restRequest(m *Method, e *trace.Event) (proto.Message, error) {
	key := pathKey{m, e.HTTPRequest, e.Request}
	if message, ok := d.paths[key]; ok {
		return message, nil
	}
	message, err := restRequest(m, e)
	if err == nil && len(e.HTTPRequest)+len(e.Request.Bytes()) <= maxPathSize {
		if len(d.paths) >= maxPaths {
			clear(d.paths)
		}
		d.paths[key] = message
	}
	return message, err
}

// response decodes what a call has answered.
func (d *decoder) response(s *Seen) {
	e := s.Event
	key := knownKey{e.Response, s.Method, e.ResponseCodec, e.ResponseFidelity, false}
	k, ok := d.known[key]
	if !ok {
		if k.message, k.err = d.messages.Response(e); k.err != nil {
			s.ResponseErr = k.err // which names the event
			return
		}
		if m, is := k.message.(*operation.Operation); is {
			if hasBoth(s.Raw()) {
				k = known{err: errBoth}
			} else {
				k.answer = newAnswer(m)
			}
		}
		d.keep(key, k)
	}
	s.Response, s.Answer, s.ResponseErr = k.message, k.answer, k.err
}

func (d *decoder) keep(key knownKey, k known) {
	size := len(key.blob.Bytes())
	if len(d.known) >= maxKnown || d.size+size > maxKnownSize {
		clear(d.known)
		d.size = 0
	}
	d.known[key] = k
	d.size += size
}
