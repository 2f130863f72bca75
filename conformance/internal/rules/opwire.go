package rules

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// encodingRules are about what only the bytes of a message show.
func encodingRules() []*Rule {
	return []*Rule{
		{
			ID: "OP-18", Title: "An operation never has both error and response", Core: true, Level: Seed,
			Quote:    "Includes only one of the fields `error`, `response`.",
			Source:   ofOperation,
			Sees:     raw,
			Exercise: "read an operation that has a result",
			Guard:    "no clause lets both be there, in whatever order; in JSON, one that is null is not there",
			New:      bothMachine,
			Corrupt: either(
				rewrite(binaryWith(hasError), func(_ *Seen, raw []byte) []byte {
					return protowire.AppendBytes(protowire.AppendTag(raw, numberResponse, protowire.BytesType), nil)
				}),
				rewrite(binaryWith(hasResponse), func(_ *Seen, raw []byte) []byte {
					return slices.Concat(protowire.AppendBytes(protowire.AppendTag(nil, numberError, protowire.BytesType), []byte{8, 13}), raw)
				}),
				rewrite(jsonWith(hasResponse), func(_ *Seen, raw []byte) []byte {
					return bytes.Replace(raw, []byte("{"), []byte(`{"error":{"code":13},`), 1)
				}),
			),
		},
		{
			ID: "OP-19", Title: "Fields that are not repeated are there once", Level: Practice,
			Quote:    "Normally, an encoded message would never have more than one instance of a non-`repeated` field.",
			Source:   "protobuf.dev, Encoding, Last One Wins",
			Sees:     raw,
			Exercise: "any call that answers with an operation in binary",
			Guard:    "a warning, as decoders have to take it; which of two a proxy and a client see may differ",
			New: onWire(func(s *Seen, tags []Tag, sink *Sink) {
				if twice := twiceIn(operationDesc, tags, maxDepth); twice != "" {
					sink.Breach(by(s), "%s: the bytes have field %s twice; decoders take the last one or merge both, and whatever reads the first sees another operation", s.When(), twice)
				}
			}),
			Corrupt: rewrite(binaryWith(anyAnswer), func(s *Seen, raw []byte) []byte {
				if s.Answer.GetDone() {
					return slices.Concat([]byte{numberDone << 3, 0}, raw)
				}
				return protowire.AppendString(protowire.AppendTag(raw, numberID, protowire.BytesType), s.Answer.GetId())
			}),
		},
		{
			ID: "OP-20", Title: "Text is UTF-8", Level: Implied,
			Quote:    "A string must always contain UTF-8 encoded or 7-bit ASCII text",
			Source:   "protobuf.dev, Language Guide (proto 3), Scalar Value Types",
			Sees:     raw,
			Exercise: "any call that ends with OK",
			Guard:    "only fields of type string are looked at; any text in UTF-8 passes, whatever its characters",
			New:      textMachine,
			Corrupt: rewrite(binaryWith(func(s *Seen) bool { return s.Answer.GetId() != "" }), func(s *Seen, raw []byte) []byte {
				return bytes.Replace(raw, []byte(s.Answer.GetId()), append([]byte{0xff}, s.Answer.GetId()[1:]...), 1)
			}),
		},
		{
			ID: "OP-21", Title: "done is encoded as 0 or 1", Level: Practice,
			Quote:    "Bools, in particular, always encode as either `00` or `01`.",
			Source:   "protobuf.dev, Encoding, Bools and Enums",
			Sees:     raw,
			Exercise: "any call that answers with an operation in binary",
			Guard:    "a warning, as decoders take any other number for true; false that is written out passes",
			New: onWire(func(s *Seen, tags []Tag, sink *Sink) {
				for _, tag := range tags {
					if tag.Number == numberDone && tag.Type == protowire.VarintType && !bytes.Equal(tag.Value, []byte{0}) && !bytes.Equal(tag.Value, []byte{1}) {
						sink.Breach(by(s), "%s: done is encoded as the bytes % x, want 00 or 01; what reads it as a number makes neither false nor true of it", s.When(), tag.Value)
					}
				}
			}),
			Corrupt: rewrite(binaryWith(anyAnswer), func(_ *Seen, raw []byte) []byte {
				tags, _ := Tags(raw)
				tags = slices.DeleteFunc(tags, func(t Tag) bool { return t.Number == numberDone })
				return encodeTags(append(tags, Tag{numberDone, protowire.VarintType, []byte{2}}))
			}),
		},
	}
}

// Fields of an Operation.
const (
	numberID       = 1
	numberDone     = 6
	numberError    = 8
	numberResponse = 9
)

var operationDesc = (&operation.Operation{}).ProtoReflect().Descriptor()

func hasResponse(s *Seen) bool { return s.Answer.GetResponse() != nil }

