package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

const grpcStatusField = "grpc-status"

// anyGRPC reports whether the call is over gRPC or gRPC-Web.
func anyGRPC(s *Seen) bool {
	return s.Protocol == optestv1.Event_GRPC || s.Protocol == optestv1.Event_GRPC_WEB
}

// cutOff reports whether the answer did not come, or not to its end: what it lacks
// may have been lost on the way. An answer that ends well and is none at all has no
// cause.
func cutOff(s *Seen) bool {
	return s.Unsure() && (s.Failure == nil || s.Failure.Cause != optestv1.Event_Failure_CAUSE_UNSPECIFIED)
}

// framed reports whether the answer is one of gRPC whose frames were seen to the
// end.
func framed(s *Seen) bool {
	return anyGRPC(s) && s.Frames != nil && !cutOff(s) &&
		(s.ResponseCodec != optestv1.Event_FOREIGN || s.Frames.Trailers != optestv1.Event_Frames_MISSING)
}

// ended is how a call ended, as a key: each of a method's ways is exercised once.
func ended(s *Seen) string {
	name := "unknown method"
	if s.Method != nil {
		name = string(s.Method.Desc.Name())
	}
	if s.OK() {
		return protocolName(s) + " " + name + " ok"
	}
	return protocolName(s) + " " + name + " error"
}

// statusFields are the fields that the status of an answer stands among.
func statusFields(s *Seen) []string {
	list := s.Trailer
	if s.Frames.Trailers == optestv1.Event_Frames_ONLY {
		list = s.ResponseHeader
	}
	return slices.Collect(list.Values(grpcStatusField))
}

func messages(s *Seen) string {
	if s.Frames.Messages == 1 {
		return "a message"
	}
	return fmt.Sprintf("%d messages", s.Frames.Messages)
}

// judgeStatusLine looks for answers without the status that they should end with,
// or with an odd one. Where gRPC-Web's stands is another rule's.
func judgeStatusLine(_ *Env, s *Seen) (key, breach string) {
	if !framed(s) {
		return "", ""
	}
	over := "gRPC"
	switch s.Protocol {
	case optestv1.Event_GRPC_WEB:
		over = "gRPC-Web"
		if s.Frames.Trailers == optestv1.Event_Frames_MISSING {
			return "", ""
		}
	default:
		if wrong := misplaced(s); wrong != "" {
			return ended(s), wrong
		}
	}
	values := statusFields(s)
	for _, text := range values {
		n, err := strconv.ParseUint(text, 10, 32)
		const last = 16 // UNAUTHENTICATED
		switch {
		case err != nil:
			return ended(s), fmt.Sprintf("grpc-status is %q; over %s it is a number in decimal, and a client makes UNKNOWN of anything else", short(text), over)
		case n > last:
			return ended(s), fmt.Sprintf("grpc-status is %d; there are no codes beyond 16, and a client makes UNKNOWN of others", n)
		case text != values[0]:
			return ended(s), fmt.Sprintf("there are two grpc-status, %q and %q, and clients differ in which they take", short(values[0]), short(text))
		}
	}
	return ended(s), ""
}

func misplaced(s *Seen) string {
	switch s.Frames.Trailers {
	case optestv1.Event_Frames_MISSING:
		return fmt.Sprintf("the answer, with %s, ends without grpc-status; its client can't tell whether it is whole", messages(s))
	case optestv1.Event_Frames_ONLY:
		if s.Frames.Messages > 0 || s.Frames.Partial > 0 {
			return "grpc-status stands in the headers, and a body comes after them; it belongs after the body, or into headers that end the answer, and clients miss the one or the other"
		}
	case optestv1.Event_Frames_AFTER:
		if early, ok := s.ResponseHeader.Get(grpcStatusField); ok {
			return fmt.Sprintf("grpc-status stands in the headers, as %q, and again in the trailers; only headers that end the answer have it, and clients take the first for the end", short(early))
		}
	}
	return ""
}

