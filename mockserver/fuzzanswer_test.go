package mockserver

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/optest-dev/optest/mockserver/internal/rest"
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

func gunzip(data []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(r, fuzzBody+1))
}

// outcome is what an answer says.
type outcome struct {
	unsupported bool // HTTP 415: the answer is in no dialect
	code        codes.Code
	message     string
	messages    [][]byte
}

// read takes an answer in the dialect apart. It is an error when a client of the
// protocol could not read it.
func (d dialect) read(resp *http.Response, body []byte) (outcome, error) {
	if resp.StatusCode == http.StatusUnsupportedMediaType {
		if resp.Header.Get("Accept-Post") == "" || len(body) > 0 {
			return outcome{}, fmt.Errorf("HTTP 415 with Accept-Post %q and %d bytes, want the types that are accepted and none", resp.Header.Get("Accept-Post"), len(body))
		}
		return outcome{unsupported: true}, nil
	}
	if d.protocol == "" {
		return outcome{}, fmt.Errorf("HTTP %d for the content type %q, want 415", resp.StatusCode, d.contentType)
	}
	if !d.framed() {
		return d.readWhole(resp, body)
	}
	return d.readFrames(resp, body)
}

// readWhole reads an answer of Connect's unary calls.
func (d dialect) readWhole(resp *http.Response, body []byte) (outcome, error) {
	if resp.StatusCode != http.StatusOK {
		if got := resp.Header.Get("Content-Type"); got != "application/json" {
			return outcome{}, fmt.Errorf("an error's content type is %q, want application/json", got)
		}
		out, err := connectError(body)
		if want := rest.HTTPStatus(connect.Code(out.code)); err == nil && resp.StatusCode != want {
			err = fmt.Errorf("HTTP %d with code %v, want %d", resp.StatusCode, out.code, want)
		}
		return out, err
	}
	if err := d.sameType(resp); err != nil {
		return outcome{}, err
	}
	if resp.Header.Get("Content-Encoding") == "gzip" {
		var err error
		if body, err = gunzip(body); err != nil {
			return outcome{}, err
		}
	}
	return outcome{messages: [][]byte{body}}, nil
}

// readFrames reads an answer with frames, the last of which may say how it ended.
func (d dialect) readFrames(resp *http.Response, body []byte) (outcome, error) {
	if resp.StatusCode != http.StatusOK {
		return outcome{}, fmt.Errorf("HTTP %d, want 200 and the status in trailers", resp.StatusCode)
	}
	if err := d.sameType(resp); err != nil {
		return outcome{}, err
	}
	list, err := divided(body)
	if err != nil {
		return outcome{}, err
	}
	var out outcome
	ended := false
	for _, f := range list {
		data := f.data
		if f.flags&frameGzip != 0 {
			if encoding := resp.Header.Get(d.encodingHeader()); encoding != "gzip" {
				return outcome{}, fmt.Errorf("a compressed frame without its encoding, got %q", encoding)
			}
			if data, err = gunzip(data); err != nil {
				return outcome{}, err
			}
		}
		if ended {
			return outcome{}, errors.New("a frame after the end")
		}
		switch flags := f.flags &^ frameGzip; {
		case flags == 0:
			out.messages = append(out.messages, data)
		case flags == frameConnectEnd && d.streams:
			ended = true
			err = out.endStream(data)
		case flags == frameWebEnd && d.protocol == connect.ProtocolNameGRPCWeb:
			ended = true
			err = out.webTrailers(data)
		default:
			err = fmt.Errorf("a frame with the flags %#x", f.flags)
		}
		if err != nil {
			return outcome{}, err
		}
	}
	switch {
	case ended:
		return out, nil
	case d.streams:
		return outcome{}, errors.New("a stream without an end")
	case d.protocol == connect.ProtocolNameGRPCWeb:
		return out, out.status(resp.Header)
	}
	return out, out.status(resp.Trailer)
}

// sameType holds the answer's content type against the request's.
func (d dialect) sameType(resp *http.Response) error {
	want, _, err := mime.ParseMediaType(d.contentType)
	if got := resp.Header.Get("Content-Type"); err != nil || got != want {
		return fmt.Errorf("the content type is %q, want that of the request, %q", got, want)
	}
	return nil
}

// connectError reads an error of Connect.
func connectError(raw []byte) (outcome, error) {
	var e struct {
		Code    connect.Code
		Message string
		Details []struct {
			Type, Value string
			Debug       json.RawMessage
		}
	}
	if err := json.Unmarshal(raw, &e); err != nil {
		return outcome{}, fmt.Errorf("error %q: %w", raw, err)
	}
	for _, detail := range e.Details {
		if _, err := base64.RawStdEncoding.DecodeString(detail.Value); err != nil || detail.Type == "" {
			return outcome{}, fmt.Errorf("error %q has a detail of type %q: %w", raw, detail.Type, err)
		}
	}
	if e.Code == 0 {
		return outcome{}, fmt.Errorf("error %q without a code", raw)
	}
	return outcome{code: codes.Code(e.Code), message: e.Message}, nil
}

// endStream reads the message that ends a stream of Connect.
func (o *outcome) endStream(raw []byte) error {
	var end struct {
		Error    json.RawMessage
		Metadata map[string][]string
	}
	if err := json.Unmarshal(raw, &end); err != nil || end.Error == nil {
		return err
	}
	e, err := connectError(end.Error)
	o.code, o.message = e.code, e.message
	return err
}

// webTrailers reads the frame that ends an answer of gRPC-Web.
func (o *outcome) webTrailers(raw []byte) error {
	header := http.Header{}
	for line := range strings.SplitSeq(strings.TrimSuffix(string(raw), "\r\n"), "\r\n") {
		name, value, ok := strings.Cut(line, ":")
		if !ok || name != strings.ToLower(name) {
			return fmt.Errorf("a trailer %q, want name: value with a name in lower case", line)
		}
		header.Add(textproto.CanonicalMIMEHeaderKey(name), strings.TrimSpace(value))
	}
	return o.status(header)
}

// status reads the status of gRPC.
func (o *outcome) status(header http.Header) error {
	text := header.Get("Grpc-Status")
	code, err := strconv.ParseUint(text, 10, 32)
	if err != nil || codes.Code(code) > codes.Unauthenticated {
		return fmt.Errorf("grpc-status %q, want 0 to 16", text)
	}
	o.code = codes.Code(code)
	if o.message, err = url.PathUnescape(header.Get("Grpc-Message")); err != nil {
		return err
	}
	if details := header.Get("Grpc-Status-Details-Bin"); details != "" {
		st := &status.Status{}
		raw, err := base64.RawStdEncoding.DecodeString(details)
		if err == nil {
			err = proto.Unmarshal(raw, st)
		}
		if err != nil || st.GetCode() != int32(o.code) || st.GetMessage() != o.message {
			return fmt.Errorf("details %v (%v) beside %v %q", st, err, o.code, o.message)
		}
	}
	return nil
}
