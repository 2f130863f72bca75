package rest

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// fieldPath leads from a message to one of its fields, through singular
// messages.
type fieldPath []protoreflect.FieldDescriptor

// findPath follows the proto names of an annotation.
func findPath(message protoreflect.MessageDescriptor, path []protoreflect.Name) (fieldPath, error) {
	var out fieldPath
	for i, name := range path {
		if message == nil {
			return nil, fmt.Errorf("field %q of %s, want a message before the dot", name, out)
		}
		field := message.Fields().ByName(name)
		if field == nil {
			return nil, fmt.Errorf("field %q, want a field of %s", name, message.FullName())
		}
		out = append(out, field)
		message = field.Message()
		if i < len(path)-1 && field.Cardinality() == protoreflect.Repeated {
			return nil, fmt.Errorf("field %q is repeated, want a singular message before the dot", name)
		}
	}
	return out, nil
}

func (p fieldPath) leaf() protoreflect.FieldDescriptor { return p[len(p)-1] }

// String is the path in JSON names, as a client writes it.
func (p fieldPath) String() string {
	parts := make([]string, len(p))
	for i, field := range p {
		parts[i] = field.JSONName()
	}
	return strings.Join(parts, ".")
}

func (p fieldPath) equal(other fieldPath) bool {
	return len(p) == len(other) && p.startsWith(other)
}

func (p fieldPath) startsWith(prefix fieldPath) bool {
	if len(p) < len(prefix) {
		return false
	}
	for i, field := range prefix {
		if p[i].Number() != field.Number() {
			return false
		}
	}
	return true
}

// holder returns the message in m that has the path's last field, made if
// absent. It refuses to switch a oneof that something else in the request set.
func (p fieldPath) holder(m protoreflect.Message) (protoreflect.Message, error) {
	for i, field := range p {
		if oneof := field.ContainingOneof(); oneof != nil && !oneof.IsSynthetic() {
			if set := m.WhichOneof(oneof); set != nil && set.Number() != field.Number() {
				return nil, invalid("%s and %s both given, want one of oneof %s", set.JSONName(), p, oneof.Name())
			}
		}
		if i == len(p)-1 {
			break
		}
		m = m.Mutable(field).Message()
	}
	return m, nil
}

// findField accepts a field's JSON and proto names, as ProtoJSON does.
func findField(message protoreflect.MessageDescriptor, name string) protoreflect.FieldDescriptor {
	if field := message.Fields().ByJSONName(name); field != nil {
		return field
	}
	return message.Fields().ByTextName(name)
}

func invalid(format string, args ...any) *connect.Error {
	return connect.Errorf(connect.CodeInvalidArgument, "optest: "+format, args...)
}

// maxQuoted bounds what of a request an error repeats, in bytes.
const maxQuoted = 120

func quote(text string) string {
	if len(text) <= maxQuoted {
		return fmt.Sprintf("%q", text)
	}
	cut := maxQuoted
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return fmt.Sprintf("%q and %d bytes more", text[:cut], len(text)-cut)
}
