package mockserver

import (
	"context"
	"io"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connectproto"

	"github.com/optest-dev/optest/mockserver/internal/rest"
)

// spoilt is an answer that no message can hold: its bytes, in both encodings.
type spoilt struct{ binary, json []byte }

// codecs are Connect's own, except that they write a spoilt answer as it is. They
// serve gRPC, gRPC-Web and Connect alike.
func codecs() []connect.Codec {
	return []connect.Codec{
		spoiling{connectproto.NewBinaryCodec(), func(s *spoilt) []byte { return s.binary }},
		spoiling{connectproto.NewJSONCodec(), func(s *spoilt) []byte { return s.json }},
	}
}

type spoiling struct {
	connect.StableCodec
	bytes func(*spoilt) []byte
}

func (c spoiling) MarshalWrite(ctx context.Context, dst io.Writer, message any) error {
	if s, ok := message.(*spoilt); ok {
		_, err := dst.Write(c.bytes(s))
		return err
	}
	return c.StableCodec.MarshalWrite(ctx, dst, message)
}

func (c spoiling) UnmarshalRead(ctx context.Context, src io.Reader, message any) error {
	if m, ok := message.(*misreading); ok {
		return m.decode(src)
	}
	return c.StableCodec.UnmarshalRead(ctx, src, message)
}

// encodeREST is rest.EncodeJSON, except for a spoilt answer.
func encodeREST(ctx context.Context, dst io.Writer, message any) error {
	if s, ok := message.(*spoilt); ok {
		_, err := dst.Write(s.json)
		return err
	}
	return rest.EncodeJSON(ctx, dst, message)
}
