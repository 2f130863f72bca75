package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// maxPooled bounds the buffers that are kept for the next call, in bytes.
const maxPooled = 1 << 20

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func takeBuffer() *bytes.Buffer {
	buffer, ok := buffers.Get().(*bytes.Buffer)
	if !ok {
		return new(bytes.Buffer)
	}
	return buffer
}

func giveBuffer(buffer *bytes.Buffer) {
	if buffer.Cap() <= maxPooled {
		buffer.Reset()
		buffers.Put(buffer)
	}
}

// EncodeJSON is the default [Encoder]: ProtoJSON with lower camel case names,
// absent fields left out and no white space, the same bytes for equal messages
// in every build. Message types within Any come from the global registry.
func EncodeJSON(_ context.Context, dst io.Writer, msg any) error {
	message, ok := msg.(proto.Message)
	if !ok {
		return fmt.Errorf("optest: answer of type %T, want a proto.Message", msg)
	}
	buffer, ok := dst.(*bytes.Buffer)
	if !ok {
		buffer = takeBuffer()
		defer giveBuffer(buffer)
	}
	raw, err := protojson.MarshalOptions{}.MarshalAppend(buffer.AvailableBuffer(), message)
	if err != nil {
		return err
	}
	_, err = dst.Write(compact(raw))
	return err
}

// compact drops the white space that package protojson puts in at random. It
// works in place on valid JSON.
func compact(raw []byte) []byte {
	out := raw[:0]
	inString := false
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		switch {
		case inString && c == '\\':
			out = append(out, c)
			i++
			c = raw[i]
		case c == '"':
			inString = !inString
		case !inString && (c == ' ' || c == '\n' || c == '\t' || c == '\r'):
			continue
		}
		out = append(out, c)
	}
	return out
}

// encodeField writes one field of m as the whole answer (response_body). The
// field is cut from the encoded message, so that encode sees what it always
// sees; a result that is no object, as from a fault, goes out as it is.
func encodeField(ctx context.Context, dst *bytes.Buffer, m protoreflect.Message, field protoreflect.FieldDescriptor, encode Encoder) error {
	only := m.New()
	if m.Has(field) {
		only.Set(field, m.Get(field))
	}
	var whole bytes.Buffer
	if err := encode(ctx, &whole, only.Interface()); err != nil {
		return err
	}
	value, isObject, err := member(whole.Bytes(), field)
	if isObject && err == nil && value == nil {
		var raw []byte
		if raw, err = (protojson.MarshalOptions{EmitUnpopulated: true}).Marshal(only.Interface()); err == nil {
			value, _, err = member(raw, field)
		}
	}
	if err != nil {
		return err
	}
	dst.Write(value)
	return nil
}

func member(raw []byte, field protoreflect.FieldDescriptor) (value []byte, isObject bool, err error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(raw, &object); err != nil {
		return raw, false, nil //nolint:nilerr // not an object: the caller wants it verbatim
	}
	return object[field.JSONName()], true, nil
}
