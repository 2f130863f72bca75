package honest

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

const mostBody = 1 << 20 // bytes

// overHTTP tells protocols apart by the content type.
func (c *Core) overHTTP(overGRPC http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		method := strings.TrimPrefix(r.URL.Path, "/")
		_, known := requests[method]
		switch {
		case err == nil && (kind == "application/grpc" || strings.HasPrefix(kind, "application/grpc+")):
			overGRPC.ServeHTTP(w, r)
		case err == nil && known && r.Method == http.MethodPost && kind == "application/grpc-web+proto":
			c.grpcWeb(w, r, method)
		case err == nil && known && r.Method == http.MethodPost && (kind == "application/proto" || kind == "application/json"):
			c.connect(w, r, method, kind)
		default:
			c.rest(w, r)
		}
	})
}

// call answers a request with that body.
func (c *Core) call(ctx context.Context, w http.ResponseWriter, r *http.Request, method string, decode func(body []byte, into proto.Message) error) (proto.Message, *status.Status) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostBody))
	if err != nil {
		return nil, status.New(codes.InvalidArgument, "The request can't be read")
	}
	call := &Call{Method: method, Request: requests[method](), Header: r.Header.Get, Conn: connOf(r.Context()), Reply: map[string]string{}}
	if err := decode(body, call.Request); err != nil {
		return nil, status.New(codes.InvalidArgument, "The request can't be decoded")
	}
	response, err := c.serve(ctx, call)
	for name, value := range call.Reply {
		w.Header().Set(name, value)
	}
	if err != nil {
		return nil, status.Convert(err)
	}
	return response, nil
}

// grpcWeb answers in two frames: the message and the trailers.
func (c *Core) grpcWeb(w http.ResponseWriter, r *http.Request, method string) {
	const prefix = 5
	ctx, cancel := deadline(r.Context(), r.Header.Get("Grpc-Timeout"))
	defer cancel()
	response, st := c.call(ctx, w, r, method, func(body []byte, into proto.Message) error {
		if len(body) < prefix || int(binary.BigEndian.Uint32(body[1:])) != len(body)-prefix || body[0] != 0 {
			return io.ErrUnexpectedEOF
		}
		return proto.Unmarshal(body[prefix:], into)
	})
	var frames []byte
	frame := func(flags byte, content []byte) {
		frames = append(frames, flags)
		frames = binary.BigEndian.AppendUint32(frames, uint32(len(content)))
		frames = append(frames, content...)
	}
	if st == nil {
		if message, err := proto.Marshal(response); err == nil {
			frame(0, message)
		} else {
			st = status.New(codes.Internal, "The answer can't be encoded")
		}
	}
	trailers := fmt.Sprintf("grpc-status: %d\r\n", st.Code())
	if st.Message() != "" {
		trailers += "grpc-message: " + percent(st.Message()) + "\r\n"
	}
	if len(st.Details()) > 0 {
		if details, err := proto.Marshal(st.Proto()); err == nil {
			trailers += "grpc-status-details-bin: " + base64.RawStdEncoding.EncodeToString(details) + "\r\n"
		}
	}
	frame(0x80, []byte(trailers))
	w.Header().Set("Content-Type", "application/grpc-web+proto")
	_, _ = w.Write(frames) // the client may be gone
}

// percent encodes a message as grpc-message has it.
func percent(text string) string {
	var b strings.Builder
	for _, char := range []byte(text) {
		if char >= ' ' && char <= '~' && char != '%' {
			b.WriteByte(char)
		} else {
			fmt.Fprintf(&b, "%%%02X", char)
		}
	}
	return b.String()
}

// deadline is that of a header grpc-timeout, none where it is no time.
func deadline(ctx context.Context, timeout string) (context.Context, context.CancelFunc) {
	units := map[byte]time.Duration{'H': time.Hour, 'M': time.Minute, 'S': time.Second, 'm': time.Millisecond, 'u': time.Microsecond, 'n': time.Nanosecond}
	if timeout == "" {
		return ctx, func() {}
	}
	last := len(timeout) - 1
	n, err := strconv.ParseInt(timeout[:last], 10, 32)
	if err != nil || units[timeout[last]] == 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, time.Duration(n)*units[timeout[last]])
}

func (c *Core) connect(w http.ResponseWriter, r *http.Request, method, kind string) {
	ctx, cancel := r.Context(), func() {}
	if ms, err := strconv.ParseInt(r.Header.Get("Connect-Timeout-Ms"), 10, 32); err == nil {
		ctx, cancel = context.WithTimeout(ctx, time.Duration(ms)*time.Millisecond)
	}
	defer cancel()
	decode, encode := proto.Unmarshal, proto.Marshal
	if kind == "application/json" {
		decode, encode = protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal, c.JSON
	}
	response, st := c.call(ctx, w, r, method, decode)
	if st == nil {
		if message, err := encode(response); err == nil {
			reply(w, http.StatusOK, kind, message)
			return
		}
		st = status.New(codes.Internal, "The answer can't be encoded")
	}
	type detail struct {
		Type  string `json:"type"`
		Value string `json:"value"`
	}
	body := struct {
		Code    string   `json:"code"`
		Message string   `json:"message,omitempty"`
		Details []detail `json:"details,omitempty"`
	}{Code: connectCodes[st.Code()], Message: st.Message()}
	for _, d := range st.Proto().GetDetails() {
		body.Details = append(body.Details, detail{strings.TrimPrefix(d.GetTypeUrl(), "type.googleapis.com/"), base64.RawStdEncoding.EncodeToString(d.GetValue())})
	}
	text, err := json.Marshal(body)
	if err != nil {
		return // of text, none fails
	}
	reply(w, httpStatuses[st.Code()], "application/json", text)
}

// rest finds the method by verb and path, each part of which is unescaped by
// itself.
func (c *Core) rest(w http.ResponseWriter, r *http.Request) {
	method, fields := route(r.Method, r.URL.EscapedPath())
	if method == "" {
		c.refuse(w, status.New(codes.NotFound, "There is nothing at this path"))
		return
	}
	response, st := c.call(r.Context(), w, r, method, func(body []byte, into proto.Message) error {
		if len(body) > 0 {
			if err := protojson.Unmarshal(body, into); err != nil {
				return err
			}
		}
		if err := query(r.URL.Query(), into); err != nil {
			return err
		}
		m := into.ProtoReflect()
		for name, value := range fields {
			if err := setText(m, name, value); err != nil {
				return err
			}
		}
		return nil
	})
	if st == nil {
		if text, err := c.JSON(response); err == nil {
			reply(w, http.StatusOK, "application/json", text)
			return
		}
		st = status.New(codes.Internal, "The answer can't be encoded")
	}
	c.refuse(w, st)
}

// refuse answers with a google.rpc.Status, whose code and message are always
// there.
func (c *Core) refuse(w http.ResponseWriter, st *status.Status) {
	text, err := c.JSON(st.Proto())
	if err != nil {
		text = fmt.Appendf(nil, `{"code": %d, "message": %q}`, codes.Internal, "The answer can't be encoded")
	}
	reply(w, httpStatuses[st.Code()], "application/json", text)
}

func reply(w http.ResponseWriter, status int, kind string, body []byte) {
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may be gone
}

// query sets the fields that a request over REST has in its query.
func query(values url.Values, into proto.Message) error {
	m := into.ProtoReflect()
	for name, list := range values {
		for _, value := range list {
			if err := setText(m, name, value); err != nil {
				return err
			}
		}
	}
	return nil
}
