package exchange

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// frame is a message with its prefix.
func frame(flags byte, message string) string {
	return string(append(binary.BigEndian.AppendUint32([]byte{flags}, uint32(len(message))), message...))
}

func zipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		panic(err) // a buffer has room
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.String()
}

var (
	overGRPC    = callOf("POST", "/"+getMethod, http.Header{"Content-Type": {"application/grpc"}})
	overWeb     = callOf("POST", "/"+getMethod, http.Header{"Content-Type": {"application/grpc-web+proto"}})
	overConnect = callOf("POST", "/"+getMethod, http.Header{"Content-Type": {"application/proto"}})
	overJSON    = callOf("POST", "/"+getMethod, http.Header{"Content-Type": {"application/json"}})
	overREST    = callOf("GET", "/operations/a", nil)
	unknown     = callOf("GET", "/", nil)
)

// came is what HTTP has brought, its header and trailer written as lines.
type came struct {
	status          int // 0: 200
	header, trailer string
	body            string
}

func (c came) answer() Answer {
	return Answer{Status: cmp.Or(c.status, http.StatusOK), Header: headerOf(c.header), Trailer: headerOf(c.trailer), Body: []byte(c.body), Length: -1}
}

// driven is the same call by a client that asks for no coding.
func driven(c Call) Call { return NewCall(c.protocol, c.codec, c.desc, c.verb) }

// summary is what matters of what was received.
func summary(r received) string {
	var b strings.Builder
	switch {
	case r.failure == nil:
		b.WriteString("OK")
	case r.open:
		b.WriteString("open")
	default:
		b.WriteString(r.failure.Code.String())
	}
	if f := r.frames; f != nil {
		fmt.Fprintf(&b, " %s %d", f.Trailers, f.Messages)
		if f.Partial > 0 {
			fmt.Fprintf(&b, " partial %d", f.Partial)
		}
		if f.Compressed > 0 {
			fmt.Fprintf(&b, " compressed %d", f.Compressed)
		}
	}
	fmt.Fprintf(&b, " %s", r.codec)
	if r.fidelity != 0 {
		fmt.Fprintf(&b, " %s", r.fidelity)
	}
	if r.message != nil {
		fmt.Fprintf(&b, " %q", r.message)
	}
	for _, m := range r.further {
		fmt.Fprintf(&b, " +%q", m)
	}
	if r.failure != nil && r.failure.Message != "" {
		fmt.Fprintf(&b, ": %s", r.failure.Message)
	}
	if r.failure != nil && r.failure.Details != nil {
		st := &status.Status{}
		if err := proto.Unmarshal(r.failure.Details, st); err != nil {
			return err.Error()
		}
		fmt.Fprintf(&b, " [%d details]", len(st.GetDetails()))
	}
	return b.String()
}

const (
	grpcType = "Content-Type: application/grpc+proto"
	webType  = "Content-Type: application/grpc-web+proto"
	jsonType = "Content-Type: application/json"
	htmlType = "Content-Type: text/html"
	htmlPage = "<html>"
	okStatus = "Grpc-Status: 0"
	unavail  = "Grpc-Status: 14\nGrpc-Message: try again%2C %E2%80%9Ewell%E2%80%9C 100%"
)