// jsonWith holds for answers in JSON that the function holds for.
func jsonWith(is func(*Seen) bool) func(*Seen) bool {
	return func(s *Seen) bool { return s.Answer != nil && len(s.RawJSON()) > 0 && is(s) }
}

// answersOperation reports whether the call ended with OK and what it should
// answer with is an Operation.
func (s *Seen) answersOperation() bool {
	return s.OK() && s.Method != nil && s.Method.Desc.Output().FullName() == operationDesc.FullName()
}

// instance is the instance that a call's bytes are of a rule about bytes.
func instance(s *Seen) string {
	switch {
	case s.Answer != nil:
		return cell(s)
	case s.Op != nil:
		return s.Op.ID
	}
	return string(s.Method.Desc.FullName())
}

// onWire is the machine of a rule about the bytes of an Operation, each given once.
func onWire(judge func(s *Seen, tags []Tag, sink *Sink)) func(*Env) Machine {
	return func(*Env) Machine {
		var torn recent
		return Machine{Call: func(s *Seen, sink *Sink) {
			if !s.answersOperation() {
				return
			}
			raw := s.Raw()
			if raw == nil || !s.isNew(&torn) {
				return
			}
			tags, ok := Tags(raw)
			if !ok {
				return // no message at all, which is a breach of its own
			}
			sink.Exercise(instance(s))
			judge(s, tags, sink)
		}}
	}
}

// isNew reports whether the bytes of the response have not been looked at yet.
func (s *Seen) isNew(torn *recent) bool {
	if s.Answer != nil {
		return s.Fresh
	}
	return torn.isNew(s.Event.Response)
}

// bothMachine looks for an error and a response in one message.
func bothMachine(*Env) Machine {
	var torn recent
	return Machine{Call: func(s *Seen, sink *Sink) {
		if !s.answersOperation() {
			return
		}
		if raw := s.Raw(); raw != nil && s.isNew(&torn) {
			tags, _ := Tags(raw)
			failed, succeeded := countOf(tags, numberError) > 0, countOf(tags, numberResponse) > 0
			if failed || succeeded {
				sink.Exercise(instance(s))
			}
			if failed && succeeded {
				sink.Breach(by(s), "%s: the bytes have both error and response, in the order of fields %s; a decoder keeps the last of them without a word, so that whether the operation has failed depends on who reads it", s.When(), orderOf(tags))
			}
		}
		if text := s.RawJSON(); text != nil && s.isNew(&torn) {
			var fields struct{ Error, Response json.RawMessage }
			if json.Unmarshal(text, &fields) != nil {
				return
			}
			failed, succeeded := isThere(fields.Error), isThere(fields.Response)
			if failed || succeeded {
				sink.Exercise(instance(s))
			}
			if failed && succeeded {
				sink.Breach(by(s), "%s: the JSON has both error and response; protobuf libraries refuse it, and others see whichever they look for", s.When())
			}
		}
	}}
}

func isThere(m json.RawMessage) bool { return len(m) > 0 && string(m) != "null" }

// hasBoth reports whether the bytes of an Operation have error and response.
func hasBoth(raw []byte) bool {
	tags, _ := Tags(raw)
	return countOf(tags, numberError) > 0 && countOf(tags, numberResponse) > 0
}

func countOf(tags []Tag, n protowire.Number) int {
	count := 0
	for _, tag := range tags {
		if tag.Number == n {
			count++
		}
	}
	return count
}

// orderOf is the order of error and response on the wire.
func orderOf(tags []Tag) string {
	text := ""
	for _, tag := range tags {
		if tag.Number == numberError || tag.Number == numberResponse {
			if text != "" {
				text += ", "
			}
			text += fmt.Sprint(tag.Number)
		}
	}
	return text
}

// twiceIn is the path of a field that is there twice although it is not repeated,
// empty without one.
func twiceIn(d protoreflect.MessageDescriptor, tags []Tag, depth int) string {
	if depth == 0 {
		return ""
	}
	seen := map[protowire.Number]bool{}
	for _, tag := range tags {
		f := d.Fields().ByNumber(tag.Number)
		if f == nil {
			continue
		}
		if seen[tag.Number] && f.Cardinality() != protoreflect.Repeated {
			return string(f.Name())
		}
		seen[tag.Number] = true
		if f.Message() == nil || tag.Type != protowire.BytesType {
			continue
		}
		if inner, ok := Tags(tag.Value); ok {
			if path := twiceIn(f.Message(), inner, depth-1); path != "" {
				return string(f.Name()) + "." + path
			}
		}
	}
	return ""
}

// encodeTags are the bytes of fields.
func encodeTags(tags []Tag) []byte {
	var raw []byte
	for _, tag := range tags {
		raw = protowire.AppendTag(raw, tag.Number, tag.Type)
		if tag.Type == protowire.BytesType {
			raw = protowire.AppendBytes(raw, tag.Value)
		} else {
			raw = append(raw, tag.Value...)
		}
	}
	return raw
}
