package rules

import (
	"encoding/base64"
	"fmt"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

func TestStatusOfGRPC(t *testing.T) {
	unavailable := statusWith(code.Code_UNAVAILABLE, "The service is restarting")
	for _, c := range []wireCase{
		{"ERR-01", "ok", readsOver(overGRPC, asRecorded), Pass},
		{"ERR-01", "error", failsOver(overGRPC, unavailable, asRecorded), Pass},
		{"ERR-01", "trailers only", failsOver(overGRPC, unavailable, inTurn(setHeader("grpc-status", "14"), framesEnd(endsOnly, 0, 0))), Pass},
		{"ERR-01", "web", readsOver(overWeb, asRecorded), Pass},
		{"ERR-01", "no status", readsOver(overGRPC, framesEnd(endsNot, 1, 0)), Fail},
		{"ERR-01", "nothing at all", readsOver(overGRPC, framesEnd(endsNot, 0, 0)), Fail},
		{"ERR-01", "status before a body", readsOver(overGRPC, inTurn(setHeader("grpc-status", "0"), framesEnd(endsOnly, 1, 0))), Fail},
		{"ERR-01", "status before and after a body", readsOver(overGRPC, setHeader("grpc-status", "0")), Fail},
		{"ERR-01", "17", failsOver(overGRPC, unavailable, setTrailer("grpc-status", "17")), Fail},
		{"ERR-01", "17 in headers", failsOver(overGRPC, unavailable, inTurn(setHeader("grpc-status", "17"), framesEnd(endsOnly, 0, 0))), Fail},
		{"ERR-01", "17 over gRPC-Web", failsOver(overWeb, unavailable, setHeader("grpc-status", "17")), Fail},
		{"ERR-01", "text", failsOver(overGRPC, unavailable, setTrailer("grpc-status", "UNAVAILABLE")), Fail},
		{"ERR-01", "negative", failsOver(overGRPC, unavailable, setTrailer("grpc-status", "-1")), Fail},
		{"ERR-01", "two", failsOver(overGRPC, unavailable, func(e *trace.Event) {
			e.Trailer = append(e.Trailer, trace.Field{Name: "grpc-status", Value: "0"})
		}), Fail},
		{"ERR-01", "cut off", readsOver(overGRPC, cutShort), NotExercised},
		{"ERR-01", "proxy", readsOver(overGRPC, byProxy(502)), NotExercised},
		{"ERR-01", "login page", readsOver(overGRPC, byProxy(200)), NotExercised},
		{"ERR-01", "web without", readsOver(overWeb, framesEnd(endsNot, 1, 0)), NotExercised},
		{"ERR-01", "rest", readsOver(overREST, asRecorded), NotExercised},

		{"ERR-02", "ok", readsOver(overGRPC, asRecorded), Pass},
		{"ERR-02", "an empty message", readsOver(overGRPC, func(e *trace.Event) { e.Response = trace.NewBlob(nil) }), Pass},
		{"ERR-02", "error", failsOver(overWeb, unavailable, asRecorded), Pass},
		{"ERR-02", "two messages", readsOver(overGRPC, framesEnd(endsAfter, 2, 0)), Fail},
		{"ERR-02", "no message", readsOver(overWeb, framesEnd(endsInBody, 0, 0)), Fail},
		{"ERR-02", "half a message", readsOver(overGRPC, framesEnd(endsAfter, 0, 40)), Fail},
		{"ERR-02", "error and message", failsOver(overGRPC, unavailable, framesEnd(endsAfter, 1, 0)), Fail},
		{"ERR-02", "error in headers and message", failsOver(overGRPC, unavailable, framesEnd(endsOnly, 1, 0)), Fail},
		{"ERR-02", "neither message nor status", readsOver(overGRPC, framesEnd(endsNot, 0, 0)), Fail},
		{"ERR-02", "message without status", readsOver(overGRPC, framesEnd(endsNot, 1, 0)), NotExercised},
		{"ERR-02", "cut off", readsOver(overGRPC, cutShort), NotExercised},
		{"ERR-02", "proxy", readsOver(overGRPC, byProxy(503)), NotExercised},

		{"ERR-05", "ok", readsOver(overGRPC, asRecorded), Pass},
		{"ERR-05", "404", failsOver(overGRPC, unavailable, func(e *trace.Event) { e.HTTPStatus = 404 }), Fail},
		{"ERR-05", "404 over gRPC-Web", failsOver(overWeb, unavailable, func(e *trace.Event) { e.HTTPStatus = 404 }), Fail},
		{"ERR-05", "proxy", readsOver(overGRPC, byProxy(502)), NotExercised},
		{"ERR-05", "not seen", readsOver(overGRPC, func(e *trace.Event) { e.HTTPStatus = 0 }), NotExercised},

		{"ERR-08", "ok", readsOver(overWeb, asRecorded), Pass},
		{"ERR-08", "headers alone", failsOver(overWeb, unavailable, asRecorded), Pass},
		{"ERR-08", "none", readsOver(overWeb, framesEnd(endsNot, 1, 0)), Fail},
		{"ERR-08", "half a message", readsOver(overWeb, framesEnd(endsNot, 0, 9)), NotExercised},
		{"ERR-08", "of HTTP", readsOver(overWeb, framesEnd(endsAfter, 1, 0)), Fail},
		{"ERR-08", "headers before a body", readsOver(overWeb, framesEnd(endsOnly, 1, 0)), Fail},
		{"ERR-08", "cut off", readsOver(overWeb, cutShort), NotExercised},
		{"ERR-08", "proxy", readsOver(overWeb, byProxy(200)), NotExercised},
		{"ERR-08", "gRPC", readsOver(overGRPC, asRecorded), NotExercised},

		{"ERR-09", "ok", readsOver(overGRPC, asRecorded), Pass},
		{"ERR-09", "no suffix", readsOver(overGRPC, setHeader("content-type", "application/grpc")), Pass},
		{"ERR-09", "parameter", readsOver(overConnectJSON, setHeader("content-type", "application/json; charset=utf-8")), Pass},
		{"ERR-09", "error over Connect", failsOver(overConnect, unavailable, asRecorded), NotExercised},
		{"ERR-09", "HTML", readsOver(overGRPC, setHeader("content-type", "text/html")), Fail},
		{"ERR-09", "other codec", readsOver(overGRPC, setHeader("content-type", "application/grpc+json")), Fail},
		{"ERR-09", "gRPC-Web", readsOver(overGRPC, setHeader("content-type", "application/grpc-web+proto")), Fail},
		{"ERR-09", "text", readsOver(overWeb, setHeader("content-type", "application/grpc-web-text+proto")), Fail},
		{"ERR-09", "JSON for proto", readsOver(overConnect, setHeader("content-type", "application/json")), Fail},
		{"ERR-09", "login page", readsOver(overGRPC, byProxy(200)), Fail},
		{"ERR-09", "proxy", readsOver(overGRPC, byProxy(502)), NotExercised},
		{"ERR-09", "cut off", readsOver(overGRPC, cutShort), NotExercised},
	} {
		c.run(t)
	}
}

func TestMessagesOfGRPC(t *testing.T) {
	plain := statusWith(code.Code_NOT_FOUND, "Operation not found")
	raw := func(text string) func(*trace.Event) { return setTrailer("grpc-message", text) }
	two := func(one, other string, w wire) func(*scene) {
		return func(s *scene) {
			s.client("first", overGRPC).fails(MethodGet, getRequest("fv4-of-nobody"), statusWith(code.Code_NOT_FOUND, one))
			s.client("first", w).fails(MethodGet, getRequest("fv4-of-nobody"), statusWith(code.Code_NOT_FOUND, other))
		}
	}
	details := func(st *status.Status) func(*trace.Event) {
		binary, err := proto.Marshal(st)
		if err != nil {
			t.Fatal(err)
		}
		return setTrailer("grpc-status-details-bin", base64.RawStdEncoding.EncodeToString(binary))
	}
	for _, c := range []wireCase{
		{"ERR-03", "ASCII", failsOver(overGRPC, plain, asRecorded), NotExercised},
		{"ERR-03", "encoded", failsOver(overGRPC, plain, raw("100%25 „%D0%B6“"[:7]+"%D0%B6")), Pass},
		{"ERR-03", "lower case digits", failsOver(overGRPC, plain, raw("%c3%a9")), Pass},
		{"ERR-03", "encoded in headers", failsOver(overWeb, plain, setHeader("grpc-message", "%C3%A9")), Pass},
		{"ERR-03", "raw UTF-8", failsOver(overGRPC, plain, raw("ж")), Fail},
		{"ERR-03", "raw in headers", failsOver(overWeb, plain, setHeader("grpc-message", "ж")), Fail},
		{"ERR-03", "line feed", failsOver(overGRPC, plain, raw("a\nx-injected: yes")), Fail},
		{"ERR-03", "control character", failsOver(overGRPC, plain, raw("a\x01b")), Fail},
		{"ERR-03", "no UTF-8", failsOver(overGRPC, plain, raw("%FF")), Fail},
		{"ERR-03", "lone percent sign", failsOver(overGRPC, plain, raw("100% gone")), Warned},
		{"ERR-03", "letters survive", two("München", "München", overREST), Pass},
		{"ERR-03", "letters lost", two("M?nchen", "München", overREST), Fail},
		{"ERR-03", "letters garbled", two("MÃ¼nchen", "München", overConnect), Fail},
		{"ERR-03", "letters lost over gRPC-Web", func(s *scene) {
			s.client("first", overConnectJSON).fails(MethodGet, getRequest("x"), statusWith(code.Code_NOT_FOUND, "Ä"))
			s.client("first", overWeb).fails(MethodGet, getRequest("x"), statusWith(code.Code_NOT_FOUND, "?"))
		}, Fail},
		{"ERR-03", "other messages", two("Request 1: Ä", "Request 2: Ä", overREST), Pass},
		{"ERR-03", "a message of REST alone", two("gone", "Ä", overREST), Pass},

		{"ERR-04", "none", failsOver(overGRPC, plain, asRecorded), NotExercised},
		{"ERR-04", "equal", failsOver(overGRPC, plain, details(plain)), Pass},
		{"ERR-04", "padded", failsOver(overGRPC, plain, setTrailer("grpc-status-details-bin", "CAUSE09wZXJhdGlvbiBub3QgZm91bmQ=")), Pass},
		{"ERR-04", "spaces", failsOver(overGRPC, plain, details(statusWith(code.Code_NOT_FOUND, "Operation not found "))), Pass},
		{"ERR-04", "no message", failsOver(overGRPC, plain, details(statusWith(code.Code_NOT_FOUND, ""))), Pass},
		{"ERR-04", "letters", failsOver(overGRPC, statusWith(code.Code_NOT_FOUND, "ж%"), details(statusWith(code.Code_NOT_FOUND, "ж%"))), Pass},
		{"ERR-04", "redacted", failsOver(overGRPC, plain, setTrailer("grpc-status-details-bin", trace.Redacted)), NotExercised},
		{"ERR-04", "other code", failsOver(overGRPC, plain, details(statusWith(code.Code_INTERNAL, "Operation not found"))), Fail},
		{"ERR-04", "no code", failsOver(overGRPC, plain, details(statusWith(code.Code_OK, "Operation not found"))), Fail},
		{"ERR-04", "other message", failsOver(overGRPC, plain, details(statusWith(code.Code_NOT_FOUND, "Something else"))), Fail},
		{"ERR-04", "no base64", failsOver(overGRPC, plain, setTrailer("grpc-status-details-bin", "!!")), Fail},
		{"ERR-04", "no status", failsOver(overGRPC, plain, setTrailer("grpc-status-details-bin", "/w")), Fail},
		{"ERR-04", "status 17", failsOver(overGRPC, statusWith(17, "x"), details(plain)), NotExercised},
		{"ERR-04", "raw message", failsOver(overGRPC, plain, inTurn(details(plain), raw("a\nb"))), Pass},
	} {
		c.run(t)
	}
}

func TestErrorsOverHTTP(t *testing.T) {
	notFound := statusWith(code.Code_NOT_FOUND, "Operation not found")
	httpStatus := func(n uint32) func(*trace.Event) { return func(e *trace.Event) { e.HTTPStatus = n } }
	body := func(text string) func(*trace.Event) {
		return func(e *trace.Event) { e.Response = trace.NewBlob([]byte(text)) }
	}
	request := func(text string) func(*trace.Event) { return func(e *trace.Event) { e.HTTPRequest = text } }
	cases := []wireCase{
		{"ERR-06", "ok", readsOver(overREST, asRecorded), NotExercised},
		{"ERR-06", "members in any order, and more", failsOver(overREST, notFound, body(`{"details":[],"error":"Not Found","code":5}`)), Pass},
		{"ERR-06", "HTTP 200", failsOver(overREST, notFound, httpStatus(200)), Fail},
		{"ERR-06", "HTTP 422", failsOver(overREST, notFound, httpStatus(422)), Fail},
		{"ERR-06", "HTTP 500 for 400", failsOver(overREST, statusWith(code.Code_INVALID_ARGUMENT, "x"), httpStatus(500)), Fail},
		{"ERR-06", "wrapper", failsOver(overREST, notFound, body(`{"error":{"code":5}}`)), Fail},
		{"ERR-06", "a name for a code", failsOver(overREST, notFound, body(`{"code":"not_found"}`)), Fail},
		{"ERR-06", "an array", failsOver(overREST, notFound, body(`[]`)), Fail},
		{"ERR-06", "nothing", failsOver(overREST, notFound, body(``)), Fail},
		{"ERR-06", "HTML with 404", failsOver(overREST, notFound, byProxy(404)), Fail},
		{"ERR-06", "text with 503", failsOver(overREST, notFound, byProxy(503)), Warned},
		{"ERR-06", "text with 504", failsOver(overREST, notFound, byProxy(504)), Warned},
		{"ERR-06", "text with 429", failsOver(overREST, notFound, byProxy(429)), Warned},
		{"ERR-06", "text with 500", failsOver(overREST, notFound, byProxy(500)), Fail},
		{"ERR-06", "login page", readsOver(overREST, byProxy(200)), Fail},
		{"ERR-06", "gateway", readsOver(overREST, byProxy(502)), NotExercised},
		{"ERR-06", "cut off", failsOver(overREST, notFound, func(e *trace.Event) {
			e.Outcome, e.Failure = optestv1.Event_INDETERMINATE, &trace.Failure{Cause: optestv1.Event_Failure_RESET}
		}), NotExercised},
		{"ERR-06", "other verb", failsOver(overREST, notFound, inTurn(byProxy(405), request("HEAD /operations/x"))), NotExercised},
		{"ERR-06", "escaped slash", failsOver(overREST, notFound, inTurn(byProxy(400), request("GET /operations/a%2Fb"))), NotExercised},
		{"ERR-06", "not seen", failsOver(overREST, notFound, inTurn(httpStatus(0), func(e *trace.Event) { e.Response = nil })), NotExercised},

		{"ERR-07", "ok", readsOver(overConnect, asRecorded), NotExercised},
		{"ERR-07", "HTTP 200", failsOver(overConnect, notFound, httpStatus(200)), Fail},
		{"ERR-07", "HTTP 200 in JSON", failsOver(overConnectJSON, notFound, httpStatus(200)), Fail},
		{"ERR-07", "HTTP 500", failsOver(overConnect, notFound, httpStatus(500)), Fail},
		{"ERR-07", "a number", failsOver(overConnect, notFound, body(`{"code":5}`)), Fail},
		{"ERR-07", "an unknown name", failsOver(overConnect, notFound, body(`{"code":"NOT_FOUND"}`)), Fail},
		{"ERR-07", "another spelling", failsOver(overConnect, statusWith(code.Code_CANCELLED, "x"), body(`{"code":"cancelled"}`)), Fail},
		{"ERR-07", "before 2024", failsOver(overConnect, statusWith(code.Code_FAILED_PRECONDITION, "x"), httpStatus(412)), Warned},
		{"ERR-07", "no body", failsOver(overConnect, notFound, body("")), NotExercised},
		{"ERR-07", "no code", failsOver(overConnect, notFound, body(`{"message":"no route"}`)), NotExercised},
		{"ERR-07", "page", failsOver(overConnect, notFound, byProxy(404)), NotExercised},
	}
	for c := range httpOf {
		cases = append(cases,
			wireCase{"ERR-06", c.String(), failsOver(overREST, statusWith(c, "x"), asRecorded), Pass},
			wireCase{"ERR-07", c.String(), failsOver(overConnect, statusWith(c, "x"), asRecorded), Pass},
		)
	}
	for _, c := range cases {
		c.run(t)
	}
}

func TestDeadlines(t *testing.T) {
	calls := func(n int, w wire, took time.Duration, change func(*trace.Event)) func(*scene) {
		return func(s *scene) {
			for range n {
				e := s.client("first", w).fails(MethodGet, getRequest("x"), statusWith(code.Code_DEADLINE_EXCEEDED, "late"))
				e.Timeout = time.Second
				e.Returned = e.Called + took
				s.now = e.Returned
				change(e)
			}
		}
	}
	virtual := func(clock optestv1.TraceHeader_Clock, record func(*scene)) func(*scene) {
		return func(s *scene) {
			s.env.Header.Clock = clock
			record(s)
		}
	}
	lost := func(e *trace.Event) {
		e.Outcome, e.Failure = optestv1.Event_INDETERMINATE, &trace.Failure{Cause: optestv1.Event_Failure_TIMEOUT}
	}
	left := func(e *trace.Event) {
		e.Outcome, e.Failure = optestv1.Event_INDETERMINATE, &trace.Failure{Cause: optestv1.Event_Failure_CANCELLED}
	}
	for _, c := range []wireCase{
		{"ERR-10", "in time", calls(5, overGRPC, time.Second, asRecorded), Pass},
		{"ERR-10", "half a second late", calls(5, overConnect, 1500*time.Millisecond, asRecorded), Pass},
		{"ERR-10", "early", calls(5, overGRPC, time.Millisecond, func(e *trace.Event) { e.Failure.Code = code.Code_NOT_FOUND }), NotExercised},
		{"ERR-10", "late", calls(3, overGRPC, 1501*time.Millisecond, asRecorded), Warned},
		{"ERR-10", "late in virtual time", virtual(optestv1.TraceHeader_VIRTUAL, calls(3, overConnectJSON, 30*time.Second, asRecorded)), Warned},
		{"ERR-10", "never", calls(3, overWeb, 2*time.Second, lost), Warned},
		{"ERR-10", "stalled twice", calls(2, overGRPC, 6*time.Second, asRecorded), Inconclusive},
		{"ERR-10", "by a clock that is set", virtual(optestv1.TraceHeader_WALL, calls(5, overGRPC, 6*time.Second, asRecorded)), NotExercised},
		{"ERR-10", "over REST, which tells no deadline", calls(5, overREST, 6*time.Second, asRecorded), NotExercised},
		{"ERR-10", "without a deadline", calls(5, overGRPC, 6*time.Second, func(e *trace.Event) { e.Timeout = 0 }), NotExercised},
		{"ERR-10", "given up by the client", calls(5, overGRPC, 6*time.Second, left), NotExercised},
		{"ERR-10", "by an observer that was stalled", func(s *scene) {
			calls(5, overGRPC, 6*time.Second, asRecorded)(s)
			s.env.Untimed = []Span{{0, time.Hour}}
		}, NotExercised},

		{"ERR-11", "none", readsOver(overGRPC, func(e *trace.Event) { e.ResponseHeader = without(e.ResponseHeader, hintField) }), NotExercised},
		{"ERR-11", "5", readsOver(overGRPC, asRecorded), Pass},
		{"ERR-11", "an hour", readsOver(overREST, setHeader(hintField, "3600")), Pass},
		{"ERR-11", "more than any clock", readsOver(overGRPC, setHeader(hintField, "99999999999999999999999")), Pass},
		{"ERR-11", "0", readsOver(overGRPC, setHeader(hintField, "0")), Warned},
		{"ERR-11", "-5", readsOver(overGRPC, setHeader(hintField, "-5")), Warned},
		{"ERR-11", "1s", readsOver(overConnect, setHeader(hintField, "1s")), Warned},
		{"ERR-11", "empty", readsOver(overGRPC, setHeader(hintField, "")), Warned},
		{"ERR-11", "in trailers", readsOver(overGRPC, func(e *trace.Event) {
			e.ResponseHeader, e.Trailer = without(e.ResponseHeader, hintField), with(e.Trailer, hintField, "0")
		}), Warned},
	} {
		c.run(t)
	}
}

// Nothing that a server or a recorded file says may end the run.
func FuzzWireRules(f *testing.F) {
	f.Add(uint8(0), uint8(1), uint8(2), uint32(1), uint32(0), uint32(200), "0", "a%20b", "CAU", "application/grpc", []byte(`{"code":5}`))
	f.Add(uint8(4), uint8(2), uint8(0), uint32(0), uint32(0), uint32(404), "17", "%", "!", "text/html", []byte(`{"done":true,"error":{},"response":{"@type":"x"}}`))
	f.Add(uint8(3), uint8(1), uint8(0), uint32(0), uint32(0), uint32(200), "", "", "", "application/json", []byte(`{"createdAt":1,"metadata":{"@type":"type.googleapis.com/google.protobuf.Any","value":{}}}`))
	list := append(errorRules(), protocolRules()...)
	f.Fuzz(func(t *testing.T, over, outcome, trailers uint8, messages, partial, httpStatus uint32, grpcStatus, message, details, contentType string, body []byte) {
		s := newScene(t)
		c := s.client("first", wires[int(over)%len(wires)])
		for i := range 2 {
			e := c.asks(MethodGet, getRequest(fmt.Sprint("fv", i)), nil)
			e.Outcome = optestv1.Event_Outcome(outcome%3 + 1)
			if e.Outcome != optestv1.Event_OK {
				e.Failure = &trace.Failure{Code: code.Code(httpStatus), Message: message, Details: body}
			}
			e.Frames = &trace.Frames{Messages: messages, Partial: partial, Trailers: optestv1.Event_Frames_Trailers(trailers % 5)}
			e.HTTPStatus, e.ResponseCodec, e.Response = httpStatus, c.wire.codec(), trace.NewBlob(body)
			e.Trailer = trace.Fields{{Name: "grpc-status", Value: grpcStatus}, {Name: "grpc-message", Value: message}, {Name: "grpc-status-details-bin", Value: details}}
			e.ResponseHeader = append(trace.Fields{{Name: "content-type", Value: contentType}, {Name: hintField, Value: grpcStatus}}, e.Trailer...)
			if c.wire == overREST {
				e.HTTPRequest = "GET /operations/" + message
			}
			c.ends(e)
		}
		for _, r := range Check(s.env, list, s.events) {
			if r.Verdict == 0 {
				t.Errorf("%s has no verdict", r.Rule.ID)
			}
		}
	})
}