// judgeMessages counts messages.
func judgeMessages(_ *Env, s *Seen) (key, breach string) {
	if !framed(s) {
		return "", ""
	}
	f := s.Frames
	switch {
	case f.Trailers == optestv1.Event_Frames_MISSING && f.Messages == 1 && f.Partial == 0:
		return "", "" // of which it is not known whether it is an error
	case f.Trailers == optestv1.Event_Frames_MISSING && f.Messages == 0 && f.Partial == 0:
		return ended(s), "the answer ends well and has neither a message nor a status; were it a success it had one message, and were it an error it said so"
	case f.Partial > 0:
		return ended(s), fmt.Sprintf("the answer ends well in the middle of a message, of which it has %d bytes; its client waits for the rest or fails", f.Partial)
	case s.OK() && f.Messages != 1:
		return ended(s), fmt.Sprintf("the call ended with OK and %s; a unary method has one, and clients fail with anything else", messages(s))
	case !s.OK() && f.Messages != 0:
		return ended(s), fmt.Sprintf("the call ended with %s and %s; an error has none, and a client that looks at the message first takes it for a success", ending(s), messages(s))
	}
	return ended(s), ""
}

// judgeHTTP200 looks for answers of gRPC that HTTP takes for errors.
func judgeHTTP200(_ *Env, s *Seen) (key, breach string) {
	if !framed(s) || s.HTTPStatus == 0 || s.Frames.Trailers == optestv1.Event_Frames_MISSING {
		return "", ""
	}
	if s.HTTPStatus != 200 {
		return ended(s), fmt.Sprintf("the HTTP status is %d; over gRPC it is 200 whatever grpc-status says, and proxies and clients that see another don't look at grpc-status", s.HTTPStatus)
	}
	return ended(s), ""
}

// judgeWebTrailers looks for answers of gRPC-Web whose status a browser can't see.
func judgeWebTrailers(_ *Env, s *Seen) (key, breach string) {
	if s.Protocol != optestv1.Event_GRPC_WEB || !framed(s) {
		return "", ""
	}
	switch s.Frames.Trailers {
	case optestv1.Event_Frames_MISSING:
		if s.Frames.Partial > 0 {
			return "", "" // they may be in what half a message has swallowed
		}
		return ended(s), fmt.Sprintf("the answer, with %s, ends without a frame that has the flag 0x80 and grpc-status; its client can't tell whether it is whole", messages(s))
	case optestv1.Event_Frames_AFTER:
		return ended(s), "grpc-status stands in the trailers of HTTP; a browser does not show those, so that gRPC-Web has it in a frame of the body"
	case optestv1.Event_Frames_ONLY:
		if s.Frames.Messages > 0 || s.Frames.Partial > 0 {
			return ended(s), "grpc-status stands in the headers, and messages come after them; it belongs into a frame of the body that comes last"
		}
	}
	return ended(s), ""
}

// judgeContentType looks for answers of another content type than their protocol's.
func judgeContentType(_ *Env, s *Seen) (key, breach string) {
	if cutOff(s) || len(s.ResponseHeader) == 0 || s.HTTPStatus == 0 {
		return "", ""
	}
	got, _ := s.ResponseHeader.Get("content-type")
	kind, _, _ := strings.Cut(strings.ToLower(got), ";")
	kind = strings.TrimSpace(kind)
	asked, _ := s.RequestHeader.Get("content-type")
	var right []string
	switch s.Protocol {
	case optestv1.Event_GRPC, optestv1.Event_GRPC_WEB:
		if s.HTTPStatus != 200 && s.ResponseCodec == optestv1.Event_FOREIGN {
			return "", ""
		}
		right = grpcTypes(s.Protocol, asked)
	case optestv1.Event_CONNECT:
		if s.HTTPStatus != 200 || !s.OK() && s.ResponseCodec != optestv1.Event_FOREIGN {
			return "", "" // errors are another rule's
		}
		right = []string{asked}
	default:
		return "", ""
	}
	if asked == "" {
		return "", ""
	}
	if !slices.Contains(right, kind) {
		return ended(s), fmt.Sprintf("the content type is %q, want %s; clients take such an answer for a web page", got, strings.Join(right, " or "))
	}
	return ended(s), ""
}

// grpcTypes are those that answer a request of a content type.
func grpcTypes(p optestv1.Event_Protocol, asked string) []string {
	bare := "application/grpc"
	if p == optestv1.Event_GRPC_WEB {
		bare = "application/grpc-web"
		if strings.HasPrefix(asked, "application/grpc-web-text") {
			bare = "application/grpc-web-text"
		}
	}
	codec := "+proto"
	if _, suffix, ok := strings.Cut(asked, "+"); ok {
		codec = "+" + suffix
	}
	return []string{bare, bare + codec}
}
