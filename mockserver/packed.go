package mockserver

import (
	"net/http"
	"slices"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/optest-dev/optest/mockserver/internal/rest"
	"github.com/optest-dev/optest/trace"
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

// What a call that is used again may keep room for.
const (
	keptLines   = 64
	keptEncoded = 4 << 10 // bytes
)

// append adds to a part, after which none of those before it grows any more.
func (p *packed) append(part int, raw []byte) {
	if p.bytes == nil {
		p.bytes = []byte{} // a part without bytes is not one that was not there
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

// requestSink and responseSink take a call's messages in while they are encoded
// and decoded.
type (
	requestSink  call
	responseSink call
)

func (c *requestSink) Saw(raw []byte)  { c.packed.append(partRequest, raw) }
func (c *responseSink) Saw(raw []byte) { c.packed.append(partResponse, raw) }

// receives is what to receive into, for m to be received.
func (c *call) receives(m any) any {
	c.in = rest.Tapped{Message: m, Sink: (*requestSink)(c)}
	return &c.in
}

// sends is what to send for m.
func (c *call) sends(m any) any {
	c.out = rest.Tapped{Message: m, Sink: (*responseSink)(c)}
	return &c.out
}

// compose keeps of a request what its body does not say.
func (c *call) compose(m proto.Message) {
	if c.record.Protocol != rest.ProtocolName {
		if !c.packed.has[partRequest] {
			// A frame without content: Connect decodes none, in JSON either.
			c.packed.append(partRequest, nil)
			c.packed.append(partComposed, nil)
		}
		return
	}
	if encoded, err := proto.Marshal(m); err == nil { // it was decoded
		c.packed.append(partComposed, encoded)
	}
}

// size is what a call takes beyond itself, in bytes.
func (c *call) size() int {
	n := len(c.packed.bytes) + len(c.target)
	for _, list := range []trace.Fields{c.asked, c.added, c.trailer} {
		for _, f := range list {
			n += len(f.Name) + len(f.Value)
		}
	}
	return n
}

// copied shares nothing that the holder could change.
func (c *call) copied() Call {
	out := c.record
	out.Header, out.ResponseHeader, out.ResponseTrailer = headerOf(c.asked), headerOf(c.added), headerOf(c.trailer)
	if c.verb != "" {
		out.HTTPRequest = c.verb + " " + new(trace.Redactor).Target(c.target)
	}
	p := &c.packed
	out.RequestBytes = slices.Clone(p.part(partRequest))
	out.ResponseBytes = slices.Clone(p.part(partResponse))
	if p.desc == nil {
		return out
	}
	switch raw := p.part(partComposed); {
	case raw != nil:
		out.Request = decoded(p.desc.Input(), raw, connect.CodecNameProto)
	case out.RequestBytes != nil:
		out.Request = decoded(p.desc.Input(), out.RequestBytes, out.Codec)
	}
	if out.ResponseBytes != nil && !c.record.Foreign {
		out.Response = decoded(p.desc.Output(), out.ResponseBytes, out.Codec)
	}
	return out
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

func headerOf(list trace.Fields) http.Header {
	h := make(http.Header, len(list))
	for _, f := range list {
		name := http.CanonicalHeaderKey(f.Name)
		h[name] = append(h[name], f.Value)
	}
	return h
}
