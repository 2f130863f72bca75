package rules

import "google.golang.org/protobuf/encoding/protowire"

// Tag is a field of an encoded message as it stands on the wire.
type Tag struct {
	Number protowire.Number
	Type   protowire.Type
	// Value is what comes after the tag: of a field with a length, without it.
	Value []byte
}

// Tags are the fields of an encoded message, in order. It reports false for
// bytes that are no message.
func Tags(raw []byte) (tags []Tag, ok bool) {
	for len(raw) > 0 {
		n, typ, size := protowire.ConsumeTag(raw)
		if size < 0 {
			return tags, false
		}
		raw = raw[size:]
		length := protowire.ConsumeFieldValue(n, typ, raw)
		if length < 0 {
			return tags, false
		}
		value := raw[:length]
		if typ == protowire.BytesType {
			value, _ = protowire.ConsumeBytes(value)
		}
		tags = append(tags, Tag{n, typ, value})
		raw = raw[length:]
	}
	return tags, true
}
