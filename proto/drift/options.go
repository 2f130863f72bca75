package drift

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// options compares option by option. One with a message in it, such as google.api.http, is compared as a whole: a part of it
// means nothing without the rest.
func (c *comparison) options(element string, ours, theirs protoreflect.ProtoMessage) {
	our, their := optionTexts(ours), optionTexts(theirs)
	names := maps.Clone(our)
	maps.Copy(names, their)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		c.declaration(element, name, our[name], their[name])
	}
}

// optionTexts returns the value of each option that is set, by the name that a .proto file sets it with.
func optionTexts(options protoreflect.ProtoMessage) map[string]string {
	texts := make(map[string]string)
	message := options.ProtoReflect()
	message.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		name := "option " + string(field.Name())
		if field.IsExtension() {
			name = "option (" + string(field.FullName()) + ")"
		}
		texts[name] = valueText(field, value)
		return true
	})
	if unknown := message.GetUnknown(); len(unknown) > 0 {
		texts["unknown options"] = fmt.Sprintf("0x%x", []byte(unknown))
	}
	return texts
}

// valueText renders a value on one line. The text and JSON forms of the protobuf module change their white space from build
// to build, so they can't be compared or shown in a test.
func valueText(field protoreflect.FieldDescriptor, value protoreflect.Value) string {
	switch {
	case field.IsMap():
		var entries []string
		value.Map().Range(func(key protoreflect.MapKey, v protoreflect.Value) bool {
			entries = append(entries, scalarText(field.MapKey(), key.Value())+": "+scalarText(field.MapValue(), v))
			return true
		})
		slices.Sort(entries)
		return "{" + strings.Join(entries, ", ") + "}"
	case field.IsList():
		var elements []string
		for i := range value.List().Len() {
			elements = append(elements, scalarText(field, value.List().Get(i)))
		}
		return "[" + strings.Join(elements, ", ") + "]"
	}
	return scalarText(field, value)
}

func scalarText(field protoreflect.FieldDescriptor, value protoreflect.Value) string {
	switch field.Kind() {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return messageText(value.Message())
	case protoreflect.StringKind:
		return strconv.Quote(value.String())
	case protoreflect.BytesKind:
		return fmt.Sprintf("0x%x", value.Bytes())
	case protoreflect.EnumKind:
		if v := field.Enum().Values().ByNumber(value.Enum()); v != nil {
			return string(v.Name())
		}
		return strconv.Itoa(int(value.Enum()))
	default:
		return value.String()
	}
}

func messageText(message protoreflect.Message) string {
	var parts []string
	message.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		parts = append(parts, string(field.Name())+": "+valueText(field, value))
		return true
	})
	slices.Sort(parts)
	if unknown := message.GetUnknown(); len(unknown) > 0 {
		parts = append(parts, fmt.Sprintf("unknown: 0x%x", []byte(unknown)))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}