// Each row is an answer and what is made of it.
var answerTable = []struct {
	name string
	call Call
	came
	want string
}{
	{"right", overGRPC, came{header: grpcType, trailer: okStatus, body: frame(0, "m")}, `OK AFTER 1 PROTO "m"`},
	{"an empty message", overGRPC, came{header: grpcType, trailer: okStatus, body: frame(0, "")}, `OK AFTER 1 PROTO ""`},
	{"no codec in the type", overGRPC, came{header: "Content-Type: application/grpc", trailer: okStatus, body: frame(0, "m")}, `OK AFTER 1 PROTO "m"`},
	{"error in trailers", overGRPC, came{header: grpcType, trailer: unavail}, `UNAVAILABLE AFTER 0 PROTO: try again, „well“ 100%`},
	{"trailers only", overGRPC, came{header: grpcType + "\n" + unavail}, `UNAVAILABLE ONLY 0 PROTO: try again, „well“ 100%`},
	{"details", overGRPC, came{header: grpcType, trailer: "Grpc-Status: 5\nGrpc-Status-Details-Bin: CAUaAhoAGgIaAA=="}, `NOT_FOUND AFTER 0 PROTO [2 details]`},
	{"status in headers with a body", overGRPC, came{header: grpcType + "\n" + unavail, body: frame(0, "m")}, `UNAVAILABLE ONLY 1 PROTO "m": try again, „well“ 100%`},
	{"status in headers and trailers", overGRPC, came{header: grpcType + "\nGrpc-Status: 14", trailer: okStatus, body: frame(0, "m")}, `OK AFTER 1 PROTO "m"`},
	{"no status", overGRPC, came{header: grpcType, body: frame(0, "m")}, `open MISSING 1 PROTO "m": the answer ends without grpc-status`},
	{"nothing", overGRPC, came{header: grpcType}, `open MISSING 0 PROTO: the answer ends without grpc-status`},
	{"no number", overGRPC, came{header: grpcType, trailer: "Grpc-Status: abc"}, `UNKNOWN AFTER 0 PROTO: grpc-status "abc" is no number`},
	{"17", overGRPC, came{header: grpcType, trailer: "Grpc-Status: 17"}, `17 AFTER 0 PROTO`},
	{"a message that is half encoded", overGRPC, came{header: grpcType, trailer: "Grpc-Status: 8\nGrpc-Message: f%C3%BCll%zz\nGrpc-Status-Details-Bin: CAUaAhoA"}, `RESOURCE_EXHAUSTED AFTER 0 PROTO: füll%zz [1 details]`},
	{"no message", overGRPC, came{header: grpcType, trailer: okStatus}, `OK AFTER 0 PROTO`},
	{"two messages", overGRPC, came{header: grpcType, trailer: okStatus, body: frame(0, "m") + frame(0, "n")}, `OK AFTER 2 PROTO "m" +"n"`},
	{"half a message", overGRPC, came{header: grpcType, trailer: okStatus, body: frame(0, "mmmm")[:7]}, `OK AFTER 0 partial 7 PROTO`},
	{"half a prefix", overGRPC, came{header: grpcType, trailer: okStatus, body: frame(0, "m") + "\x00\x00"}, `OK AFTER 1 partial 2 PROTO "m"`},
	{"a length of 4 GiB", overGRPC, came{header: grpcType, trailer: okStatus, body: "\x00\xff\xff\xff\xffm"}, `OK AFTER 0 partial 6 PROTO`},
	{"gzip", overGRPC, came{header: grpcType + "\nGrpc-Encoding: gzip", trailer: okStatus, body: frame(1, zipped("m"))}, `OK AFTER 1 compressed 1 PROTO "m"`},
	{"another compression", overGRPC, came{header: grpcType + "\nGrpc-Encoding: br", trailer: okStatus, body: frame(1, "??")}, `OK AFTER 1 compressed 1 PROTO UNSEEN`},
	{"error with a message", overGRPC, came{header: grpcType, trailer: "Grpc-Status: 13", body: frame(0, "m")}, `INTERNAL AFTER 1 PROTO "m"`},
	{"404 with a status", overGRPC, came{status: 404, header: grpcType, trailer: "Grpc-Status: 5"}, `NOT_FOUND AFTER 0 PROTO`},
	{"right but for its type", overGRPC, came{header: htmlType, trailer: okStatus, body: frame(0, "m")}, `OK AFTER 1 PROTO "m"`},
	{"a page with 200", overGRPC, came{header: htmlType, body: htmlPage}, `open MISSING 0 FOREIGN "<html>": HTTP 200 with content type "text/html" instead of an answer of grpc`},
	{"a page with 502", overGRPC, came{status: 502, header: htmlType, body: htmlPage}, `open MISSING 0 FOREIGN "<html>": HTTP 502 with content type "text/html" instead of an answer of grpc`},
	{"a page with 404", overGRPC, came{status: 404, header: htmlType, body: htmlPage}, `UNIMPLEMENTED MISSING 0 FOREIGN "<html>": HTTP 404 with content type "text/html" instead of an answer of grpc`},
	{"a page with 401", overGRPC, came{status: 401, header: htmlType, body: htmlPage}, `UNAUTHENTICATED MISSING 0 FOREIGN "<html>": HTTP 401 with content type "text/html" instead of an answer of grpc`},
	{"gRPC-Web instead", overGRPC, came{header: webType, body: frame(0x80, "grpc-status: 0\r\n")}, `open MISSING 0 FOREIGN "\x80\x00\x00\x00\x10grpc-status: 0\r\n": HTTP 200 with content type "application/grpc-web+proto" instead of an answer of grpc`},

	{"right", overWeb, came{header: webType, body: frame(0, "m") + frame(0x80, "grpc-status: 0\r\n")}, `OK IN_BODY 1 PROTO "m"`},
	{"line feeds", overWeb, came{header: webType, body: frame(0, "m") + frame(0x80, "Grpc-Status:0\ngrpc-message:\n")}, `OK IN_BODY 1 PROTO "m"`},
	{"error", overWeb, came{header: webType, body: frame(0x80, "grpc-status: 5\r\ngrpc-message: %C3%A9\r\n")}, `NOT_FOUND IN_BODY 0 PROTO: é`},
	{"error in headers", overWeb, came{header: webType + "\nGrpc-Status: 5"}, `NOT_FOUND ONLY 0 PROTO`},
	{"status in trailers of HTTP", overWeb, came{header: webType, trailer: okStatus, body: frame(0, "m")}, `OK AFTER 1 PROTO "m"`},
	{"no trailers", overWeb, came{header: webType, body: frame(0, "m")}, `open MISSING 1 PROTO "m": the answer ends without grpc-status`},
	{"trailers without a status", overWeb, came{header: webType, body: frame(0x80, "a: b\r\n")}, `open MISSING 0 PROTO: the answer ends without grpc-status`},
	{"as text", overWeb, came{header: "Content-Type: application/grpc-web-text+proto", body: base64.StdEncoding.EncodeToString([]byte(frame(0, "mm"))) + base64.StdEncoding.EncodeToString([]byte(frame(0x80, "grpc-status: 0\r\n")))}, `OK IN_BODY 1 PROTO "mm"`},
	{"as text of another codec", overWeb, came{header: "Content-Type: application/grpc-web-text+json", body: base64.StdEncoding.EncodeToString([]byte(frame(0x80, "grpc-status: 0\r\n")))}, `OK IN_BODY 0 PROTO`},
	{"compressed as a whole", overWeb, came{header: webType + "\nContent-Encoding: gzip", body: zipped(frame(0, "m") + frame(0x80, "grpc-status: 0\r\n"))}, `OK IN_BODY 1 PROTO "m"`},
	{"compressed trailers", overWeb, came{header: webType + "\nGrpc-Encoding: gzip", body: frame(0, "m") + frame(0x81, zipped("grpc-status: 0\r\n"))}, `OK IN_BODY 1 PROTO "m"`},
	{"a line feed in a message", overWeb, came{header: webType, body: frame(0x80, "grpc-status: 5\r\ngrpc-message: a\nx: y\r\n")}, "NOT_FOUND IN_BODY 0 PROTO: a\nx: y"},
	{"a page", overWeb, came{status: 503, header: htmlType, body: htmlPage}, `open MISSING 0 FOREIGN "<html>": HTTP 503 with content type "text/html" instead of an answer of grpc-web`},
	{"gRPC instead", overWeb, came{header: grpcType, body: frame(0, "m")}, `open MISSING 0 FOREIGN "\x00\x00\x00\x00\x01m": HTTP 200 with content type "application/grpc+proto" instead of an answer of grpc-web`},

	{"right", overConnect, came{header: "Content-Type: application/proto", body: "m"}, `OK PROTO "m"`},
	{"an empty message", overConnect, came{header: "Content-Type: application/proto"}, `OK PROTO ""`},
	{"error", overConnect, came{status: 404, header: jsonType, body: `{"code":"not_found","message":"é","details":[{"type":"google.rpc.RetryInfo","value":"CgIIPA"},{"type":"x","value":"!"}]}`}, `NOT_FOUND JSON "{\"code\":\"not_found\",\"message\":\"é\",\"details\":[{\"type\":\"google.rpc.RetryInfo\",\"value\":\"CgIIPA\"},{\"type\":\"x\",\"value\":\"!\"}]}": é [1 details]`},
	{"error of an old table", overConnect, came{status: 408, header: jsonType, body: `{"code":"canceled"}`}, `CANCELLED JSON "{\"code\":\"canceled\"}"`},
	{"error without a body", overConnect, came{status: 503, header: jsonType}, `UNAVAILABLE JSON ""`},
	{"error of an unknown code", overConnect, came{status: 404, header: jsonType, body: `{"code":"OK","message":"gone"}`}, `UNIMPLEMENTED JSON "{\"code\":\"OK\",\"message\":\"gone\"}": gone`},
	{"error with a number", overConnect, came{status: 403, header: jsonType, body: `{"code":7}`}, `PERMISSION_DENIED JSON "{\"code\":7}"`},
	{"error with 200", overConnect, came{header: jsonType, body: `{"code":"not_found"}`}, `NOT_FOUND JSON "{\"code\":\"not_found\"}"`},
	{"details that are none", overConnect, came{status: 404, header: jsonType, body: `{"code":"not_found","details":[{"type":"x","value":"!"}]}`}, `NOT_FOUND JSON "{\"code\":\"not_found\",\"details\":[{\"type\":\"x\",\"value\":\"!\"}]}"`},
	{"a parameter that is none", overConnect, came{header: jsonType + "; charset", body: `{}`}, `OK JSON "{}"`},
	{"JSON instead", overConnect, came{header: jsonType, body: `{"id":"x"}`}, `OK JSON "{\"id\":\"x\"}"`},
	{"a page", overConnect, came{header: htmlType, body: htmlPage}, `open FOREIGN "<html>": HTTP 200 with content type "text/html" instead of an answer of connect`},
	{"not found", overConnect, came{status: 404, header: "Content-Type: text/plain; charset=utf-8", body: "404"}, `UNIMPLEMENTED FOREIGN "404": HTTP 404 with content type "text/plain; charset=utf-8" instead of an answer of connect`},
	{"gzip", overConnect, came{header: "Content-Type: application/proto\nContent-Encoding: gzip", body: zipped("m")}, `OK PROTO "m"`},

	{"right", overJSON, came{header: jsonType + "; charset=utf-8", body: `{"id":"x"}`}, `OK JSON "{\"id\":\"x\"}"`},
	{"error with 200", overJSON, came{header: jsonType, body: `{"code":"not_found"}`}, `NOT_FOUND JSON "{\"code\":\"not_found\"}"`},
	{"another type that begins alike", overJSON, came{header: "Content-Type: application/jsonx", body: `{}`}, `open FOREIGN "{}": HTTP 200 with content type "application/jsonx" instead of an answer of connect-json`},

	{"right", overREST, came{header: jsonType, body: `{"id":"x"}`}, `OK JSON "{\"id\":\"x\"}"`},
	{"error", overREST, came{status: 404, header: jsonType, body: `{"code":5,"message":"é","details":[{"@type":"type.googleapis.com/of.Nobody"},{"@type":"type.googleapis.com/google.rpc.Status"}]}`}, `NOT_FOUND JSON "{\"code\":5,\"message\":\"é\",\"details\":[{\"@type\":\"type.googleapis.com/of.Nobody\"},{\"@type\":\"type.googleapis.com/google.rpc.Status\"}]}": é [1 details]`},
	{"error with 200", overREST, came{header: jsonType, body: `{"code":14}`}, `UNAVAILABLE JSON "{\"code\":14}"`},
	{"error in a wrapper", overREST, came{status: 409, header: jsonType, body: `{"error":{"code":6}}`}, `ALREADY_EXISTS JSON "{\"error\":{\"code\":6}}"`},
	{"an operation that has failed", overREST, came{header: jsonType, body: `{"done":true,"error":{"code":6}}`}, `OK JSON "{\"done\":true,\"error\":{\"code\":6}}"`},
	{"text", overREST, came{status: 503, header: "Content-Type: text/plain", body: "connect error"}, `open FOREIGN "connect error": HTTP 503 with content type "text/plain" instead of an answer of rest`},
	{"a page", overREST, came{status: 404, header: htmlType, body: htmlPage}, `NOT_FOUND FOREIGN "<html>": HTTP 404 with content type "text/html" instead of an answer of rest`},
	{"closed by the client", overREST, came{status: 499, header: jsonType, body: `{}`}, `CANCELLED JSON "{}"`},
	{"error without a body", overREST, came{status: 404, header: jsonType}, `NOT_FOUND JSON ""`},
	{"gzip", overREST, came{header: jsonType + "\nContent-Encoding: gzip", body: zipped(`{}`)}, `OK JSON "{}"`},
}

