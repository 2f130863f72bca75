package rules

import optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"

// Where errors and headers are specified.
const (
	grpcProtocol    = "gRPC over HTTP2 (PROTOCOL-HTTP2.md)"
	webProtocol     = "gRPC-Web (PROTOCOL-WEB.md)"
	connectProtocol = "Connect protocol reference, unary RPCs"
)

// errorRules are about errors and headers on the wire.
func errorRules() []*Rule {
	return []*Rule{
		{
			ID: "ERR-01", Title: "Every call over gRPC ends with a status", Core: true, Level: Implied,
			Quote:    "Status must be sent in **Trailers** even if the status code is OK.",
			Source:   grpcProtocol,
			Sees:     frames,
			Exercise: "make calls over gRPC or gRPC-Web that succeed, and some that fail",
			Guard:    "answers that were cut off on their way and the pages of proxies are left out; headers alone are a right answer if nothing comes after them",
			New:      each(judgeStatusLine),
			Corrupt:  either(withoutStatus, withStatus17, withStatusFirst),
		},
		{
			ID: "ERR-02", Title: "An answer over gRPC has one message, or none with an error", Core: true, Level: Implied,
			Quote:    "**Response** → (Response-Headers *Length-Prefixed-Message Trailers) / Trailers-Only",
			Source:   grpcProtocol + "; the method is unary",
			Sees:     frames,
			Exercise: "make calls over gRPC or gRPC-Web that succeed, and some that fail",
			Guard:    "only whole answers are counted, and an empty message is one",
			New:      each(judgeMessages),
			Corrupt:  withOtherMessages,
		},
		{
			ID: "ERR-03", Title: "A message over gRPC is percent-encoded", Level: Implied,
			Quote:    "The value portion of **Status-Message** is conceptually a Unicode string description of the error, physically encoded as UTF-8 followed by percent-encoding.",
			Source:   grpcProtocol,
			Sees:     frames,
			Exercise: "provoke an error whose message has letters outside ASCII, such as by an id that has some, over gRPC and another protocol",
			Guard:    "a lone percent sign is a warning; messages of two protocols are compared only if they differ in nothing but letters outside ASCII",
			New:      judgeMessageText,
			Corrupt:  withRawMessage,
		},
		{
			ID: "ERR-04", Title: "Status details repeat the status that they are of", Core: true, Level: Implied,
			Quote:    "If the gRPC call's code or details are inconsistent with the status code and message inside of the google.rpc.status.Status.",
			Source:   "gRPC's Python library, grpc_status.rpc_status.from_call: what it raises ValueError for",
			Sees:     frames,
			Exercise: "provoke an error with details over gRPC",
			Guard:    "spaces around a message are not compared: HTTP drops them; a copy without a message passes",
			New:      each(judgeStatusDetails),
			Corrupt:  withOtherDetails,
		},
		{
			ID: "ERR-05", Title: "Answers over gRPC have the HTTP status 200", Level: Implied,
			Quote:    "**HTTP-Status** → \":status 200\"",
			Source:   grpcProtocol,
			Sees:     frames,
			Exercise: "make calls over gRPC or gRPC-Web that succeed, and some that fail",
			Guard:    "an answer without a status of gRPC is a proxy's, and not judged here",
			New:      each(judgeHTTP200),
			Corrupt:  withHTTP404,
		},
		{
			ID: "ERR-06", Title: "Errors over REST have the documented status and body", Core: true, Level: Guide,
			Quote:    "This error model is used in both gRPC and REST interfaces.",
			Source:   "API guide, errors: google.rpc.Status, HTTP mapping and list of possible errors",
			Sees:     content,
			Exercise: "provoke errors over REST",
			Guard:    "only requests for which the method has a route are looked at, without escaped slashes; 502 is a gateway's own word, and where the status is about the load or the way, such as 503, a body that is not the API's is no more than a warning, as it may be the gateway's as well",
			New:      judgeRESTErrors,
			Corrupt:  either(withWrongHTTP, withWrapper, withPage),
		},
		{
			ID: "ERR-07", Title: "Errors over Connect have their code's HTTP status and a JSON body", Level: Implied,
			Quote:    "Errors are sent with a non-200 **HTTP-Status**. In those cases, **Unary-Content-Type** _must_ be \"application/json\".",
			Source:   connectProtocol,
			Sees:     raw,
			Exercise: "provoke errors over Connect",
			Guard:    "pages of proxies and bodies without a code are left out; the statuses that the protocol had until 2024 are a warning",
			New:      judgeConnectErrors,
			Corrupt:  withConnect200,
		},
		{
			ID: "ERR-08", Title: "gRPC-Web has the status in the body", Level: Implied,
			Quote:    "Response status encoded as part of the response body",
			Source:   webProtocol,
			Sees:     frames,
			Exercise: "make calls over gRPC-Web",
			Guard:    "headers that end the answer are allowed, as are all answers that were cut off",
			New:      each(judgeWebTrailers),
			Corrupt:  withoutWebTrailers,
		},
		{
			ID: "ERR-09", Title: "Answers have the content type of their protocol", Level: Implied,
			Quote:    "**Content-Type** → \"content-type\" \"application/grpc\" [(\"+proto\" / \"+json\" / {_custom_})]",
			Source:   grpcProtocol + "; " + connectProtocol,
			Sees:     headers,
			Exercise: "make calls over gRPC, gRPC-Web or Connect",
			Guard:    "answers with another HTTP status than 200 and without one of gRPC are a proxy's; parameters and a missing suffix are fine",
			New:      each(judgeContentType),
			Corrupt:  withHTMLType,
		},
		{
			ID: "ERR-10", Title: "A call ends by its deadline", Level: Practice,
			Quote:    "gRPC servers track the deadline of the RPC as communicated by **Timeout**.",
			Source:   grpcProtocol,
			Sees:     content,
			Exercise: "make calls that have less time than the server needs",
			Guard:    "half a second of grace; spans in which the observer was stalled are left out; a server may stall as well, so it takes three late calls",
			New:      judgeDeadlines,
			Corrupt:  pastDeadlines,
		},
		{
			ID: "ERR-11", Title: "The hint when to poll again is a number of seconds", Level: Practice,
			Quote:    "pollIntervalMetadataKey is a metadata key used to retrieve the polling interval value from gRPC response headers.",
			Source:   "vendor's Go SDK, pkg/operation: x-operation-poll-interval",
			Sees:     []optestv1.TraceHeader_Sight{optestv1.TraceHeader_METADATA},
			Exercise: "read operations of a server that gives the hint",
			Guard:    "no hint is fine, and so is one of any size",
			New:      each(judgeHint),
			Corrupt:  withOddHint,
		},
	}
}
