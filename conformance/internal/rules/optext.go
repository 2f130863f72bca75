package rules

import (
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/optest-dev/optest/trace"
)

// maxDepth bounds how deep messages are looked into.
const maxDepth = 32

// textMachine looks for text that is not UTF-8.
func textMachine(*Env) Machine {
	var known recent
	return Machine{Call: func(s *Seen, sink *Sink) {
		if !s.OK() || s.Method == nil {
			return
		}
		raw, text := s.Raw(), s.RawJSON()
		if raw == nil && text == nil || !s.isNew(&known) {
			return
		}
		sink.Exercise(instance(s))
		output := s.Method.Desc.Output()
		switch path := textFault(output, raw); {
		case path != "":
			sink.Breach(by(s), "%s: %s of the %s is not UTF-8; most libraries refuse the whole message for it", s.When(), path, output.Name())
		case !utf8.Valid(text):
			sink.Breach(by(s), "%s: the JSON of the %s is not UTF-8; most libraries refuse it for that", s.When(), output.Name())
		}
	}}
}

// textFault is the path of a string that is not UTF-8 in an encoded message, empty
// without one.
func textFault(d protoreflect.MessageDescriptor, raw []byte) string {
	return textFaultIn(d, raw, maxDepth)
}

func textFaultIn(d protoreflect.MessageDescriptor, raw []byte, depth int) string {
	if depth == 0 {
		return ""
	}
	tags, _ := Tags(raw)
	url, isAny := "", d.FullName() == "google.protobuf.Any"
	for _, tag := range tags {
		if isAny && tag.Number == anyURL {
			url = string(tag.Value)
		}
	}
	for _, tag := range tags {
		f := d.Fields().ByNumber(tag.Number)
		if f == nil || tag.Type != protowire.BytesType {
			continue
		}
		path := ""
		switch {
		case f.Kind() == protoreflect.StringKind && !utf8.Valid(tag.Value):
			return string(f.Name())
		case f.Message() != nil:
			path = textFaultIn(f.Message(), tag.Value, depth-1)
		case isAny && tag.Number == anyValue:
			path = anyTextFault(url, tag.Value, depth-1)
		}
		if path != "" {
			return string(f.Name()) + "." + path
		}
	}
	return ""
}

// Fields of an Any.
const (
	anyURL   = 1
	anyValue = 2
)

// anyTextFault is textFault of what an Any holds.
func anyTextFault(url string, value []byte, depth int) string {
	kind, err := protoregistry.GlobalTypes.FindMessageByURL(url)
	if err != nil {
		return "" // nobody here knows which of its fields are text
	}
	return textFaultIn(kind.Descriptor(), value, depth)
}

// recent tells bytes that were just looked at, of answers that belong to no
// operation because they can't be decoded. Where it has forgotten some, they are
// looked at again.
type recent struct {
	blobs [16]*trace.Blob
	next  int
}

func (r *recent) isNew(b *trace.Blob) bool {
	for _, known := range r.blobs {
		if known == b {
			return false
		}
	}
	r.blobs[r.next] = b
	r.next = (r.next + 1) % len(r.blobs)
	return true
}
