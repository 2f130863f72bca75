package rest

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// decodePath sets the fields that the path names. What the body or the query
// set before may agree with the path, but not contradict it.
func decodePath(m protoreflect.Message, b *binding, segments []string) error {
	for i := range b.variables {
		v := &b.variables[i]
		text := v.value(b.template, segments)
		field := v.path.leaf()
		value, ok := parseScalar(field, text)
		if !ok {
			return invalid("%s in the path is %s, want %s", v.path, quote(text), wanted(field))
		}
		holder, err := v.path.holder(m)
		if err != nil {
			return err
		}
		if holder.Has(field) && !holder.Get(field).Equal(value) {
			return invalid("%s is %s in the path but %s in the %s, want the same or only the path",
				v.path, quote(text), quote(holder.Get(field).String()), b.otherSource(v.path))
		}
		holder.Set(field, value)
	}
	return nil
}

// otherSource is where a path's field may come from besides the path.
func (b *binding) otherSource(path fieldPath) string {
	if b.wholeBody || (b.body != nil && path.startsWith(b.body)) {
		return "body"
	}
	return "query"
}

// value is the variable's text. Where it can hold several segments, a slash
// within a segment stays escaped (google/api/http.proto, "The server side does
// the reverse decoding, except "%2F" and "%2f" are left unchanged").
func (v *fieldVariable) value(t *template, segments []string) string {
	to := v.to
	if t.segments[to-1].kind == restSegment {
		to = len(segments)
	}
	if !v.many {
		return unescape(segments[v.from])
	}
	parts := make([]string, 0, to-v.from)
	for _, segment := range segments[v.from:to] {
		parts = append(parts, unescapeKeepingSlash(segment))
	}
	return strings.Join(parts, "/")
}

func unescapeKeepingSlash(segment string) string {
	var out strings.Builder
	start := 0
	for i := 0; i+2 < len(segment); i++ {
		if escape := segment[i : i+3]; escape == "%2F" || escape == "%2f" {
			out.WriteString(unescape(segment[start:i]))
			out.WriteString(escape)
			start = i + 3
			i += 2
		}
	}
	out.WriteString(unescape(segment[start:]))
	return out.String()
}
