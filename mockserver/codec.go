package mockserver

import (
	"bytes"
	"context"
	"io"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connectproto"

	"github.com/optest-dev/optest/mockserver/internal/rest"
)

// codecs are Connect's own, except that they write a spoilt answer as it is, read
// as a quirk has it, and show the bytes of a tapped message. They serve gRPC,
// gRPC-Web and Connect alike.
func codecs() []connect.Codec {
	return []connect.Codec{
		codec{connectproto.NewBinaryCodec(), func(s *spoilt) []byte { return s.binary }},
		codec{connectproto.NewJSONCodec(), func(s *spoilt) []byte { return s.json }},
	}
}

type codec struct {
	connect.StableCodec
	spoilt func(*spoilt) []byte
}

func (c codec) MarshalWrite(ctx context.Context, dst io.Writer, message any) error {
	tapped, ok := message.(*rest.Tapped)
	if !ok {
		return c.write(ctx, dst, message)
	}
	if b, ok := dst.(*bytes.Buffer); ok {
		before := b.Len()
		if err := c.write(ctx, b, tapped.Message); err != nil {
			return err
		}
		tapped.Sink.Saw(b.Bytes()[before:])
		return nil
	}
	var b bytes.Buffer
	if err := c.write(ctx, &b, tapped.Message); err != nil {
		return err
	}
	tapped.Sink.Saw(b.Bytes())
	_, err := dst.Write(b.Bytes())
	return err
}

func (c codec) write(ctx context.Context, dst io.Writer, message any) error {
	if s, ok := message.(*spoilt); ok {
		_, err := dst.Write(c.spoilt(s))
		return err
	}
	return c.StableCodec.MarshalWrite(ctx, dst, message)
}

func (c codec) UnmarshalRead(ctx context.Context, src io.Reader, message any) error {
	if tapped, ok := message.(*rest.Tapped); ok {
		b, ok := src.(*bytes.Buffer)
		if !ok {
			b = new(bytes.Buffer)
			if _, err := b.ReadFrom(src); err != nil { // what the transport has bounded
				return err
			}
		}
		tapped.Sink.Saw(b.Bytes())
		src, message = b, tapped.Message
	}
	if m, ok := message.(*misreading); ok {
		return m.decode(src)
	}
	return c.StableCodec.UnmarshalRead(ctx, src, message)
}
