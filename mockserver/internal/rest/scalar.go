package rest

import (
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// parseScalar reads the text of a path variable or query parameter as field,
// which is no message. The forms are ProtoJSON's without quotes.
func parseScalar(field protoreflect.FieldDescriptor, text string) (value protoreflect.Value, ok bool) {
	var err error
	switch field.Kind() {
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(text), utf8.ValidString(text)
	case protoreflect.BytesKind:
		raw, ok := parseBase64(text)
		return protoreflect.ValueOfBytes(raw), ok
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(text == "true"), text == "true" || text == "false"
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		var n int64
		n, err = strconv.ParseInt(text, 10, 32)
		value = protoreflect.ValueOfInt32(int32(n))
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		var n int64
		n, err = strconv.ParseInt(text, 10, 64)
		value = protoreflect.ValueOfInt64(n)
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		var n uint64
		n, err = strconv.ParseUint(text, 10, 32)
		value = protoreflect.ValueOfUint32(uint32(n))
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		var n uint64
		n, err = strconv.ParseUint(text, 10, 64)
		value = protoreflect.ValueOfUint64(n)
	case protoreflect.FloatKind:
		f, ok := parseFloat(text, 32)
		return protoreflect.ValueOfFloat32(float32(f)), ok
	case protoreflect.DoubleKind:
		f, ok := parseFloat(text, 64)
		return protoreflect.ValueOfFloat64(f), ok
	case protoreflect.EnumKind:
		n, ok := parseEnum(field.Enum(), text)
		return protoreflect.ValueOfEnum(n), ok
	default:
		return protoreflect.Value{}, false
	}
	return value, err == nil
}

// parseBase64 takes the standard and the URL alphabet, padded or not.
func parseBase64(text string) ([]byte, bool) {
	encoding := base64.RawStdEncoding
	if strings.ContainsAny(text, "-_") {
		encoding = base64.RawURLEncoding
	}
	if len(text)%4 == 0 {
		encoding = encoding.WithPadding(base64.StdPadding)
	}
	raw, err := encoding.DecodeString(text)
	// DecodeString skips line breaks, which no client means to send here.
	return raw, err == nil && !strings.ContainsAny(text, "\r\n")
}

func parseFloat(text string, bits int) (float64, bool) {
	switch text {
	case "NaN":
		return math.NaN(), true
	case "Infinity":
		return math.Inf(1), true
	case "-Infinity":
		return math.Inf(-1), true
	}
	// ParseFloat knows more names and hexadecimal, ProtoJSON does not.
	if strings.Trim(text, "0123456789+-.eE") != "" {
		return 0, false
	}
	f, err := strconv.ParseFloat(text, bits)
	return f, err == nil
}

func parseEnum(enum protoreflect.EnumDescriptor, text string) (protoreflect.EnumNumber, bool) {
	if value := enum.Values().ByName(protoreflect.Name(text)); value != nil {
		return value.Number(), true
	}
	n, err := strconv.ParseInt(text, 10, 32)
	number := protoreflect.EnumNumber(n)
	if err != nil || enum.IsClosed() && enum.Values().ByNumber(number) == nil {
		return 0, false
	}
	return number, true
}

// maxListed bounds the names that an error lists.
const maxListed = 20

// wanted says which text field takes.
func wanted(field protoreflect.FieldDescriptor) string {
	switch field.Kind() {
	case protoreflect.StringKind:
		return "valid UTF-8"
	case protoreflect.BytesKind:
		return "base64"
	case protoreflect.BoolKind:
		return "true or false"
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return fmt.Sprintf("a decimal integer from %d to %d", math.MinInt32, math.MaxInt32)
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return fmt.Sprintf("a decimal integer from %d to %d", math.MinInt64, math.MaxInt64)
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return fmt.Sprintf("a decimal integer from 0 to %d", math.MaxUint32)
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return fmt.Sprintf("a decimal integer from 0 to %d", uint64(math.MaxUint64))
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return "a decimal number in range, NaN, Infinity or -Infinity"
	case protoreflect.EnumKind:
		values := field.Enum().Values()
		names := make([]string, values.Len())
		for i := range names {
			names[i] = string(values.Get(i).Name())
		}
		return "one of " + list(names)
	default:
		return "no text"
	}
}

func list(names []string) string {
	if len(names) > maxListed {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:maxListed], ", "), len(names)-maxListed)
	}
	return strings.Join(names, ", ")
}