func TestAnswers(t *testing.T) {
	for _, row := range answerTable {
		t.Run(row.call.name()+"/"+row.name, func(t *testing.T) {
			for _, c := range []Call{row.call, driven(row.call)} {
				if got := summary(c.read(row.answer())); got != row.want {
					t.Errorf("got  %s\nwant %s", got, row.want)
				}
			}
		})
	}
	for _, verb := range []string{http.MethodHead, http.MethodOptions} {
		c := NewCall(optestv1.Event_REST, optestv1.Event_JSON, overREST.desc, verb)
		for status, want := range map[int]string{200: "OK JSON", 404: "NOT_FOUND JSON: HTTP 404"} {
			if got := summary(c.read(came{status: status}.answer())); got != want {
				t.Errorf("%s: got %s, want %s", verb, got, want)
			}
		}
	}
	for status, want := range map[int]string{200: "OK CODEC_UNSPECIFIED UNSEEN", 404: "NOT_FOUND CODEC_UNSPECIFIED UNSEEN: HTTP 404"} {
		if got := summary(unknown.read(came{status: status, body: "x"}.answer())); got != want {
			t.Errorf("no call: got %s, want %s", got, want)
		}
	}
}

// A coding that nobody here knows may be one that the client has asked for, unless
// it has asked for none.
func TestCodings(t *testing.T) {
	for _, row := range []struct {
		name string
		call Call
		came
		seen, driven string
	}{
		{"unknown", overWeb, came{header: webType + "\nContent-Encoding: br", body: "??"}, `open PROTO UNSEEN: the answer's status was not seen`, `open MISSING 0 FOREIGN UNSEEN: HTTP 200 with content type "application/grpc-web+proto" instead of an answer of grpc-web`},
		{"unknown, status in headers", overWeb, came{header: webType + "\nContent-Encoding: br\nGrpc-Status: 5", body: "??"}, `NOT_FOUND PROTO UNSEEN`, `open ONLY 0 FOREIGN UNSEEN: HTTP 200 with content type "application/grpc-web+proto" instead of an answer of grpc-web`},
		{"unknown", overConnect, came{header: "Content-Type: application/proto\nContent-Encoding: br", body: "??"}, `OK PROTO UNSEEN`, `open FOREIGN UNSEEN: HTTP 200 with content type "application/proto" instead of an answer of connect`},
		{"broken", overConnect, came{header: "Content-Type: application/proto\nContent-Encoding: gzip", body: zipped("m")[:9]}, `OK PROTO UNSEEN`, `open FOREIGN UNSEEN: HTTP 200 with content type "application/proto" instead of an answer of connect`},
		{"unknown", overREST, came{status: 404, header: jsonType + "\nContent-Encoding: br", body: "??"}, `NOT_FOUND JSON UNSEEN: HTTP 404`, `NOT_FOUND FOREIGN UNSEEN: HTTP 404 with content type "application/json" instead of an answer of rest`},
	} {
		t.Run(row.call.name()+"/"+row.name, func(t *testing.T) {
			if got := summary(row.call.read(row.answer())); got != row.seen {
				t.Errorf("seen on its way: got  %s\nwant %s", got, row.seen)
			}
			c := driven(row.call)
			if got := summary(c.read(row.answer())); got != row.driven {
				t.Errorf("driven: got  %s\nwant %s", got, row.driven)
			}
		})
	}
}

