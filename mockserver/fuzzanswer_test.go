package mockserver

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"

	"connectrpc.com/connect/v2"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/optest-dev/optest/mockserver/internal/rest"
)

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
