package drive

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

func TestRequestsAreAsTheProtocolsHaveThem(t *testing.T) {
	call := Call{Method: methodGet, Message: &operation.GetOperationRequest{OperationId: "a/b"}, Timeout: 1500 * time.Millisecond}
	for _, row := range []struct {
		p                            Protocol
		verb, target, body           string
		contentType, timeout, others string
	}{
		{GRPC, "POST", "/yandex.cloud.operation.OperationService/Get", "\x00\x00\x00\x00\x05\n\x03a/b", "application/grpc+proto", "Grpc-Timeout: 1500000u", "Te: trailers"},
		{GRPCWeb, "POST", "/yandex.cloud.operation.OperationService/Get", "\x00\x00\x00\x00\x05\n\x03a/b", "application/grpc-web+proto", "Grpc-Timeout: 1500000u", "X-Grpc-Web: 1"},
		{Connect, "POST", "/yandex.cloud.operation.OperationService/Get", "\n\x03a/b", "application/proto", "Connect-Timeout-Ms: 1500", "Connect-Protocol-Version: 1"},
		{ConnectJSON, "POST", "/yandex.cloud.operation.OperationService/Get", `{"operationId":"a/b"}`, "application/json", "Connect-Timeout-Ms: 1500", "Accept-Encoding: identity"},
		{REST, "GET", "/operations/a%2Fb", "", "", "", "Accept-Encoding: identity"},
	} {
		s, err := row.p.encode(call)
		if err != nil {
			t.Fatal(err)
		}
		if s.verb != row.verb || s.target != row.target || string(s.body) != row.body || s.header["Content-Type"] != row.contentType {
			t.Errorf("%s: got %s %s %q as %q, want %s %s %q as %q", row.p, s.verb, s.target, s.body, s.header["Content-Type"], row.verb, row.target, row.body, row.contentType)
		}
		for _, want := range []string{row.timeout, row.others} {
			if name, value, _ := strings.Cut(want, ": "); s.header[name] != value {
				t.Errorf("%s: header %s is %q, want %q", row.p, name, s.header[name], value)
			}
		}
	}
}

func TestTimeoutsFitIntoTheirDigits(t *testing.T) {
	for d, want := range map[time.Duration][2]string{
		1:                           {"1n", "1"},
		99_999_999:                  {"99999999n", "100"},
		100_000_000:                 {"100000u", "100"},
		100_000_001:                 {"100001u", "101"},
		time.Second:                 {"1000000u", "1000"},
		100 * time.Second:           {"100000m", "100000"},
		28 * time.Hour:              {"100800S", "100800000"},
		200_000 * time.Hour:         {"12000000M", "9999999999"},
		time.Duration(1<<63 - 1):    {"2562048H", "9999999999"},
		90_000_000*time.Second + 1:  {"90000001S", "9999999999"},
		250 * time.Hour / 10 * 1000: {"90000000S", "9999999999"},
	} {
		if got := [2]string{grpcTimeout(d), connectTimeout(d)}; got != want {
			t.Errorf("%v: got %q, want %q", d, got, want)
		}
	}
}

// answer is what HTTP has brought.
type answer struct {
	status          int
	header, trailer string // "Name: value" by lines
	body            string
}

func (a answer) response() *http.Response {
	if a.status == 0 {
		a.status = 200
	}
	return &http.Response{StatusCode: a.status, Status: fmt.Sprint(a.status), Header: headerOf(a.header), Trailer: headerOf(a.trailer), ContentLength: -1}
}

func headerOf(lines string) http.Header {
	h := http.Header{}
	for line := range strings.SplitSeq(lines, "|") {
		if name, value, ok := strings.Cut(line, ": "); ok {
			h.Add(name, value)
		}
	}
	return h
}

func frame(flags byte, message string) string {
	f := framed([]byte(message))
	f[0] = flags
	return string(f)
}

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

func zipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
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
	unavail  = "Grpc-Status: 14|Grpc-Message: try again%2C %E2%80%9Ewell%E2%80%9C 100%"
)

// Each row is an answer and what is made of it.
var answerTable = []struct {
	name string
	p    Protocol
	answer
	want string
}{
	{"right", GRPC, answer{header: grpcType, trailer: okStatus, body: frame(0, "m")}, `OK AFTER 1 PROTO "m"`},
	{"an empty message", GRPC, answer{header: grpcType, trailer: okStatus, body: frame(0, "")}, `OK AFTER 1 PROTO ""`},
	{"no codec in the type", GRPC, answer{header: "Content-Type: application/grpc", trailer: okStatus, body: frame(0, "m")}, `OK AFTER 1 PROTO "m"`},
	{"error in trailers", GRPC, answer{header: grpcType, trailer: unavail}, `UNAVAILABLE AFTER 0 PROTO: try again, „well“ 100%`},
	{"trailers only", GRPC, answer{header: grpcType + "|" + unavail}, `UNAVAILABLE ONLY 0 PROTO: try again, „well“ 100%`},
	{"details", GRPC, answer{header: grpcType, trailer: "Grpc-Status: 5|Grpc-Status-Details-Bin: CAUaAhoAGgIaAA=="}, `NOT_FOUND AFTER 0 PROTO [2 details]`},
	{"status in headers with a body", GRPC, answer{header: grpcType + "|" + unavail, body: frame(0, "m")}, `UNAVAILABLE ONLY 1 PROTO "m": try again, „well“ 100%`},
	{"status in headers and trailers", GRPC, answer{header: grpcType + "|Grpc-Status: 14", trailer: okStatus, body: frame(0, "m")}, `OK AFTER 1 PROTO "m"`},
	{"no status", GRPC, answer{header: grpcType, body: frame(0, "m")}, `open MISSING 1 PROTO "m": the answer ends without grpc-status`},
	{"nothing", GRPC, answer{header: grpcType}, `open MISSING 0 PROTO: the answer ends without grpc-status`},
	{"no number", GRPC, answer{header: grpcType, trailer: "Grpc-Status: abc"}, `UNKNOWN AFTER 0 PROTO: grpc-status "abc" is no number`},
	{"17", GRPC, answer{header: grpcType, trailer: "Grpc-Status: 17"}, `17 AFTER 0 PROTO`},
	{"no message", GRPC, answer{header: grpcType, trailer: okStatus}, `OK AFTER 0 PROTO`},
	{"two messages", GRPC, answer{header: grpcType, trailer: okStatus, body: frame(0, "m") + frame(0, "n")}, `OK AFTER 2 PROTO "m" +"n"`},
	{"half a message", GRPC, answer{header: grpcType, trailer: okStatus, body: frame(0, "mmmm")[:7]}, `OK AFTER 0 partial 7 PROTO`},
	{"half a prefix", GRPC, answer{header: grpcType, trailer: okStatus, body: frame(0, "m") + "\x00\x00"}, `OK AFTER 1 partial 2 PROTO "m"`},
	{"a length of 4 GiB", GRPC, answer{header: grpcType, trailer: okStatus, body: "\x00\xff\xff\xff\xffm"}, `OK AFTER 0 partial 6 PROTO`},
	{"gzip", GRPC, answer{header: grpcType + "|Grpc-Encoding: gzip", trailer: okStatus, body: frame(1, zipped("m"))}, `OK AFTER 1 compressed 1 PROTO "m"`},
	{"another compression", GRPC, answer{header: grpcType + "|Grpc-Encoding: br", trailer: okStatus, body: frame(1, "??")}, `OK AFTER 1 compressed 1 PROTO UNSEEN`},
	{"error with a message", GRPC, answer{header: grpcType, trailer: "Grpc-Status: 13", body: frame(0, "m")}, `INTERNAL AFTER 1 PROTO "m"`},
	{"404 with a status", GRPC, answer{status: 404, header: grpcType, trailer: "Grpc-Status: 5"}, `NOT_FOUND AFTER 0 PROTO`},
	{"right but for its type", GRPC, answer{header: htmlType, trailer: okStatus, body: frame(0, "m")}, `OK AFTER 1 PROTO "m"`},
	{"a page with 200", GRPC, answer{header: htmlType, body: htmlPage}, `open MISSING 0 FOREIGN "<html>": HTTP 200 with content type "text/html" instead of an answer of grpc`},
	{"a page with 502", GRPC, answer{status: 502, header: htmlType, body: htmlPage}, `open MISSING 0 FOREIGN "<html>": HTTP 502 with content type "text/html" instead of an answer of grpc`},
	{"a page with 404", GRPC, answer{status: 404, header: htmlType, body: htmlPage}, `UNIMPLEMENTED MISSING 0 FOREIGN "<html>": HTTP 404 with content type "text/html" instead of an answer of grpc`},
	{"a page with 401", GRPC, answer{status: 401, header: htmlType, body: htmlPage}, `UNAUTHENTICATED MISSING 0 FOREIGN "<html>": HTTP 401 with content type "text/html" instead of an answer of grpc`},
	{"gRPC-Web instead", GRPC, answer{header: webType, body: frame(0x80, "grpc-status: 0\r\n")}, `open MISSING 0 FOREIGN "\x80\x00\x00\x00\x10grpc-status: 0\r\n": HTTP 200 with content type "application/grpc-web+proto" instead of an answer of grpc`},

	{"right", GRPCWeb, answer{header: webType, body: frame(0, "m") + frame(0x80, "grpc-status: 0\r\n")}, `OK IN_BODY 1 PROTO "m"`},
	{"line feeds", GRPCWeb, answer{header: webType, body: frame(0, "m") + frame(0x80, "Grpc-Status:0\ngrpc-message:\n")}, `OK IN_BODY 1 PROTO "m"`},
	{"error", GRPCWeb, answer{header: webType, body: frame(0x80, "grpc-status: 5\r\ngrpc-message: %C3%A9\r\n")}, `NOT_FOUND IN_BODY 0 PROTO: é`},
	{"error in headers", GRPCWeb, answer{header: webType + "|Grpc-Status: 5"}, `NOT_FOUND ONLY 0 PROTO`},
	{"status in trailers of HTTP", GRPCWeb, answer{header: webType, trailer: okStatus, body: frame(0, "m")}, `OK AFTER 1 PROTO "m"`},
	{"no trailers", GRPCWeb, answer{header: webType, body: frame(0, "m")}, `open MISSING 1 PROTO "m": the answer ends without grpc-status`},
	{"trailers without a status", GRPCWeb, answer{header: webType, body: frame(0x80, "a: b\r\n")}, `open MISSING 0 PROTO: the answer ends without grpc-status`},
	{"as text", GRPCWeb, answer{header: "Content-Type: application/grpc-web-text+proto", body: base64.StdEncoding.EncodeToString([]byte(frame(0, "mm"))) + base64.StdEncoding.EncodeToString([]byte(frame(0x80, "grpc-status: 0\r\n")))}, `OK IN_BODY 1 PROTO "mm"`},
	{"compressed as a whole", GRPCWeb, answer{header: webType + "|Content-Encoding: gzip", body: zipped(frame(0, "m") + frame(0x80, "grpc-status: 0\r\n"))}, `OK IN_BODY 1 PROTO "m"`},
	{"compressed as nobody knows", GRPCWeb, answer{header: webType + "|Content-Encoding: br", body: "??"}, `open MISSING 0 FOREIGN UNSEEN: HTTP 200 with content type "application/grpc-web+proto" instead of an answer of grpc-web`},
	{"compressed trailers", GRPCWeb, answer{header: webType + "|Grpc-Encoding: gzip", body: frame(0, "m") + frame(0x81, zipped("grpc-status: 0\r\n"))}, `OK IN_BODY 1 PROTO "m"`},
	{"a line feed in a message", GRPCWeb, answer{header: webType, body: frame(0x80, "grpc-status: 5\r\ngrpc-message: a\nx: y\r\n")}, "NOT_FOUND IN_BODY 0 PROTO: a\nx: y"},
	{"a page", GRPCWeb, answer{status: 503, header: htmlType, body: htmlPage}, `open MISSING 0 FOREIGN "<html>": HTTP 503 with content type "text/html" instead of an answer of grpc-web`},
	{"gRPC instead", GRPCWeb, answer{header: grpcType, body: frame(0, "m")}, `open MISSING 0 FOREIGN "\x00\x00\x00\x00\x01m": HTTP 200 with content type "application/grpc+proto" instead of an answer of grpc-web`},

	{"right", Connect, answer{header: "Content-Type: application/proto", body: "m"}, `OK PROTO "m"`},
	{"an empty message", Connect, answer{header: "Content-Type: application/proto"}, `OK PROTO ""`},
	{"error", Connect, answer{status: 404, header: jsonType, body: `{"code":"not_found","message":"é","details":[{"type":"google.rpc.RetryInfo","value":"CgIIPA"},{"type":"x","value":"!"}]}`}, `NOT_FOUND JSON "{\"code\":\"not_found\",\"message\":\"é\",\"details\":[{\"type\":\"google.rpc.RetryInfo\",\"value\":\"CgIIPA\"},{\"type\":\"x\",\"value\":\"!\"}]}": é [1 details]`},
	{"error of an old table", Connect, answer{status: 408, header: jsonType, body: `{"code":"canceled"}`}, `CANCELLED JSON "{\"code\":\"canceled\"}"`},
	{"error without a body", Connect, answer{status: 503, header: jsonType}, `UNAVAILABLE JSON ""`},
	{"error of an unknown code", Connect, answer{status: 404, header: jsonType, body: `{"code":"OK","message":"gone"}`}, `UNIMPLEMENTED JSON "{\"code\":\"OK\",\"message\":\"gone\"}": gone`},
	{"error with a number", Connect, answer{status: 403, header: jsonType, body: `{"code":7}`}, `PERMISSION_DENIED JSON "{\"code\":7}"`},
	{"error with 200", Connect, answer{header: jsonType, body: `{"code":"not_found"}`}, `NOT_FOUND JSON "{\"code\":\"not_found\"}"`},
	{"JSON instead", Connect, answer{header: jsonType, body: `{"id":"x"}`}, `OK JSON "{\"id\":\"x\"}"`},
	{"a page", Connect, answer{header: htmlType, body: htmlPage}, `open FOREIGN "<html>": HTTP 200 with content type "text/html" instead of an answer of connect`},
	{"not found", Connect, answer{status: 404, header: "Content-Type: text/plain; charset=utf-8", body: "404"}, `UNIMPLEMENTED FOREIGN "404": HTTP 404 with content type "text/plain; charset=utf-8" instead of an answer of connect`},
	{"gzip", Connect, answer{header: "Content-Type: application/proto|Content-Encoding: gzip", body: zipped("m")}, `OK PROTO "m"`},
	{"broken gzip", Connect, answer{header: "Content-Type: application/proto|Content-Encoding: gzip", body: zipped("m")[:9]}, `open FOREIGN UNSEEN: HTTP 200 with content type "application/proto" instead of an answer of connect`},

	{"right", ConnectJSON, answer{header: jsonType + "; charset=utf-8", body: `{"id":"x"}`}, `OK JSON "{\"id\":\"x\"}"`},
	{"error with 200", ConnectJSON, answer{header: jsonType, body: `{"code":"not_found"}`}, `NOT_FOUND JSON "{\"code\":\"not_found\"}"`},
	{"another type that begins alike", ConnectJSON, answer{header: "Content-Type: application/jsonx", body: `{}`}, `open FOREIGN "{}": HTTP 200 with content type "application/jsonx" instead of an answer of connect-json`},

	{"right", REST, answer{header: jsonType, body: `{"id":"x"}`}, `OK JSON "{\"id\":\"x\"}"`},
	{"error", REST, answer{status: 404, header: jsonType, body: `{"code":5,"message":"é","details":[{"@type":"type.googleapis.com/of.Nobody"},{"@type":"type.googleapis.com/google.rpc.Status"}]}`}, `NOT_FOUND JSON "{\"code\":5,\"message\":\"é\",\"details\":[{\"@type\":\"type.googleapis.com/of.Nobody\"},{\"@type\":\"type.googleapis.com/google.rpc.Status\"}]}": é [1 details]`},
	{"error with 200", REST, answer{header: jsonType, body: `{"code":14}`}, `UNAVAILABLE JSON "{\"code\":14}"`},
	{"error in a wrapper", REST, answer{status: 409, header: jsonType, body: `{"error":{"code":6}}`}, `ALREADY_EXISTS JSON "{\"error\":{\"code\":6}}"`},
	{"an operation that has failed", REST, answer{header: jsonType, body: `{"done":true,"error":{"code":6}}`}, `OK JSON "{\"done\":true,\"error\":{\"code\":6}}"`},
	{"text", REST, answer{status: 503, header: "Content-Type: text/plain", body: "connect error"}, `open FOREIGN "connect error": HTTP 503 with content type "text/plain" instead of an answer of rest`},
	{"a page", REST, answer{status: 404, header: htmlType, body: htmlPage}, `NOT_FOUND FOREIGN "<html>": HTTP 404 with content type "text/html" instead of an answer of rest`},
	{"closed by the client", REST, answer{status: 499, header: jsonType, body: `{}`}, `CANCELLED JSON "{}"`},
	{"gzip", REST, answer{header: jsonType + "|Content-Encoding: gzip", body: zipped(`{}`)}, `OK JSON "{}"`},
}