// An answer whose body was not kept still tells how the call ended, where HTTP
// says that.
func TestAnswersUnseen(t *testing.T) {
	for _, tt := range []struct {
		name            string
		call            Call
		status          int
		header, trailer string
		code            code.Code
		open            bool
	}{
		{"gRPC", overGRPC, 200, "", "Grpc-Status: 0", 0, false},
		{"gRPC, failed", overGRPC, 200, "", "Grpc-Status: 5", 5, false},
		{"gRPC, headers only", overGRPC, 200, "Grpc-Status: 5", "", 5, false},
		{"gRPC-Web", overWeb, 200, "", "", 2, true},
		{"Connect", overConnect, 200, "", "", 0, false},
		{"Connect, failed", overConnect, 404, "", "", code.Code_UNIMPLEMENTED, false},
		{"REST", overREST, 201, "", "", 0, false},
		{"REST, failed", overREST, 404, "", "", 5, false},
	} {
		got := tt.call.read(Answer{Status: tt.status, Header: headerOf(tt.header), Trailer: headerOf(tt.trailer), unseen: true})
		c := code.Code_OK
		if got.failure != nil {
			c = got.failure.Code
		}
		if got.message != nil || got.fidelity != optestv1.Event_UNSEEN || got.frames != nil || c != tt.code || got.open != tt.open {
			t.Errorf("%s: got %+v", tt.name, got)
		}
	}
}

