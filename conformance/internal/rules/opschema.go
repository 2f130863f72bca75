package rules

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/anypb"
)

// schemaMachine looks for bytes that are no message of their type, and for fields
// that no schema has.
func schemaMachine(*Env) Machine {
	var torn recent
	return Machine{
		Call: func(s *Seen, sink *Sink) {
			if s.Answer != nil || !s.answersOperation() {
				return
			}
			raw, text := s.Raw(), s.RawJSON()
			switch {
			case raw != nil && torn.isNew(s.Event.Response) && !hasBoth(raw) && textFault(operationDesc, raw) == "":
				sink.Breach(by(s), "%s: the %d bytes of the answer are no operation.Operation: %v", s.When(), len(raw), s.ResponseErr)
			case text != nil && torn.isNew(s.Event.Response) && !json.Valid(text):
				sink.Breach(by(s), "%s: the %d bytes of the answer are no JSON: %v", s.When(), len(text), s.ResponseErr)
			}
		},
		Look: func(s *Seen, sink *Sink) {
			sink.Exercise(cell(s))
			a := s.Answer
			m := methodOf(s)
			parts := []struct {
				name string
				any  *anypb.Any
				in   proto.Message
				err  error
				want protoreflect.FullName
			}{
				{name: "metadata", any: a.GetMetadata(), in: a.Meta, err: a.MetaErr},
				{name: "response", any: a.GetResponse(), in: a.Result, err: a.ResultErr},
			}
			if m != nil {
				parts[0].want, parts[1].want = m.Metadata, m.Response
			}
			odd := oddFields(a.ProtoReflect())
			for _, part := range parts {
				if part.want != "" && part.any.MessageName() != part.want {
					continue // what is wrong is its type
				}
				if fault := garbled(part.any, part.err); fault != "" {
					sink.Breach(by(s), "%s: %s says that it is a %s and is none: %s", s.When(), part.name, part.any.MessageName(), fault)
				}
				if part.in != nil {
					odd = append(odd, oddFields(part.in.ProtoReflect())...)
				}
			}
			if len(odd) > 0 {
				sink.Warn(by(s), "%s: the answer has %s", s.When(), strings.Join(odd, "; "))
			}
		},
	}
}

// garbled says why the value of an Any is no message of its type, by the error of
// decoding it. It is empty for types that are not known here or not even named, and
// where the only fault is text that is not UTF-8.
func garbled(a *anypb.Any, err error) string {
	if err == nil || a.MessageName() == "" || errors.Is(err, protoregistry.NotFound) || anyTextFault(a.GetTypeUrl(), a.GetValue(), maxDepth) != "" {
		return ""
	}
	return fmt.Sprintf("its %d bytes do not decode as one, and who reads it gets nothing or a part", len(a.GetValue()))
}

// maxOdd bounds the fields that a finding names.
const maxOdd = 5

// oddFields are the fields of a message and of those in it that their schemas do not
// have.
func oddFields(m protoreflect.Message) []string {
	var odd []string
	visitAll(m, func(m protoreflect.Message) {
		for unknown := m.GetUnknown(); len(unknown) > 0 && len(odd) < maxOdd; {
			n, _, size := protowire.ConsumeField(unknown)
			if size < 0 {
				return
			}
			unknown = unknown[size:]
			if d := m.Descriptor(); d.ReservedRanges().Has(n) {
				odd = append(odd, fmt.Sprintf("field %d of %s, which is reserved: the server may be older than the contract", n, d.FullName()))
			} else {
				odd = append(odd, fmt.Sprintf("field %d of %s, which the schema does not have: the server may be newer than the contract", n, d.FullName()))
			}
		}
	})
	return odd
}

// visitAll visits a message and those that are set in it.
func visitAll(m protoreflect.Message, visit func(protoreflect.Message)) {
	visit(m)
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsMap():
			if f.MapValue().Message() != nil {
				v.Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool {
					visitAll(v.Message(), visit)
					return true
				})
			}
		case f.Message() == nil:
		case f.IsList():
			for i := range v.List().Len() {
				visitAll(v.List().Get(i).Message(), visit)
			}
		default:
			visitAll(v.Message(), visit)
		}
		return true
	})
}
