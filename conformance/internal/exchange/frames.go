package exchange

import (
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"net/textproto"
	"strings"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// How gRPC and gRPC-Web frame messages.
const (
	prefixLen      = 5
	flagCompressed = 1
	flagTrailers   = 0x80
	maxFurther     = 16
)

// framed is a body of frames taken apart.
type framed struct {
	frames   trace.Frames
	message  []byte   // the first; nil: none
	unseen   bool     // there is a first one whose coding is not understood
	further  [][]byte // messages beyond the first
	trailers http.Header
}

// unframed takes a body apart. Coding is how messages are compressed that are
// flagged so; inBody says that trailers are frames.
func unframed(body []byte, coding string, web bool) framed {
	var f framed
	for len(body) > 0 {
		if len(body) < prefixLen || uint64(len(body)-prefixLen) < uint64(binary.BigEndian.Uint32(body[1:])) {
			f.frames.Partial = uint32(len(body))
			break
		}
		flags, end := body[0], prefixLen+int(binary.BigEndian.Uint32(body[1:]))
		message := body[prefixLen:end:end]
		body = body[end:]
		compressed := flags&flagCompressed != 0
		if web && flags&flagTrailers != 0 {
			if compressed {
				message, _ = decompressed(coding, message)
			}
			f.trailers = fieldsOf(message)
			continue
		}
		f.take(message, compressed, coding)
	}
	return f
}

func (f *framed) take(message []byte, compressed bool, coding string) {
	f.frames.Messages++
	kept := true
	if compressed {
		f.frames.Compressed++
		message, kept = decompressed(coding, message)
	}
	switch {
	case f.frames.Messages == 1 && kept:
		f.message = message
	case f.frames.Messages == 1:
		f.unseen = true
	case kept && len(f.further) < maxFurther:
		f.further = append(f.further, message)
	}
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

// place is where the status stands. One in the trailers counts for more than one
// in the headers.
func place(header, trailer, inBody http.Header) optestv1.Event_Frames_Trailers {
	switch {
	case inBody.Get(grpcStatus) != "":
		return optestv1.Event_Frames_IN_BODY
	case trailer.Get(grpcStatus) != "":
		return optestv1.Event_Frames_AFTER
	case header.Get(grpcStatus) != "":
		return optestv1.Event_Frames_ONLY
	}
	return optestv1.Event_Frames_MISSING
}
