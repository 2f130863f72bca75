package rules

import (
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

const (
	grpcMessageField = "grpc-message"
	grpcDetailsField = "grpc-status-details-bin"
)

// endOf are the fields that an answer over gRPC ends with.
func endOf(s *Seen) trace.Fields {
	if s.Frames == nil || s.Frames.Trailers == optestv1.Event_Frames_ONLY {
		return s.ResponseHeader
	}
	return s.Trailer
}

// judgeMessageText looks for messages of errors that a header can't carry as they
// are, and for letters that one protocol loses and another does not.
func judgeMessageText(*Env) Machine {
	seen := newRefusals()
	return Machine{Call: func(s *Seen, sink *Sink) {
		if !s.Failed() || s.ResponseCodec == optestv1.Event_FOREIGN {
			return
		}
		if anyGRPC(s) && s.Frames != nil {
			if raw, ok := endOf(s).Get(grpcMessageField); ok && raw != trace.Redacted {
				judgeEncoding(s, raw, sink)
			}
		}
		seen.pair(s, func(other *Seen) { judgeLetters(s, other, sink) })
	}}
}

func judgeEncoding(s *Seen, raw string, sink *Sink) {
	key := fmt.Sprintf("%s %s", s.Protocol, s.Code())
	plain, lone, fault := percentDecoded(raw)
	switch {
	case fault != "":
		sink.Exercise(key)
		sink.Breach(by(s), "%s: grpc-message is %q, with %s; what is not printable ASCII is written as a percent sign and two digits, and anything else breaks headers apart or does not get through", s.When(), shortened(raw), fault)
	case !utf8.ValidString(plain):
		sink.Exercise(key)
		sink.Breach(by(s), "%s: grpc-message %q is no UTF-8 when it is decoded", s.When(), shortened(raw))
	case lone:
		sink.Warn(by(s), "%s: grpc-message %q has a percent sign that begins no encoding; it is written as %%25", s.When(), shortened(raw))
	case plain != raw:
		sink.Exercise(key)
	}
}

// percentDecoded is a message of gRPC in plain text. Lone tells one with a percent
// sign that begins nothing; the fault is a byte that can't be in it.
func percentDecoded(raw string) (plain string, lone bool, fault string) {
	var b strings.Builder
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		switch {
		case c == '\n' || c == '\r':
			return "", false, "the end of a line, after which comes what looks like another header"
		case c < ' ' || c == 0x7f:
			return "", false, fmt.Sprintf("the control character 0x%02x", c)
		case c > '~':
			return "", false, fmt.Sprintf("the byte 0x%02x", c)
		case c == '%' && i+2 < len(raw) && hexDigit(raw[i+1]) && hexDigit(raw[i+2]):
			b.WriteByte(hexValue(raw[i+1])<<4 | hexValue(raw[i+2]))
			i += 2
		default:
			lone = lone || c == '%'
			b.WriteByte(c)
		}
	}
	return b.String(), lone, ""
}

func hexDigit(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func hexValue(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&0xf + 9
}

// judgeLetters compares the messages of one error over gRPC and over a protocol that
// has them in JSON.
func judgeLetters(a, b *Seen, sink *Sink) {
	over, plain := a, b
	if !anyGRPC(over) {
		over, plain = plain, over
	}
	if !anyGRPC(over) || anyGRPC(plain) || over.Code() != plain.Code() {
		return
	}
	one, other := over.Failure.Message, plain.Failure.Message
	if strings.IndexFunc(other, func(c rune) bool { return c >= utf8.RuneSelf && c != utf8.RuneError }) < 0 {
		return
	}
	sink.Exercise("letters " + over.Protocol.String() + " " + over.Code().String())
	if one != other && ascii(one) == ascii(other) {
		sink.Breach(by(over, plain), "%s and %s: the same request fails with the message %q over gRPC and with %q over %s; they differ in letters outside ASCII alone, which percent-encoding carries without loss", over.When(), plain.When(), shortened(one), shortened(other), protocolName(plain))
	}
}

// ascii is a message without what another encoding may have become in it.
func ascii(text string) string {
	return strings.Map(func(c rune) rune {
		if c >= utf8.RuneSelf || c == '?' {
			return -1
		}
		return c
	}, text)
}

// judgeStatusDetails compares the status of an answer with the copy in its details.
func judgeStatusDetails(_ *Env, s *Seen) (key, breach string) {
	const last = code.Code_UNAUTHENTICATED // what is beyond is wrong as it is
	if !framed(s) || !s.Failed() || s.Code() > last {
		return "", ""
	}
	text, ok := endOf(s).Get(grpcDetailsField)
	if !ok || text == trace.Redacted {
		return "", ""
	}
	key = ended(s) + " " + s.Code().String()
	text, _, _ = strings.Cut(text, ",")
	binary, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil {
		return key, "grpc-status-details-bin is not in base64; clients lose the details with it"
	}
	st := &status.Status{}
	if err := proto.Unmarshal(binary, st); err != nil {
		return key, "grpc-status-details-bin is no google.rpc.Status; clients lose the details with it"
	}
	if got, want := code.Code(st.GetCode()), s.Code(); got != want {
		return key, fmt.Sprintf("grpc-status is %s and the code in grpc-status-details-bin is %s; libraries report the one or the other, and some refuse both", want, got)
	}
	message, _ := endOf(s).Get(grpcMessageField)
	plain, _, fault := percentDecoded(message)
	copied, said := strings.TrimSpace(st.GetMessage()), strings.TrimSpace(plain)
	if fault == "" && message != trace.Redacted && copied != "" && copied != said {
		return key, fmt.Sprintf("grpc-message is %q and the message in grpc-status-details-bin is %q; libraries report the one or the other, and some refuse both", shortened(said), shortened(copied))
	}
	return key, ""
}

// shortened is a text as a report shows it.
func shortened(text string) string {
	const longest = 100
	if len(text) > longest {
		return strings.ToValidUTF8(text[:longest], "") + "…"
	}
	return text
}