// FuzzAnswer: no answer makes the reader fail, and what it keeps of a body is from
// it.
func FuzzAnswer(f *testing.F) {
	for _, body := range []string{"", frame(0, "ab"), frame(1, zipped("ab")), frame(0x80, "grpc-status: 0\r\n"), `{"code":"not_found","details":[{"type":"a","value":"?"}]}`, `{"code":8}`, "AAAAAAA=AAAA"} {
		for _, kind := range []string{"application/grpc", "application/grpc-web-TEXT", "application/json", "text/html"} {
			f.Add(200, kind, "", "0", body)
			f.Add(503, kind, "gzip", "", zipped(body))
		}
	}
	for _, row := range answerTable {
		a := row.answer()
		f.Add(a.Status, a.Header.Get("Content-Type"), a.Header.Get("Content-Encoding"), a.Trailer.Get("Grpc-Status"), row.body)
	}
	f.Fuzz(func(t *testing.T, code int, kind, coding, status, body string) {
		header := http.Header{"Content-Type": {kind}, "Content-Encoding": {coding}, "Grpc-Encoding": {coding}}
		trailer := http.Header{"Grpc-Status": {status}, "Grpc-Message": {body}, "Grpc-Status-Details-Bin": {body}}
		for _, c := range []Call{overGRPC, overWeb, overConnect, overJSON, overREST, driven(overGRPC), driven(overWeb), driven(overConnect), driven(overREST), unknown} {
			for _, a := range []Answer{
				{Status: code, Header: header, Trailer: trailer, Body: []byte(body)},
				{Status: code, Header: header, Body: []byte(body)},
				{Status: code, Header: header, Trailer: trailer, unseen: true},
			} {
				got := c.read(a)
				if coding == "" && !strings.Contains(strings.ToLower(kind), "text") && !bytes.Contains([]byte(body), got.message) {
					t.Fatalf("got message %q of %q", got.message, body)
				}
				if got.open && got.failure == nil {
					t.Fatal("the end is open and nothing says why")
				}
				if got.failure != nil && !got.open && got.failure.Code == 0 {
					t.Fatal("the call failed with OK")
				}
				if got.codec == optestv1.Event_CODEC_UNSPECIFIED && c.protocol != optestv1.Event_OTHER {
					t.Fatal("the answer has no codec")
				}
				if len(got.further) > maxFurther {
					t.Fatalf("got %d further messages", len(got.further))
				}
				if got.frames == nil {
					if c.framed() && got.fidelity == 0 {
						t.Fatal("an answer that was seen has no frames")
					}
					continue
				}
				if fr := got.frames; int(fr.Messages)*prefixLen > len(body)*1032 || fr.Compressed > fr.Messages {
					t.Fatalf("%d bytes are %d messages, %d compressed", len(body), fr.Messages, fr.Compressed)
				}
			}
		}
	})
}
