package hook

import (
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// call is what is seen of a unary call by and by. It is the call's own codec, which
// is how it comes to its bytes.
type call struct {
	codec           codec
	store           *trace.Store
	withheld        bool
	request         *trace.Blob
	response        *trace.Blob
	undecodable     bool // the response
	header, trailer metadata.MD

	// Written by goroutines of grpc-go that may outlive the call.
	connection atomic.Pointer[address]
	answered   atomic.Bool // with a status of the server
}

// codec is what a client encodes its messages with.
type codec struct {
	inner base // nil: there is none, which grpc-go tells the client
	// subtype is what the codec adds to the content type, empty for nothing.
	subtype string
	kind    optestv1.Event_Codec
}

// base is what grpc-go's three kinds of codecs have in common.
type base interface {
	Marshal(v any) (mem.BufferSlice, error)
	Unmarshal(data mem.BufferSlice, v any) error
}

// codecOf is what grpc-go would choose by the options: the last one that names a
// codec, or the one registered for the content's subtype.
func codecOf(opts []grpc.CallOption) codec {
	var c codec
	subtype := ""
	name := "" // of a codec
	for _, o := range opts {
		switch o := o.(type) {
		case grpc.ContentSubtypeCallOption:
			subtype = o.ContentSubtype
		case grpc.ForceCodecV2CallOption:
			c.inner, name, c.subtype = o.CodecV2, o.CodecV2.Name(), o.CodecV2.Name()
		case grpc.ForceCodecCallOption:
			c.inner, name, c.subtype = flat{o.Codec}, o.Codec.Name(), o.Codec.Name()
		case grpc.CustomCodecCallOption:
			c.inner, name, c.subtype = flat{o.Codec}, o.Codec.String(), ""
		}
	}
	if c.inner == nil {
		if name = subtype; name == "" {
			name = protoName
		}
		c.inner = registered(name)
	}
	c.kind = optestv1.Event_FOREIGN
	if name == protoName {
		c.kind = optestv1.Event_PROTO
	}
	return c
}

const protoName = "proto"

func registered(name string) base {
	if v1 := encoding.GetCodec(name); v1 != nil {
		return flat{v1}
	}
	if v2 := encoding.GetCodecV2(name); v2 != nil {
		return v2
	}
	return nil
}

// flat is a codec for messages in one piece.
type flat struct {
	codec interface {
		Marshal(v any) ([]byte, error)
		Unmarshal(data []byte, v any) error
	}
}

func (f flat) Marshal(v any) (mem.BufferSlice, error) {
	data, err := f.codec.Marshal(v)
	if err != nil {
		return nil, err
	}
	return mem.BufferSlice{mem.SliceBuffer(data)}, nil
}

func (f flat) Unmarshal(data mem.BufferSlice, v any) error {
	return f.codec.Unmarshal(data.Materialize(), v)
}

// Name is the content's subtype, which the codec of the client decides on.
func (c *call) Name() string { return c.codec.subtype }

// Marshal keeps the request.
func (c *call) Marshal(v any) (mem.BufferSlice, error) {
	data, err := c.codec.inner.Marshal(v)
	if err == nil && !c.withheld {
		c.request = c.blob(data)
	}
	return data, err
}

// Unmarshal keeps the response.
func (c *call) Unmarshal(data mem.BufferSlice, v any) error {
	if !c.withheld {
		c.response = c.blob(data)
	}
	err := c.codec.inner.Unmarshal(data, v)
	c.undecodable = err != nil
	return err
}

func (c *call) blob(data mem.BufferSlice) *trace.Blob {
	if len(data) == 1 {
		return c.store.Blob(data[0].ReadOnlyData())
	}
	return c.store.Blob(data.Materialize())
}
