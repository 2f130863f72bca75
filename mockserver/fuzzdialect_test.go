package mockserver

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"testing"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// dialect is a content type and what it stands for.
type dialect struct {
	contentType string
	protocol    string // empty: nobody's
	json        bool
	streams     bool // Connect's for methods that stream
}

var dialects = []dialect{
	{contentType: "application/json", protocol: connect.ProtocolNameConnect, json: true},
	{contentType: "application/proto", protocol: connect.ProtocolNameConnect},
	{contentType: "application/json; charset=UTF-8", protocol: connect.ProtocolNameConnect, json: true},
	{contentType: "application/grpc", protocol: connect.ProtocolNameGRPC},
	{contentType: "application/grpc+proto", protocol: connect.ProtocolNameGRPC},
	{contentType: "application/grpc+json", protocol: connect.ProtocolNameGRPC, json: true},
	{contentType: "application/grpc-web", protocol: connect.ProtocolNameGRPCWeb},
	{contentType: "application/grpc-web+proto", protocol: connect.ProtocolNameGRPCWeb},
	{contentType: "application/grpc-web+json", protocol: connect.ProtocolNameGRPCWeb, json: true},
	{contentType: "application/connect+json", protocol: connect.ProtocolNameConnect, json: true, streams: true},
	{contentType: "application/connect+proto", protocol: connect.ProtocolNameConnect, streams: true},
	{contentType: "application/grpc-web-text"},
	{contentType: "application/grpc+thrift"},
	{contentType: "application/x-protobuf"},
	{contentType: "application/json; charset=latin1"},
	{contentType: ""},
}

// dialectOf finds a dialect for a seed.
func dialectOf(tb testing.TB, contentType string) uint8 {
	tb.Helper()
	for i, d := range dialects {
		if d.contentType == contentType {
			return uint8(i)
		}
	}
	tb.Fatalf("no dialect has the content type %q", contentType)
	return 0
}

// framed: messages have a prefix of five bytes.
func (d dialect) framed() bool { return d.streams || d.protocol != connect.ProtocolNameConnect }

// fits reports whether a method is served in the dialect.
func (d dialect) fits(m protoreflect.MethodDescriptor) bool {
	return d.protocol != "" && (d.protocol != connect.ProtocolNameConnect || d.streams == m.IsStreamingServer())
}

func (d dialect) encode(m proto.Message) ([]byte, error) {
	if d.json {
		return protojson.Marshal(m)
	}
	return proto.Marshal(m)
}

// decode is what the server has to make of a message.
func (d dialect) decode(raw []byte, m proto.Message) error {
	switch {
	case d.json && len(raw) == 0 && d.framed():
		return nil // a frame without content is an empty message
	case d.json:
		return protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(raw, m)
	}
	return proto.Unmarshal(raw, m)
}

// encodingHeader names how a message, or the messages of all frames that say so,
// are compressed.
func (d dialect) encodingHeader() string {
	switch {
	case !d.framed():
		return "Content-Encoding"
	case d.streams:
		return "Connect-Content-Encoding"
	}
	return "Grpc-Encoding"
}

// newOf is an empty message of a type that is linked in.
func newOf(tb testing.TB, desc protoreflect.MessageDescriptor) proto.Message {
	tb.Helper()
	kind, err := protoregistry.GlobalTypes.FindMessageByName(desc.FullName())
	if err != nil {
		tb.Fatal(err)
	}
	return kind.New().Interface()
}

const (
	frameGzip       = 1
	frameConnectEnd = 2    // Connect's end of a stream
	frameWebEnd     = 0x80 // the trailers of gRPC-Web
	framePrefix     = 5
)

func frameOf(flags byte, message []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{flags}, uint32(len(message))), message...)
}

type messageFrame struct {
	flags byte
	data  []byte
}

// divided are the frames of a body that has nothing but whole ones.
func divided(body []byte) ([]messageFrame, error) {
	var list []messageFrame
	for len(body) > 0 {
		if len(body) < framePrefix {
			return nil, fmt.Errorf("%d bytes in the place of a frame", len(body))
		}
		size := int64(binary.BigEndian.Uint32(body[1:framePrefix]))
		if size > int64(len(body)-framePrefix) {
			return nil, fmt.Errorf("%d bytes of a frame with %d", len(body)-framePrefix, size)
		}
		list = append(list, messageFrame{body[0], body[framePrefix : framePrefix+size]})
		body = body[framePrefix+size:]
	}
	return list, nil
}

// soFar are the messages of a body that may break off.
func soFar(body []byte) [][]byte {
	var list [][]byte
	for {
		if len(body) < framePrefix {
			return list
		}
		size := int64(binary.BigEndian.Uint32(body[1:framePrefix]))
		if size > int64(len(body)-framePrefix) || body[0] != 0 {
			return list
		}
		list = append(list, body[framePrefix:framePrefix+size])
		body = body[framePrefix+size:]
	}
}

func gunzip(data []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(r, fuzzBody+1))
}
