package drive

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/code"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

const (
	flagCompressed = 1
	flagTrailers   = 0x80
	maxFurther     = 16

	grpcStatus  = "Grpc-Status"
	grpcMessage = "Grpc-Message"
	grpcDetails = "Grpc-Status-Details-Bin"
)

// decodeFrames reads an answer of gRPC or gRPC-Web.
func (p Protocol) decodeFrames(resp *http.Response, body []byte) received {
	kind := mediaType(resp)
	if p == GRPCWeb {
		plain, ok := decompressed(resp.Header.Get("Content-Encoding"), body)
		if !ok {
			r := foreign(p, resp, nil, &trace.Failure{Code: codeOfHTTP(resp.StatusCode)})
			r.fidelity, r.frames = optestv1.Event_UNSEEN, &trace.Frames{Trailers: place(resp, nil)}
			return r
		}
		if body = plain; strings.HasPrefix(kind, "application/grpc-web-text") {
			body = fromText(body)
		}
	}
	r := p.frames(resp, body)
	if r.frames.Trailers == optestv1.Event_Frames_MISSING {
		return p.unfinished(resp, body, r, kind)
	}
	fields := resp.Trailer
	switch r.frames.Trailers {
	case optestv1.Event_Frames_IN_BODY:
		fields = r.trailer
	case optestv1.Event_Frames_ONLY:
		fields = resp.Header
	}
	r.failure = statusOf(fields)
	return r
}

// unfinished is an answer without a status.
func (p Protocol) unfinished(resp *http.Response, body []byte, r received, kind string) received {
	want := "application/grpc"
	if p == GRPCWeb {
		want = "application/grpc-web"
	}
	if rest, ok := strings.CutPrefix(kind, want); !ok || rest != "" && rest[0] != '+' && !strings.HasPrefix(rest, "-text") || resp.StatusCode != http.StatusOK {
		other := foreign(p, resp, body, &trace.Failure{Code: codeOfHTTP(resp.StatusCode)})
		other.frames = &trace.Frames{Trailers: optestv1.Event_Frames_MISSING}
		return other
	}
	r.failure, r.open = &trace.Failure{Message: "the answer ends without grpc-status"}, true
	return r
}

// frames takes a body apart.
func (p Protocol) frames(resp *http.Response, body []byte) received {
	r := received{codec: optestv1.Event_PROTO, frames: &trace.Frames{}}
	for len(body) > 0 {
		if len(body) < prefixLen || uint64(len(body)-prefixLen) < uint64(binary.BigEndian.Uint32(body[1:])) {
			r.frames.Partial = uint32(len(body))
			break
		}
		flags, end := body[0], prefixLen+int(binary.BigEndian.Uint32(body[1:]))
		message := body[prefixLen:end]
		body = body[end:]
		if p == GRPCWeb && flags&flagTrailers != 0 {
			if flags&flagCompressed != 0 {
				message, _ = decompressed(resp.Header.Get("Grpc-Encoding"), message)
			}
			r.trailer = fieldsOf(message)
			continue
		}
		r.frames.Messages++
		kept := true
		if flags&flagCompressed != 0 {
			r.frames.Compressed++
			message, kept = decompressed(resp.Header.Get("Grpc-Encoding"), message)
		}
		switch {
		case r.frames.Messages == 1 && kept:
			r.message = slices.Clip(message)
		case r.frames.Messages == 1:
			r.fidelity = optestv1.Event_UNSEEN
		case kept && len(r.further) < maxFurther:
			r.further = append(r.further, message)
		}
	}
	r.frames.Trailers = place(resp, r.trailer)
	return r
}

// place is where the status stands. A status in the trailers counts for more than
// one in the headers.
func place(resp *http.Response, inBody http.Header) optestv1.Event_Frames_Trailers {
	switch {
	case inBody.Get(grpcStatus) != "":
		return optestv1.Event_Frames_IN_BODY
	case resp.Trailer.Get(grpcStatus) != "":
		return optestv1.Event_Frames_AFTER
	case resp.Header.Get(grpcStatus) != "":
		return optestv1.Event_Frames_ONLY
	}
	return optestv1.Event_Frames_MISSING
}

// fieldsOf are the trailers of gRPC-Web, written like a header of HTTP/1: a line
// feed alone ends a line only where no line has another end.
func fieldsOf(text []byte) http.Header {
	end := "\n"
	if strings.Contains(string(text), "\r\n") {
		end = "\r\n"
	}
	h := http.Header{}
	for line := range strings.SplitSeq(string(text), end) {
		if name, value, ok := strings.Cut(line, ":"); ok {
			h.Add(textproto.CanonicalMIMEHeaderKey(textproto.TrimString(name)), strings.Trim(value, " \t"))
		}
	}
	return h
}

// fromText is the body of application/grpc-web-text: pieces in base64, each with
// padding of its own. It ends where it is no base64 any more.
func fromText(text []byte) []byte {
	const quantum = 4
	plain := make([]byte, 0, len(text)/quantum*3)
	for ; len(text) >= quantum; text = text[quantum:] {
		var err error
		if plain, err = base64.StdEncoding.AppendDecode(plain, text[:quantum]); err != nil {
			break
		}
	}
	return plain
}

// statusOf is the status in the fields, nil for OK.
func statusOf(fields http.Header) *trace.Failure {
	text := fields.Get(grpcStatus)
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return &trace.Failure{Code: code.Code_UNKNOWN, Message: fmt.Sprintf("grpc-status %q is no number", text)}
	}
	if n == 0 {
		return nil
	}
	f := &trace.Failure{Code: code.Code(n), Message: percentDecoded(fields.Get(grpcMessage))}
	if details := fields.Get(grpcDetails); details != "" {
		if raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(details, "=")); err == nil {
			f.Details = raw
		}
	}
	return f
}

// percentDecoded leaves what is no percent-encoding as it is: no message may be
// lost to a character in it.
func percentDecoded(text string) string {
	var plain []byte
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+2 < len(text) {
			if n, err := strconv.ParseUint(text[i+1:i+3], 16, 8); err == nil {
				plain = append(plain, byte(n))
				i += 2
				continue
			}
		}
		plain = append(plain, text[i])
	}
	return strings.ToValidUTF8(string(plain), "\uFFFD")
}

// codeOfHTTP is what gRPC and Connect take an HTTP status for that comes without a
// code of theirs.
func codeOfHTTP(status int) code.Code {
	switch status {
	case http.StatusBadRequest, http.StatusRequestHeaderFieldsTooLarge:
		return code.Code_INTERNAL
	case http.StatusUnauthorized:
		return code.Code_UNAUTHENTICATED
	case http.StatusForbidden:
		return code.Code_PERMISSION_DENIED
	case http.StatusNotFound:
		return code.Code_UNIMPLEMENTED
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return code.Code_UNAVAILABLE
	}
	return code.Code_UNKNOWN
}
