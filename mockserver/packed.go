package mockserver

import (
	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// packed are a call's messages as they were on the wire. A journal full of bytes
// is smaller than one full of messages, and the garbage collector has nothing to
// look for in it.
type packed struct {
	desc protoreflect.MethodDescriptor
	// bytes are the parts one after another, each up to its end.
	bytes []byte
	ends  [parts]int
	has   [parts]bool
}

// The parts of packed, in the order in which they come.
const (
	partRequest  = iota
	partComposed // the request encoded anew, where its bytes do not say all of it: over REST, or without any
	partResponse
	parts
)

// append adds to a part, after which none of those before it grows any more.
func (p *packed) append(part int, raw []byte) {
	if p.bytes == nil {
		p.bytes = []byte{} // a part without bytes is not one that was not there
	}
	if need := len(p.bytes) + len(raw); need > cap(p.bytes) {
		// No more than is needed: it is kept as long as the journal.
		p.bytes = append(make([]byte, 0, need), p.bytes...)
	}
	p.bytes = append(p.bytes, raw...)
	p.has[part] = true
	for i := part; i < parts; i++ {
		p.ends[i] = len(p.bytes)
	}
}

// drop takes away a part and those after it.
func (p *packed) drop(part int) {
	end := 0
	if part > 0 {
		end = p.ends[part-1]
	}
	p.bytes = p.bytes[:end]
	for i := part; i < parts; i++ {
		p.ends[i], p.has[i] = end, false
	}
}

// part is nil where there was none.
func (p *packed) part(part int) []byte {
	if !p.has[part] {
		return nil
	}
	begin := 0
	if part > 0 {
		begin = p.ends[part-1]
	}
	return p.bytes[begin:p.ends[part]:p.ends[part]]
}

// decoded is nil where the bytes are no such message.
func decoded(desc protoreflect.MessageDescriptor, raw []byte, codec string) proto.Message {
	kind, err := protoregistry.GlobalTypes.FindMessageByName(desc.FullName())
	if err != nil {
		return nil
	}
	m := kind.New().Interface()
	if codec == connect.CodecNameJSON {
		err = protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(raw, m)
	} else {
		err = proto.Unmarshal(raw, m)
	}
	if err != nil {
		return nil
	}
	return m
}
