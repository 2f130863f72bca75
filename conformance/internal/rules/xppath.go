package rules

import (
	"net/url"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// judgePaths looks for requests over REST whose path was cut or rerouted at an
// escaped character.
func judgePaths(*Env) Machine {
	return Machine{Call: func(s *Seen, sink *Sink) {
		_, target, ok := strings.Cut(s.HTTPRequest, " ")
		if !ok || s.Unsure() || s.Method == nil {
			return
		}
		path, _, _ := strings.Cut(target, "?")
		segment, escaped := lastEscaped(path)
		if escaped == "" {
			return
		}
		sink.Exercise(string(s.Method.Desc.Name()) + " " + escaped)
		if !s.OK() || s.Response == nil {
			return
		}
		id, err := url.PathUnescape(segment)
		got := idOf(s.Response)
		if err != nil || got == "" || got == id {
			return
		}
		const text = "%s: %s asks for the id %q, and the answer is about %q; an escaped character is part of the id, and who takes it for the end of a path reaches other things than those that were checked"
		if escaped == "%2F" {
			sink.Breach(by(s), text, s.When(), shortened(s.HTTPRequest), shortened(id), shortened(got))
		} else {
			sink.Warn(by(s), text, s.When(), shortened(s.HTTPRequest), shortened(id), shortened(got))
		}
	}}
}

// lastEscaped is the last segment of a path, and which character that ends
// something in other places it has escaped: a slash, else a colon.
func lastEscaped(path string) (segment, escaped string) {
	segment = path[strings.LastIndexByte(path, '/')+1:]
	upper := strings.ToUpper(segment)
	for _, c := range []string{"%2F", "%3A"} {
		if strings.Contains(upper, c) {
			return segment, c
		}
	}
	return segment, ""
}

// idOf is what a message is about, empty if it does not say.
func idOf(m proto.Message) string {
	f := m.ProtoReflect().Descriptor().Fields().ByName("id")
	if f == nil || f.Kind() != protoreflect.StringKind || f.IsList() {
		return ""
	}
	return m.ProtoReflect().Get(f).String()
}
