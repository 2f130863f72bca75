package mockserver

import (
	"io"
	"strings"
	"unicode/utf8"

	"connectrpc.com/connect/v2"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// misreading is a request whose bytes a quirk changes before they are decoded,
// over binary protocols.
type misreading struct {
	message proto.Message
	read    []func(protoreflect.MessageDescriptor, []byte) []byte
}

// maxMessage bounds a request that is misread. The transport has bounded it
// already.
const maxMessage = 64 << 20

func (m misreading) decode(src io.Reader) error {
	raw, err := io.ReadAll(io.LimitReader(src, maxMessage))
	if err != nil {
		return err
	}
	for _, read := range m.read {
		raw = read(m.message.ProtoReflect().Descriptor(), raw)
	}
	return proto.Unmarshal(raw, m.message)
}

// reads is what to receive into for the request to be read as quirks have it.
func (c *call) reads(req proto.Message) any {
	if c.info.Codec != connect.CodecNameProto || !c.quirky(nil) {
		return req
	}
	m := misreading{message: req}
	if _, ok := req.(*clouddesktop.UpdateDesktopImageRequest); ok && c.quirk(optestv1.QuirkFault_TAGS_SWAPPED, nil) {
		m.read = append(m.read, swapTags)
	}
	if q := c.has(optestv1.QuirkFault_BAD_UTF8_ACCEPTED, nil); q != nil {
		m.read = append(m.read, func(_ protoreflect.MessageDescriptor, raw []byte) []byte {
			repaired := repairText(req.ProtoReflect().Descriptor(), raw)
			if string(repaired) != string(raw) {
				c.note(q)
			}
			return repaired
		})
	}
	if m.read == nil {
		return req
	}
	return &m
}

// eachField calls f for the fields of an encoded message and returns what f
// makes of them. Bytes that are no message stay as they are.
func eachField(raw []byte, f func(n protowire.Number, t protowire.Type, field []byte) []byte) []byte {
	var out []byte
	for rest := raw; len(rest) > 0; {
		n, t, size := protowire.ConsumeField(rest)
		if size < 0 {
			return raw
		}
		out = append(out, f(n, t, rest[:size])...)
		rest = rest[size:]
	}
	return out
}

// swapTags reads fields 1 and 2 as each other.
func swapTags(_ protoreflect.MessageDescriptor, raw []byte) []byte {
	return eachField(raw, func(n protowire.Number, t protowire.Type, field []byte) []byte {
		if n != 1 && n != 2 || t == protowire.StartGroupType { // a group ends with its tag, too
			return field
		}
		_, _, tag := protowire.ConsumeTag(field)
		return append(protowire.AppendTag(nil, 3-n, t), field[tag:]...)
	})
}

// repairText puts U+FFFD in the place of bytes of texts that are not UTF-8.
func repairText(desc protoreflect.MessageDescriptor, raw []byte) []byte {
	return repairTo(deepest, desc, raw)
}

// deepest bounds the messages within messages that are looked into.
const deepest = 100

func repairTo(depth int, desc protoreflect.MessageDescriptor, raw []byte) []byte {
	return eachField(raw, func(n protowire.Number, t protowire.Type, field []byte) []byte {
		f := desc.Fields().ByNumber(n)
		if f == nil || t != protowire.BytesType {
			return field
		}
		_, _, tag := protowire.ConsumeTag(field)
		value, _ := protowire.ConsumeBytes(field[tag:])
		switch {
		case f.Message() != nil && depth > 0:
			value = repairTo(depth-1, f.Message(), value)
		case f.Kind() == protoreflect.StringKind && !utf8.Valid(value):
			value = []byte(strings.ToValidUTF8(string(value), string(utf8.RuneError)))
		default:
			return field
		}
		return protowire.AppendBytes(protowire.AppendTag(nil, n, t), value)
	})
}