func TestAnswersAreUnderstood(t *testing.T) {
	for _, row := range answerTable {
		t.Run(row.p.String()+"/"+row.name, func(t *testing.T) {
			if got := summary(row.p.decode(methodGet, http.MethodGet, row.response(), []byte(row.body))); got != row.want {
				t.Errorf("got  %s\nwant %s", got, row.want)
			}
		})
	}
	head := decodeREST(methodGet, http.MethodHead, answer{status: 200}.response(), nil)
	if got, want := summary(head), "OK JSON"; got != want {
		t.Errorf("HEAD: got %s, want %s", got, want)
	}
}

// FuzzAnswer looks for answers that break the driver.
func FuzzAnswer(f *testing.F) {
	for _, row := range answerTable {
		f.Add(int(row.p), row.response().StatusCode, row.header, row.trailer, []byte(row.body))
	}
	f.Fuzz(func(t *testing.T, p, statusCode int, header, trailer string, body []byte) {
		protocol := Protocols[uint(p)%uint(len(Protocols))]
		a := answer{status: statusCode, header: header, trailer: trailer}
		r := protocol.decode(methodGet, http.MethodGet, a.response(), body)
		if fr := r.frames; fr != nil {
			if int(fr.Messages)*prefixLen > len(body)*1032 || fr.Compressed > fr.Messages || len(r.further) > maxFurther {
				t.Errorf("%d bytes are %d messages, %d compressed", len(body), fr.Messages, fr.Compressed)
			}
		} else if protocol == GRPC || protocol == GRPCWeb {
			t.Error("an answer of gRPC has no frames")
		}
		if r.failure != nil && !r.open && r.failure.Code == code.Code_OK {
			t.Error("a call failed with OK")
		}
		if r.open && r.failure == nil {
			t.Error("nobody knows how a call ended, and nothing says why")
		}
		if r.codec == optestv1.Event_CODEC_UNSPECIFIED {
			t.Error("an answer has no codec")
		}
	})
}
