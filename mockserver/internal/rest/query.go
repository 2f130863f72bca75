package rest

import (
	"encoding/json"
	"net/url"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// maxDepth bounds the dots in the name of a query parameter, since a message
// type may contain itself.
const maxDepth = 32

// decodeQuery sets the fields that the query names, in its order. Parameters
// that are no fields, such as "alt" or "$fields", are refused like any typo.
func decodeQuery(m protoreflect.Message, b *binding, query string) error {
	if query == "" {
		return nil
	}
	seen := map[string]bool{}
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		rawName, rawText, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(rawName)
		if err != nil {
			return invalid("name of query parameter %s, want it percent-encoded: %v", quote(pair), err)
		}
		text, err := url.QueryUnescape(rawText)
		if err != nil {
			return invalid("value of query parameter %s, want it percent-encoded: %v", quote(pair), err)
		}
		path, err := parameterPath(b, name)
		if err != nil {
			return err
		}
		if path.leaf().Cardinality() != protoreflect.Repeated {
			key := path.String()
			if seen[key] {
				return invalid("query parameter %s given twice, want once: it is not repeated", quote(name))
			}
			seen[key] = true
		}
		if err := setParameter(m, path, name, text); err != nil {
			return err
		}
	}
	return nil
}

// parameterPath finds the field of a query parameter and refuses what the
// annotation language keeps out of a query.
func parameterPath(b *binding, name string) (fieldPath, error) {
	if b.wholeBody {
		return nil, invalid("query parameter %s, want none: %s takes every field in the body", quote(name), b.method.Name())
	}
	if strings.Count(name, ".") >= maxDepth {
		return nil, invalid("query parameter %s has %d dots, want less than %d", quote(name), strings.Count(name, "."), maxDepth)
	}
	var path fieldPath
	message := b.method.Input()
	for part := range strings.SplitSeq(name, ".") {
		if path != nil {
			if leaf := path.leaf(); leaf.Cardinality() == protoreflect.Repeated || leaf.Message() == nil || wellKnown(leaf.Message()) {
				return nil, invalid("query parameter %s goes on after %s, want nothing after it: it has no fields of its own in a query",
					quote(name), path)
			}
			message = path.leaf().Message()
		}
		field := findField(message, part)
		if field == nil {
			return nil, invalid("query parameter %s, want a field of %s: %s", quote(name), message.FullName(), fieldNames(b, path, message))
		}
		path = append(path, field)
	}
	if b.body != nil && (path.startsWith(b.body) || b.body.startsWith(path)) {
		return nil, invalid("query parameter %s, want it in the body, which holds %s", quote(name), b.body)
	}
	leaf := path.leaf()
	switch {
	case leaf.IsMap():
		return nil, invalid("query parameter %s is a map, want no map in a query: it has no form there", quote(name))
	case leaf.Message() == nil || textual(leaf.Message()):
		return path, nil
	case leaf.Cardinality() == protoreflect.Repeated:
		return nil, invalid("query parameter %s is a list of %s, want no list of messages in a query", quote(name), leaf.Message().FullName())
	case wellKnown(leaf.Message()):
		return nil, invalid("query parameter %s is a %s, want no such message in a query: it has no form there", quote(name), leaf.Message().FullName())
	default:
		return nil, invalid("query parameter %s is a %s, want one parameter for each of its fields: %s",
			quote(name), leaf.Message().FullName(), fieldNames(b, path, leaf.Message()))
	}
}

// fieldNames lists what could follow path in a query.
func fieldNames(b *binding, path fieldPath, message protoreflect.MessageDescriptor) string {
	var names []string
	fields := message.Fields()
	for i := range fields.Len() {
		full := append(path[:len(path):len(path)], fields.Get(i))
		if b.body != nil && full.equal(b.body) {
			continue
		}
		names = append(names, full.String())
	}
	if len(names) == 0 {
		return "it has none"
	}
	return list(names)
}

func setParameter(m protoreflect.Message, path fieldPath, name, text string) error {
	field := path.leaf()
	holder, err := path.holder(m)
	if err != nil {
		return err
	}
	var value protoreflect.Value
	switch {
	case field.Message() == nil:
		var ok bool
		if value, ok = parseScalar(field, text); !ok {
			return invalid("query parameter %s is %s, want %s", quote(name), quote(text), wanted(field))
		}
	case field.IsList():
		value = holder.NewField(field).List().NewElement()
	default:
		value = holder.NewField(field)
	}
	if field.Message() != nil && !parseTextual(value.Message(), text) {
		return invalid("query parameter %s is %s, want %s", quote(name), quote(text), wantedTextual(field.Message()))
	}
	if field.IsList() {
		holder.Mutable(field).List().Append(value)
	} else {
		holder.Set(field, value)
	}
	return nil
}

// wellKnown says that ProtoJSON has a form of its own for message, which knows
// nothing of its fields.
func wellKnown(message protoreflect.MessageDescriptor) bool {
	return message.FullName().Parent() == "google.protobuf"
}

// textual says that ProtoJSON writes message as one string, number or bool.
func textual(message protoreflect.MessageDescriptor) bool {
	return wantedTextual(message) != ""
}

func wantedTextual(message protoreflect.MessageDescriptor) string {
	switch message.FullName() {
	case "google.protobuf.Timestamp":
		return "RFC 3339 time such as 2026-01-02T15:04:05Z, a plus sign escaped as %2B"
	case "google.protobuf.Duration":
		return "seconds such as 1.5s"
	case "google.protobuf.FieldMask":
		return "lower camel case paths such as name,minDiskSize"
	}
	if field := wrapped(message); field != nil {
		return wanted(field)
	}
	return ""
}

func wrapped(message protoreflect.MessageDescriptor) protoreflect.FieldDescriptor {
	switch message.FullName() {
	case "google.protobuf.DoubleValue", "google.protobuf.FloatValue",
		"google.protobuf.Int64Value", "google.protobuf.UInt64Value",
		"google.protobuf.Int32Value", "google.protobuf.UInt32Value",
		"google.protobuf.BoolValue", "google.protobuf.StringValue", "google.protobuf.BytesValue":
		return message.Fields().ByNumber(1)
	}
	return nil
}

func parseTextual(m protoreflect.Message, text string) bool {
	if field := wrapped(m.Descriptor()); field != nil {
		value, ok := parseScalar(field, text)
		if ok {
			m.Set(field, value)
		}
		return ok
	}
	quoted, err := json.Marshal(text)
	return err == nil && protojson.Unmarshal(quoted, m.Interface()) == nil
}
