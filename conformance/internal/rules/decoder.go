package rules

import (
	"errors"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// decoder makes sense of events.
type decoder struct {
	messages *trace.Decoder
	methods  map[string]*Method
	answers  map[*operation.Operation]*Answer
}

// maxAnswers bounds the answers that are kept decoded. Beyond it, all are made
// anew.
const maxAnswers = 1 << 14

// errBoth is that of an Operation with error and response. Which of them Go's
// decoder keeps is chance, so that nothing but OP-18 should judge it; in JSON, it
// does not decode at all.
var errBoth = errors.New("the operation has both error and response")

func newDecoder() *decoder {
	return &decoder{messages: trace.NewDecoder(nil, nil), methods: map[string]*Method{}, answers: map[*operation.Operation]*Answer{}}
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
		s.Request, s.RequestErr = restRequest(s.Method, e)
	} else {
		s.Request, s.RequestErr = d.messages.Request(e)
	}
	if s.RequestErr != nil {
		s.Request = nil
	}
	if !s.OK() {
		return s
	}
	if s.Response, s.ResponseErr = d.messages.Response(e); s.ResponseErr != nil {
		s.Response = nil
		return s
	}
	m, ok := s.Response.(*operation.Operation)
	if !ok {
		return s
	}
	a, known := d.answers[m]
	if !known {
		if !hasBoth(s.Raw()) {
			a = newAnswer(m)
		}
		if len(d.answers) >= maxAnswers {
			clear(d.answers)
		}
		d.answers[m] = a
	}
	if s.Answer = a; a == nil {
		s.Response, s.ResponseErr = nil, errBoth
	}
	return s
}
