package exchange

import (
	"net/http"
	"strings"
	"testing"
	"time"

	_ "github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1" // its rules for HTTP
	"pgregory.net/rapid"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// headerOf is a header written as `Name: value` lines.
func headerOf(text string) http.Header {
	h := http.Header{}
	for line := range strings.SplitSeq(text, "\n") {
		if name, value, ok := strings.Cut(line, ": "); ok {
			h.Add(name, value)
		}
	}
	return h
}

const (
	getMethod    = "yandex.cloud.operation.OperationService/Get"
	createMethod = "yandex.cloud.clouddesktop.v1.api.DesktopImageService/CopyFromDesktop"
)

func TestCallOf(t *testing.T) {
	const (
		none    = optestv1.Event_PROTOCOL_UNSPECIFIED
		grpc    = optestv1.Event_GRPC
		web     = optestv1.Event_GRPC_WEB
		connect = optestv1.Event_CONNECT
		rest    = optestv1.Event_REST
		other   = optestv1.Event_OTHER
	)
	for _, tt := range []struct {
		verb, target, header string
		protocol             optestv1.Event_Protocol
		codec                optestv1.Event_Codec
		method               string
		unary                bool
	}{
		{"POST", "/" + getMethod, "Content-Type: application/grpc", grpc, optestv1.Event_PROTO, getMethod, true},
		{"POST", "/" + getMethod, "Content-Type: application/grpc+proto", grpc, optestv1.Event_PROTO, getMethod, true},
		{"POST", "/" + getMethod, "Content-Type: APPLICATION/GRPC ; charset=x", grpc, optestv1.Event_PROTO, getMethod, true},
		{"POST", "/" + getMethod, "Content-Type: application/grpc+json", grpc, optestv1.Event_JSON, getMethod, true},
		{"POST", "/" + getMethod, "Content-Type: application/grpc+thrift", grpc, optestv1.Event_FOREIGN, getMethod, true},
		{"POST", "/prefix/" + getMethod, "Content-Type: application/grpc", grpc, optestv1.Event_PROTO, getMethod, true},
		{"POST", "/a.B/C", "Content-Type: application/grpc", grpc, optestv1.Event_PROTO, "a.B/C", false},
		{"POST", "/" + getMethod, "Content-Type: application/grpc-web", web, optestv1.Event_PROTO, getMethod, true},
		{"POST", "/" + getMethod, "Content-Type: application/grpc-web+proto", web, optestv1.Event_PROTO, getMethod, true},
		{"POST", "/" + getMethod, "Content-Type: application/grpc-web-text+proto", web, optestv1.Event_PROTO, getMethod, true},
		{"POST", "/" + getMethod, "Content-Type: application/grpc-webby", other, 0, "", false},
		{"POST", "/" + getMethod, "Content-Type: application/grpcish", other, 0, "", false},
		{"POST", "/" + getMethod, "Content-Type: application/thrift\nConnect-Protocol-Version: 1", connect, optestv1.Event_FOREIGN, getMethod, true},
		{"POST", "/" + getMethod, "Content-Type: application/proto\nConnect-Protocol-Version: 1", connect, optestv1.Event_PROTO, getMethod, true},
		{"POST", "/" + getMethod, "Content-Type: application/json", connect, optestv1.Event_JSON, getMethod, true},
		{"POST", "/" + getMethod, "Content-Type: application/connect+proto", connect, optestv1.Event_PROTO, getMethod, false},
		{"POST", "/" + getMethod, "Content-Type: text/plain", other, 0, "", false},
		{"POST", "/a.B/C", "Content-Type: application/json", other, 0, "", false},
		{"POST", "/a.B/C", "Content-Type: application/json\nConnect-Protocol-Version: 1", connect, optestv1.Event_JSON, "a.B/C", false},
		{"GET", "/" + getMethod + "?connect=v1&encoding=json&message=%7B%7D", "", connect, optestv1.Event_JSON, getMethod, true},
		{"GET", "/" + getMethod, "", other, 0, "", false},
		{"GET", "/operations/a", "", rest, optestv1.Event_JSON, getMethod, true},
		{"GET", "/operations/a%2Fb?x=1", "", rest, optestv1.Event_JSON, getMethod, true},
		{"GET", "/operations/a:cancel", "", rest, optestv1.Event_JSON, cancel, true},
		{"POST", "/operations/a:cancel", "", rest, optestv1.Event_JSON, cancel, true},
		{"POST", "/operations/a", "", other, 0, "", false},
		{"HEAD", "/operations/a:cancel", "", other, 0, "", false},
		{"POST", "/cloud-desktop/v1/images:copyFromDesktop", "Content-Type: application/json", rest, optestv1.Event_JSON, createMethod, true},
		{"OPTIONS", "/cloud-desktop/v1/images:copyFromDesktop", "", other, 0, "", false},
		{"GET", "/cloud-desktop/v1/images", "", rest, optestv1.Event_JSON, "yandex.cloud.clouddesktop.v1.api.DesktopImageService/List", true},
		{"GET", "/", "", other, 0, "", false},
		{"GET", "", "", other, 0, "", false},
		{"GET", "*", "", other, 0, "", false},
	} {
		c := callOf(tt.verb, tt.target, headerOf(tt.header))
		if tt.protocol != none && (c.protocol != tt.protocol || c.codec != tt.codec || c.method != tt.method || c.unary() != tt.unary) {
			t.Errorf("%s %s %q: got %v %v %q unary=%v, want %v %v %q unary=%v",
				tt.verb, tt.target, tt.header, c.protocol, c.codec, c.method, c.unary(), tt.protocol, tt.codec, tt.method, tt.unary)
		}
	}
}

// A Cancel by the verb of the guide still names its operation.
func TestCancelByTheOtherVerb(t *testing.T) {
	for target, want := range map[string]string{"/operations/fv4a:cancel": "fv4a", "/operations/fv%2F4:cancel?x=1": "fv/4", "/operations/fv4a": ""} {
		c := callOf("POST", target, nil)
		if got := cancelled(&c, target); got != want {
			t.Errorf("POST %s: got %q, want %q", target, got, want)
		}
	}
	c := callOf("GET", "/operations/fv4a:cancel", nil)
	if got := cancelled(&c, "/operations/fv4a:cancel"); got != "" {
		t.Errorf("got %q by the verb of the protos, want that the rules find it themselves", got)
	}
}

func TestTimeoutOf(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"": 0, "Grpc-Timeout: 5S": 5 * time.Second, "Grpc-Timeout: 99999999H": 0, "Grpc-Timeout: 1H": time.Hour, "Grpc-Timeout: 250m": 250 * time.Millisecond,
		"Grpc-Timeout: 7u": 7 * time.Microsecond, "Grpc-Timeout: 7n": 7, "Grpc-Timeout: 3M": 3 * time.Minute, "Grpc-Timeout: S": 0, "Grpc-Timeout: -1S": 0,
		"Grpc-Timeout: 5": 0, "Grpc-Timeout: 5x": 0, "Connect-Timeout-Ms: 1500": 1500 * time.Millisecond, "Connect-Timeout-Ms: 99999999999": 0, "Connect-Timeout-Ms: x": 0,
		"Connect-Timeout-Ms: 9999999999": 9999999999 * time.Millisecond,
	} {
		if got := timeoutOf(headerOf(header)); got != want {
			t.Errorf("%q: got %v, want %v", header, got, want)
		}
	}
}

// Whatever a request's head says, it is told without a panic, and a call that is
// known to be unary has a method.
func TestAnyHead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		verb := rapid.SampledFrom([]string{"GET", "POST", "PUT", "HEAD", "", "x"}).Draw(t, "verb")
		target := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"/" + getMethod, "/operations/", "/operations/a:cancel", "//./"})).Draw(t, "target")
		header := http.Header{}
		for _, name := range []string{"Content-Type", "Connect-Protocol-Version", "Grpc-Timeout", "Connect-Timeout-Ms"} {
			if rapid.Bool().Draw(t, "has "+name) {
				header.Set(name, rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"application/grpc", "application/json", "application/grpc-web-text", "1S"})).Draw(t, name))
			}
		}
		c := callOf(verb, target, header)
		if c.unary() && c.method == "" || timeoutOf(header) < 0 {
			t.Fatalf("got %+v", c)
		}
		cancelled(&c, target)
		queryMessage(target)
	})
}
