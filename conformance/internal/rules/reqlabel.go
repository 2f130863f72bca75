package rules

import (
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// judgeLabels looks for labels that are refused although they fit, or taken
// although they don't.
func judgeLabels(env *Env) Machine {
	return Machine{Call: func(s *Seen, sink *Sink) {
		if !s.Starts() || s.Request == nil || !env.speaksOfRequest(s) {
			return
		}
		r := s.Request.ProtoReflect()
		for _, l := range limitsOf(r.Descriptor()) {
			if l.field.IsMap() && r.Has(l.field) {
				judgeMap(s, l, r.Get(l.field).Map(), sink)
			}
		}
	}}
}

func judgeMap(s *Seen, l limits, m protoreflect.Map, sink *Sink) {
	if beyond := l.ofMap(m); len(beyond) > 0 {
		if refused(s) && !onlyExcess(s, l.field) {
			return
		}
		for _, e := range beyond {
			// Refused for one of several entries, the others prove nothing.
			if !refused(s) || len(beyond) == 1 || m.Len() == 1 {
				sink.Exercise(string(l.field.Name()) + "/" + e.what + " refused")
			}
		}
		if !refused(s) {
			sink.Breach(by(s), "%s: %s %s, and the call ended with %s; a server that keeps the limits answers INVALID_ARGUMENT, and a pattern has to match the whole text", s.When(), l.field.Name(), beyond[0].text, ending(s))
		}
		return
	}
	at := l.atLimit(m)
	paths, detailed := violated(s)
	if len(at) == 0 || refused(s) && !detailed {
		return
	}
	for _, what := range at {
		sink.Exercise(string(l.field.Name()) + "/" + what + " accepted")
	}
	if refused(s) && namesField(paths, l.field) {
		sink.Breach(by(s), "%s: %s are as large as is allowed (%s) and were refused all the same; the limit itself is allowed", s.When(), l.field.Name(), at[0])
	}
}

// atLimit are the ways in which a map just fits.
func (l limits) atLimit(m protoreflect.Map) []string {
	var at []string
	add := func(is bool, what string) {
		if is {
			at = append(at, what)
		}
	}
	var key, value, empty bool
	m.Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
		if l.field.MapKey().Kind() != protoreflect.StringKind || l.field.MapValue().Kind() != protoreflect.StringKind {
			return false
		}
		key = key || l.key.length.set && utf8.RuneCountInString(k.String()) == l.key.length.most
		value = value || l.length.set && utf8.RuneCountInString(v.String()) == l.length.most
		empty = empty || v.String() == ""
		return true
	})
	add(l.size.set && m.Len() == l.size.most, "size")
	add(key, "key length")
	add(value, "length")
	add(empty, "empty value")
	return at
}
