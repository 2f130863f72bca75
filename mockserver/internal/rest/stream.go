package rest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strconv"

	"connectrpc.com/connect/v2"
	"google.golang.org/protobuf/proto"
)

// stream is the connect.ServerStream of one REST call. It holds the answer back
// until the call has returned, because an error after Send still decides the
// HTTP status, and trailers set that late still go out.
type stream struct {
	config   *config
	binding  *binding
	segments []string
	info     *connect.CallInfo
	w        http.ResponseWriter
	r        *http.Request

	received bool
	answer   *bytes.Buffer
}

var _ connect.ServerStream = (*stream)(nil)

// Receive decodes the request into msg. Interceptors have run by then.
func (s *stream) Receive(msg any) error {
	if s.received {
		return io.EOF
	}
	s.received = true
	tapped, _ := msg.(*Tapped)
	if tapped != nil {
		msg = tapped.Message
	}
	message, ok := msg.(proto.Message)
	if !ok {
		return connect.Errorf(connect.CodeInternal, "optest: %s receives into a %T, want a %s",
			s.binding.spec.Procedure, msg, s.binding.method.Input().FullName())
	}
	m := message.ProtoReflect()
	if m.Descriptor() != s.binding.method.Input() {
		return connect.Errorf(connect.CodeInternal, "optest: %s receives into a %s, want the %s of the published method descriptor",
			s.binding.spec.Procedure, m.Descriptor().FullName(), s.binding.method.Input().FullName())
	}
	body := takeBuffer()
	defer giveBuffer(body)
	if err := readBody(s.w, s.r, s.config.maxBody, body); err != nil {
		return err
	}
	if tapped != nil && body.Len() > 0 {
		tapped.Sink.Saw(body.Bytes())
	}
	s.info.ReceiveStats = connect.MessageStats{Size: body.Len()}
	proto.Reset(message)
	if err := decodeBody(m, s.binding, body.Bytes()); err != nil {
		return err
	}
	if err := decodeQuery(m, s.binding, s.r.URL.RawQuery); err != nil {
		return err
	}
	if err := decodePath(m, s.binding, s.segments); err != nil {
		return err
	}
	if err := proto.CheckInitialized(message); err != nil {
		return invalid("request: %s, want every required field", plainProtoError(err))
	}
	return nil
}

// SendHeaders does nothing: flushed headers would commit the call to 200.
func (s *stream) SendHeaders() error { return nil }

// Send encodes msg. It keeps nothing of msg.
func (s *stream) Send(msg any) error {
	if s.answer != nil {
		return connect.Errorf(connect.CodeInternal, "optest: %s sends a second message, want one", s.binding.spec.Procedure)
	}
	tapped, _ := msg.(*Tapped)
	if tapped != nil {
		msg = tapped.Message
	}
	answer := takeBuffer()
	if err := s.encode(s.r.Context(), answer, msg); err != nil {
		giveBuffer(answer)
		if _, ok := asConnect(err); ok {
			return err
		}
		return connect.Errorf(connect.CodeInternal, "optest: answer of %s: %s, want what the encoder takes",
			s.binding.spec.Procedure, plainProtoError(err)).WithCause(err)
	}
	if tapped != nil {
		tapped.Sink.Saw(answer.Bytes())
	}
	s.answer = answer
	s.info.SendStats = connect.MessageStats{Size: answer.Len()}
	return nil
}

func (s *stream) encode(ctx context.Context, dst *bytes.Buffer, msg any) error {
	if message, ok := msg.(proto.Message); ok && s.binding.response != nil {
		return encodeField(ctx, dst, message.ProtoReflect(), s.binding.response, s.config.encode)
	}
	return s.config.encode(ctx, dst, msg)
}

// finish writes the outcome of the call.
func (s *stream) finish(err error) {
	header := s.w.Header()
	addHeader(header, s.info.ResponseHeader())
	addHeader(header, s.info.ResponseTrailer())
	if s.answer != nil {
		defer giveBuffer(s.answer)
	}
	switch {
	case err != nil:
		writeVerdict(s.w, err)
	case s.answer == nil:
		writeError(s.w, http.StatusInternalServerError, connect.Errorf(connect.CodeInternal,
			"optest: %s returned neither a message nor an error, want one of them", s.binding.spec.Procedure))
	default:
		writeJSON(s.w, http.StatusOK, s.answer.Bytes())
	}
}

// ownHeaders are those that describe the body as this package sends it.
var ownHeaders = map[string]bool{
	"Content-Type":      true,
	"Content-Length":    true,
	"Content-Encoding":  true,
	"Transfer-Encoding": true,
	"Trailer":           true,
	"Date":              true,
}

func addHeader(to http.Header, from *connect.Header) {
	for key, values := range from.All() {
		if !ownHeaders[key] {
			to[key] = append(to[key], values...)
		}
	}
}

func writeJSON(w http.ResponseWriter, status int, body []byte) {
	write(w, status, jsonContentType, body)
}

func write(w http.ResponseWriter, status int, contentType []string, body []byte) {
	header := w.Header()
	header["Content-Type"] = contentType
	header["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	// A client that has gone away is no business of the call.
	_, _ = w.Write(body)
}

// Content types are shared by all answers; net/http only reads them.
var (
	jsonContentType = []string{"application/json"}
	textContentType = []string{"text/plain"}
)
