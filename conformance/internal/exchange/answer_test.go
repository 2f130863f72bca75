package exchange

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// frame is a message with its prefix.
func frame(flags byte, message string) string {
	return string(append(binary.BigEndian.AppendUint32([]byte{flags}, uint32(len(message))), message...))
}

func zipped(t testing.TB, text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func detailed(t testing.TB) string {
	detail, err := anypb.New(durationpb.New(5))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := proto.Marshal(&status.Status{Code: 8, Message: "full", Details: []*anypb.Any{detail}})
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

var (
	overGRPC    = callOf("POST", "/"+getMethod, http.Header{"Content-Type": {"application/grpc"}})
	overWeb     = callOf("POST", "/"+getMethod, http.Header{"Content-Type": {"application/grpc-web+proto"}})
	overConnect = callOf("POST", "/"+getMethod, http.Header{"Content-Type": {"application/proto"}})
	overJSON    = callOf("POST", "/"+getMethod, http.Header{"Content-Type": {"application/json"}})
	overREST    = callOf("GET", "/operations/a", nil)
	unknown     = callOf("GET", "/", nil)
)

func TestAnswers(t *testing.T) {
	const (
		after   = optestv1.Event_Frames_AFTER
		only    = optestv1.Event_Frames_ONLY
		inBody  = optestv1.Event_Frames_IN_BODY
		missing = optestv1.Event_Frames_MISSING
		ended   = "Content-Type: application/grpc"
		webby   = "Content-Type: application/grpc-web+proto"
		jsonish = "Content-Type: application/json"
	)
	details := base64.RawStdEncoding.EncodeToString([]byte(detailed(t)))
	for _, tt := range []struct {
		name            string
		call            call
		status          int
		header, trailer string
		body            string
		message         string // "-" for none
		codec           optestv1.Event_Codec
		code            code.Code // OK: the call has ended well
		says            string    // in the failure's message
		open            bool
		messages        uint32
		trailers        optestv1.Event_Frames_Trailers
	}{
		{"gRPC", overGRPC, 200, ended, "Grpc-Status: 0", frame(0, "ab"), "ab", optestv1.Event_PROTO, 0, "", false, 1, after},
		{"gRPC, an empty message", overGRPC, 200, ended, "Grpc-Status: 0", frame(0, ""), "", optestv1.Event_PROTO, 0, "", false, 1, after},
		{"gRPC, compressed", overGRPC, 200, ended + "\nGrpc-Encoding: gzip", "Grpc-Status: 0", frame(1, zipped(t, "ab")), "ab", optestv1.Event_PROTO, 0, "", false, 1, after},
		{"gRPC, compressed in another way", overGRPC, 200, ended + "\nGrpc-Encoding: zstd", "Grpc-Status: 0", frame(1, "ab"), "-", optestv1.Event_PROTO, 0, "", false, 1, after},
		{"gRPC, two messages", overGRPC, 200, ended, "Grpc-Status: 0", frame(0, "ab") + frame(0, "c"), "ab", optestv1.Event_PROTO, 0, "", false, 2, after},
		{"gRPC, no message", overGRPC, 200, ended, "Grpc-Status: 0", "", "-", optestv1.Event_PROTO, 0, "", false, 0, after},
		{"gRPC, cut off", overGRPC, 200, ended, "Grpc-Status: 0", frame(0, "ab")[:6], "-", optestv1.Event_PROTO, 0, "", false, 0, after},
		{"gRPC, failed", overGRPC, 200, ended, "Grpc-Status: 8\nGrpc-Message: f%C3%BCll%zz\nGrpc-Status-Details-Bin: " + details, "", "-", optestv1.Event_PROTO, 8, "füll%zz", false, 0, after},
		{"gRPC, headers only", overGRPC, 200, ended + "\nGrpc-Status: 5", "", "", "-", optestv1.Event_PROTO, 5, "", false, 0, only},
		{"gRPC, no status", overGRPC, 200, ended, "", frame(0, "ab"), "ab", optestv1.Event_PROTO, 0, "without grpc-status", true, 1, missing},
		{"gRPC, a status that is none", overGRPC, 200, ended, "Grpc-Status: x", "", "-", optestv1.Event_PROTO, 2, "no number", false, 0, after},
		{"gRPC, a code that nobody has", overGRPC, 200, ended, "Grpc-Status: 99", "", "-", optestv1.Event_PROTO, 99, "", false, 0, after},
		{"gRPC, a proxy's page", overGRPC, 502, "Content-Type: text/html", "", "<html>", "<html>", optestv1.Event_FOREIGN, code.Code_UNAVAILABLE, "HTTP 502", true, 0, missing},
		{"gRPC, a proxy's refusal", overGRPC, 404, "Content-Type: text/html", "", "<html>", "<html>", optestv1.Event_FOREIGN, code.Code_UNIMPLEMENTED, "HTTP 404", false, 0, missing},
		{"gRPC-Web", overWeb, 200, webby, "", frame(0, "ab") + frame(0x80, "grpc-status: 0\r\nx-a: b\r\n"), "ab", optestv1.Event_PROTO, 0, "", false, 1, inBody},
		{"gRPC-Web, line feeds only", overWeb, 200, webby, "", frame(0x80, "grpc-status:7\ngrpc-message: no"), "-", optestv1.Event_PROTO, 7, "no", false, 0, inBody},
		{"gRPC-Web, no trailers", overWeb, 200, webby, "", frame(0, "ab"), "ab", optestv1.Event_PROTO, 0, "without grpc-status", true, 1, missing},
		{"gRPC-Web, zipped as a whole", overWeb, 200, webby + "\nContent-Encoding: gzip", "", zipped(t, frame(0, "ab")+frame(0x80, "grpc-status: 0\r\n")), "ab", optestv1.Event_PROTO, 0, "", false, 1, inBody},
		{
			"gRPC-Web in text", overWeb, 200, "Content-Type: application/grpc-web-text+proto", "",
			base64.StdEncoding.EncodeToString([]byte(frame(0, "ab"))) + base64.StdEncoding.EncodeToString([]byte(frame(0x80, "grpc-status: 0\r\n"))), "ab", optestv1.Event_PROTO, 0, "", false, 1, inBody,
		},
		{"Connect", overConnect, 200, "Content-Type: application/proto", "", "ab", "ab", optestv1.Event_PROTO, 0, "", false, 0, 0},
		{"Connect, zipped", overConnect, 200, "Content-Type: application/proto\nContent-Encoding: gzip", "", zipped(t, "ab"), "ab", optestv1.Event_PROTO, 0, "", false, 0, 0},
		{"Connect, coded in another way", overConnect, 200, "Content-Type: application/proto\nContent-Encoding: br", "", "ab", "-", optestv1.Event_PROTO, 0, "", false, 0, 0},
		{"Connect, failed", overConnect, 404, jsonish, "", `{"code":"not_found","message":"gone"}`, `{"code":"not_found","message":"gone"}`, optestv1.Event_JSON, 5, "gone", false, 0, 0},
		{"Connect, failed under 200", overConnect, 200, jsonish, "", `{"code":"not_found"}`, `{"code":"not_found"}`, optestv1.Event_JSON, 5, "", false, 0, 0},
		{"Connect, a code that nobody has", overConnect, 503, jsonish, "", `{"code":"oops"}`, `{"code":"oops"}`, optestv1.Event_JSON, 14, "", false, 0, 0},
		{"Connect, a page", overConnect, 200, "Content-Type: text/html", "", "<html>", "<html>", optestv1.Event_FOREIGN, 2, "HTTP 200", true, 0, 0},
		{"Connect, JSON", overJSON, 200, jsonish + "; charset=utf-8", "", `{"id":"a"}`, `{"id":"a"}`, optestv1.Event_JSON, 0, "", false, 0, 0},
		{"REST", overREST, 200, jsonish, "", `{"id":"a"}`, `{"id":"a"}`, optestv1.Event_JSON, 0, "", false, 0, 0},
		{"REST, failed", overREST, 429, jsonish, "", `{"code":8,"message":"full","details":[{"@type":"type.googleapis.com/google.protobuf.Duration","value":"5s"},{"@type":"x/y"}]}`, `{"code":8,"message":"full","details":[{"@type":"type.googleapis.com/google.protobuf.Duration","value":"5s"},{"@type":"x/y"}]}`, optestv1.Event_JSON, 8, "full", false, 0, 0},
		{"REST, failed under 200", overREST, 200, jsonish, "", `{"code":5,"message":"gone"}`, `{"code":5,"message":"gone"}`, optestv1.Event_JSON, 5, "gone", false, 0, 0},
		{"REST, failed without a body", overREST, 404, jsonish, "", "", "", optestv1.Event_JSON, 5, "", false, 0, 0},
		{"REST, a page", overREST, 500, "Content-Type: text/html", "", "<html>", "<html>", optestv1.Event_FOREIGN, 2, "HTTP 500", true, 0, 0},
		{"no call", unknown, 200, "", "", "x", "-", 0, 0, "", false, 0, 0},
		{"no call, failed", unknown, 404, "", "", "x", "-", 0, 5, "HTTP 404", false, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := tt.call.read(answer{status: tt.status, header: headerOf(tt.header), trailer: headerOf(tt.trailer), body: []byte(tt.body)})
			message := "-"
			if got.message != nil {
				message = string(got.message)
			}
			if tt.message == "-" && got.message == nil && tt.codec == 0 {
				message = "-"
			}
			c, says := code.Code_OK, ""
			if got.failure != nil {
				c, says = got.failure.Code, got.failure.Message
			}
			if message != tt.message || got.codec != tt.codec || c != tt.code || !strings.Contains(says, tt.says) || got.open != tt.open {
				t.Errorf("got %q %v %v %q open=%v, want %q %v %v %q open=%v", message, got.codec, c, says, got.open, tt.message, tt.codec, tt.code, tt.says, tt.open)
			}
			if tt.code != 0 && got.failure == nil || tt.open && got.failure == nil {
				t.Error("got no failure, want one")
			}
			if (got.frames != nil) != tt.call.framed() {
				t.Fatalf("got frames %v", got.frames)
			}
			if got.frames != nil && (got.frames.Messages != tt.messages || got.frames.Trailers != tt.trailers) {
				t.Errorf("got frames %+v, want %d messages and trailers %v", got.frames, tt.messages, tt.trailers)
			}
			if tt.code == 8 && string(got.failure.Details) == "" {
				t.Error("got no details")
			}
		})
	}
}

// An answer whose body was not kept still tells how the call ended, where HTTP
// says that.
func TestAnswersUnseen(t *testing.T) {
	for _, tt := range []struct {
		name            string
		call            call
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
		got := tt.call.read(answer{status: tt.status, header: headerOf(tt.header), trailer: headerOf(tt.trailer), unseen: true})
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
	for _, body := range []string{"", frame(0, "ab"), frame(1, zipped(f, "ab")), frame(0x80, "grpc-status: 0\r\n"), `{"code":"not_found","details":[{"type":"a","value":"?"}]}`, `{"code":8}`, "AAAAAAA=AAAA"} {
		for _, kind := range []string{"application/grpc", "application/grpc-web-text", "application/json", "text/html"} {
			f.Add(200, kind, "", "0", body)
			f.Add(503, kind, "gzip", "", zipped(f, body))
		}
	}
	f.Fuzz(func(t *testing.T, code int, kind, coding, status, body string) {
		header := http.Header{"Content-Type": {kind}, "Content-Encoding": {coding}, "Grpc-Encoding": {coding}}
		trailer := http.Header{"Grpc-Status": {status}, "Grpc-Message": {body}, "Grpc-Status-Details-Bin": {body}}
		for _, c := range []call{overGRPC, overWeb, overConnect, overJSON, overREST, unknown} {
			for _, a := range []answer{
				{status: code, header: header, trailer: trailer, body: []byte(body)},
				{status: code, header: header, body: []byte(body)},
				{status: code, header: header, trailer: trailer, unseen: true},
			} {
				got := c.read(a)
				if coding == "" && !strings.Contains(kind, "text") && !bytes.Contains([]byte(body), got.message) {
					t.Fatalf("got message %q of %q", got.message, body)
				}
				if got.open && got.failure == nil {
					t.Fatal("the end is open and nothing says why")
				}
				if len(got.further) > maxFurther {
					t.Fatalf("got %d further messages", len(got.further))
				}
			}
		}
	})
}
