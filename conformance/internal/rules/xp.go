package rules

import (
	"math/rand/v2"
	"strings"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/code"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

const (
	transcoding = "API guide, basic principles"
	protoJSON   = "ProtoJSON format"
)

// protocolRules are about what several protocols say of the same.
func protocolRules() []*Rule {
	return []*Rule{
		{
			ID: "XP-01", Title: "A done operation is the same over every protocol", Core: true, Level: Guide,
			Quote:    "The service translates the results of request handling into an HTTP response and returns it to the client.",
			Source:   transcoding,
			Sees:     content,
			Exercise: "read an operation over several protocols after it is done",
			Guard:    "what may change after the end (the image's name, labels, description and status, the operation's stamp, texts of its error) is compared only where nobody else writes and nothing was changed, or between two equal reads over the other protocol; unknown fields and enum values are left out",
			New:      judgeSameAnswer,
			Corrupt:  differsOverOther,
		},
		{
			ID: "XP-02", Title: "JSON is ProtoJSON", Core: true, Level: Implied,
			Quote:    "Message field names are mapped to lowerCamelCase to be used as JSON object keys.",
			Source:   protoJSON + ": field names, representation of each type",
			Sees:     raw,
			Exercise: "any calls over REST or in Connect's JSON",
			Guard:    "names and values that the contract does not have are a newer server's; null is fine",
			New:      judgeJSON,
			Corrupt:  misspelt,
		},
		{
			ID: "XP-03", Title: "The same request fails alike over every protocol", Core: true, Level: Implied,
			Quote:    "This error model is used in both gRPC and REST interfaces.",
			Source:   "API guide, errors",
			Sees:     keyed,
			Exercise: "send a request that is to be refused over several protocols",
			Guard:    "only INVALID_ARGUMENT is compared, which does not depend on the server's state, and only of requests without a key that are encoded as usual and ask for no next page; fields are compared where both refusals name some",
			New:      judgeRefusals,
			Corrupt:  refusedOtherwise,
		},
		{
			ID: "XP-04", Title: "An operation is found over every protocol", Level: Implied,
			Quote:    "Yandex Cloud services use this mechanism to translate incoming HTTP requests into gRPC calls.",
			Source:   transcoding,
			Sees:     content,
			Exercise: "start an operation over one protocol and read it over others",
			Guard:    "it must have been read over another protocol both before and after it was not found, outside the window in which reads may be stale",
			New:      judgeReach,
			Corrupt:  hiddenOverOther,
		},
		{
			ID: "XP-05", Title: "JSON has one of error and response", Core: true, Level: Seed,
			Quote:    "Includes only one of the fields `error`, `response`.",
			Source:   "CopyFromDesktop, operation.Operation",
			Sees:     raw,
			Exercise: "read an operation that is done or fails over REST or in Connect's JSON",
			Guard:    "a member that is null is none",
			New:      judgeJSONResult,
			Corrupt: rewrite(
				func(s *Seen) bool {
					return len(s.RawJSON()) > 0 && s.Answer != nil && s.Answer.GetResult() != nil
				},
				func(s *Seen, raw []byte) []byte {
					further := `{"error":{"code":13},`
					if s.Answer.GetError() != nil {
						further = `{"response":{"@type":"type.googleapis.com/google.protobuf.Empty"},`
					}
					return []byte(strings.Replace(string(raw), "{", further, 1))
				},
			),
		},
		{
			ID: "XP-06", Title: "Large numbers keep their digits in JSON", Level: Implied,
			Quote:    "JSON value will be a decimal string. Either numbers or strings are accepted.",
			Source:   protoJSON + ": int64, fixed64, uint64",
			Sees:     raw,
			Exercise: "read an image or a done operation with a size beyond 2^53 in binary and in JSON",
			Guard:    "only numbers of a done operation are compared, which do not change, and only where one is beyond what a double holds",
			New:      judgeDigits,
			Corrupt:  roundedDigits,
		},
		{
			ID: "XP-07", Title: "An escaped slash is part of an id", Level: Implied,
			Quote:    "If a variable contains exactly one path segment, such as `\"{var}\"` or `\"{var=*}\"`, when such a variable is expanded into a URL path on the client side, all characters except `[-_.~0-9a-zA-Z]` are percent-encoded. The server side does the reverse decoding.",
			Source:   "google.api.HttpRule",
			Sees:     content,
			Exercise: "ask over REST for an id with an escaped slash behind one that exists",
			Guard:    "any refusal is fine; only an answer about something else than the whole id is not, and of an escaped colon no more than a warning",
			New:      judgePaths,
			Corrupt: spoil(
				func(s *Seen) bool {
					return s.Answer != nil && strings.HasPrefix(s.HTTPRequest, "GET /operations/") && s.Is(MethodGet) && s.Answer.GetId() != ""
				},
				func(e *trace.Event) { e.HTTPRequest += "%2Fx" },
			),
		},
	}
}

// dialect is a protocol with its encoding, as rules compare them.
func dialect(s *Seen) string {
	codec := s.RequestCodec
	if codec == optestv1.Event_CODEC_UNSPECIFIED {
		codec = s.ResponseCodec
	}
	if s.Protocol == optestv1.Event_CONNECT && codec == optestv1.Event_JSON {
		return "Connect in JSON"
	}
	return protocolName(s)
}

func protocolName(s *Seen) string {
	switch s.Protocol {
	case optestv1.Event_GRPC:
		return "gRPC"
	case optestv1.Event_GRPC_WEB:
		return "gRPC-Web"
	case optestv1.Event_CONNECT:
		return "Connect"
	case optestv1.Event_REST:
		return "REST"
	}
	return "an unknown protocol"
}

// spoken reports whether it is known over what the call was.
func spoken(s *Seen) bool {
	return s.Protocol != optestv1.Event_PROTOCOL_UNSPECIFIED && s.Protocol != optestv1.Event_OTHER
}

// differsOverOther changes the answer of one protocol about a done operation that
// was read over another one too.
func differsOverOther(t *Tape, draw *rand.Rand) (string, bool) {
	read := map[string]map[string]bool{}
	places := t.Where(readsDone)
	for _, i := range places {
		s := t.At(i)
		id := operationOf(s)
		if read[id] == nil {
			read[id] = map[string]bool{}
		}
		read[id][dialect(s)] = true
	}
	return edit(
		func(s *Seen) bool { return readsDone(s) && len(read[operationOf(s)]) > 1 },
		[]func(*operation.Operation){
			func(m *operation.Operation) { m.CreatedBy += "x" },
			func(m *operation.Operation) { m.Metadata = nil },
		}[draw.IntN(2)],
	)(t, draw)
}

// refusedOtherwise has one of two equal requests over different protocols fail with
// another code.
func refusedOtherwise(t *Tape, draw *rand.Rand) (string, bool) {
	over := map[string]map[string]bool{}
	keyed := func(s *Seen) (string, bool) {
		if !refused(s) || !keyless(s) || !usual(s) {
			return "", false
		}
		return requestKey(s)
	}
	for _, i := range t.Where(func(s *Seen) bool { _, ok := keyed(s); return ok }) {
		key, _ := keyed(t.At(i))
		if over[key] == nil {
			over[key] = map[string]bool{}
		}
		over[key][dialect(t.At(i))] = true
	}
	i, ok := t.Pick(draw, func(s *Seen) bool { key, ok := keyed(s); return ok && len(over[key]) > 1 })
	if !ok {
		return "", false
	}
	t.Fail(i, trace.Failure{Code: code.Code_INTERNAL, Message: "Internal error"})
	return t.At(i).When(), true
}
