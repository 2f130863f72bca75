package report

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// anyOf is the type of what is in an Any, nil for other messages and for types
// that are not linked in.
func anyOf(raw []byte, desc protoreflect.MessageDescriptor) protoreflect.MessageDescriptor {
	if desc == nil || desc.FullName() != "google.protobuf.Any" {
		return nil
	}
	url := ""
	for len(raw) > 0 {
		number, kind, tag := protowire.ConsumeTag(raw)
		if tag < 0 {
			break
		}
		length := protowire.ConsumeFieldValue(number, kind, raw[tag:])
		if length < 0 {
			break
		}
		if number == 1 && kind == protowire.BytesType {
			b, _ := protowire.ConsumeBytes(raw[tag:])
			url = string(b)
		}
		raw = raw[tag+length:]
	}
	t, err := protoregistry.GlobalTypes.FindMessageByURL(url)
	if err != nil {
		return nil
	}
	return t.Descriptor()
}

// stamp is a Timestamp as text, empty for other messages and for bytes that are
// none.
func stamp(raw []byte, desc protoreflect.MessageDescriptor) string {
	if desc.FullName() != "google.protobuf.Timestamp" {
		return ""
	}
	var seconds, nanos int64
	for len(raw) > 0 {
		number, kind, tag := protowire.ConsumeTag(raw)
		if tag < 0 || kind != protowire.VarintType || number > 2 {
			return ""
		}
		n, length := protowire.ConsumeVarint(raw[tag:])
		if length < 0 {
			return ""
		}
		if number == 1 {
			seconds = int64(n)
		} else {
			nanos = int64(int32(n))
		}
		raw = raw[tag+length:]
	}
	const first, last = -62135596800, 253402300799
	if seconds < first || seconds > last || nanos < 0 || nanos > 999_999_999 {
		return fmt.Sprintf("no valid time: %d seconds and %d nanoseconds", seconds, nanos)
	}
	return time.Unix(seconds, nanos).UTC().Format(time.RFC3339Nano)
}

// hasBoth reports whether an Operation's bytes have both error and response.
func hasBoth(raw []byte) bool {
	const numberError, numberResponse = 8, 9
	seen := map[protowire.Number]bool{}
	for len(raw) > 0 {
		number, _, length := protowire.ConsumeField(raw)
		if length < 0 {
			break
		}
		seen[number] = true
		raw = raw[length:]
	}
	return seen[numberError] && seen[numberResponse]
}
