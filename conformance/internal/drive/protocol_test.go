package drive

import (
	"strings"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
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
