package rest

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"connectrpc.com/connect/v2"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/proto"
)

// Over net/http itself, with both versions that a REST client speaks in the
// clear.
func TestOverHTTP(t *testing.T) {
	for name, version := range map[string]int{"HTTP/1.1": 1, "h2c": 2} {
		t.Run(name, func(t *testing.T) {
			s := newSubject(t, publishedMethods(), MaxBody(100))
			s.reply = func(ctx context.Context, procedure string, in proto.Message) (any, error) {
				info, _ := connect.CallInfoForServerContext(ctx)
				info.ResponseHeader().Set("X-Operation-Poll-Interval", "5")
				info.ResponseTrailer().Set("X-Late", info.RequestHeader().Get("Idempotency-Key"))
				if get, ok := in.(*operation.GetOperationRequest); ok {
					return &operation.Operation{Id: get.GetOperationId()}, nil
				}
				return nil, connect.NewError(connect.CodeUnavailable, procedure)
			}
			url, client := serve(t, s, version)
			for _, test := range []struct {
				verb, target, body string
				code               int
				want               string
			}{
				{"GET", "/operations/a%2Fb%3Acancel", "", 200, `{"id":"a/b:cancel"}`},
				{"GET", "/operations/..%2f..", "", 200, `{"id":"../.."}`},
				{"POST", "/operations/a:cancel", "", 503, `{"code":14,"message":"/yandex.cloud.operation.OperationService/Cancel"}`},
				{"HEAD", "/operations/a:cancel", "", 405, ""},
				{"OPTIONS", "/operations/a", "", 405, `{"code":12,"message":"optest: verb \"OPTIONS\" on \"/operations/a\", want GET"}`},
				{"GET", "/operations//a", "", 404, `{"code":5,"message":"optest: path \"/operations//a\" matches no REST route, nearest is GET /operations/{operation_id}"}`},
				{"POST", "/cloud-desktop/v1/images:copy", "{}", 503, `{"code":14,"message":"/yandex.cloud.clouddesktop.v1.api.DesktopImageService/Copy"}`},
				{"POST", "/cloud-desktop/v1/images:copy", `{"name":"` + strings.Repeat("x", 1<<20) + `"}`, 400, `{"code":3,"message":"optest: request body 1048587 bytes, want at most 100"}`},
			} {
				request, err := http.NewRequestWithContext(t.Context(), test.verb, url+test.target, strings.NewReader(test.body))
				if err != nil {
					t.Fatal(err)
				}
				request.Header.Set("Idempotency-Key", "k")
				code, header, body := send(t, client, request, version)
				if code != test.code || body != test.want {
					t.Errorf("%s %s: %d %s, want %d %s", test.verb, test.target, code, body, test.code, test.want)
				}
				if called := code == 200 || code == 503; called != (header.Get("X-Late") == "k") || called != (header.Get("X-Operation-Poll-Interval") == "5") {
					t.Errorf("%s %s: header %v, want what the handler set when it was called", test.verb, test.target, header)
				}
				if header.Get("Content-Type") != "application/json" {
					t.Errorf("%s %s: content type %q", test.verb, test.target, header.Get("Content-Type"))
				}
			}
			// A body of unknown length meets the same bound.
			request, err := http.NewRequestWithContext(t.Context(), "POST", url+"/cloud-desktop/v1/images:copy",
				io.MultiReader(strings.NewReader(`{"name":"`), strings.NewReader(strings.Repeat("x", 1<<10))))
			if err != nil {
				t.Fatal(err)
			}
			if code, _, body := send(t, client, request, version); code != 400 || !strings.Contains(body, "over 100 bytes") {
				t.Errorf("long body: %d %s, want 400 with the bound", code, body)
			}
		})
	}
}

// A client that hangs up ends the call; nothing else does.
func TestClientGone(t *testing.T) {
	for name, version := range map[string]int{"HTTP/1.1": 1, "h2c": 2} {
		t.Run(name, func(t *testing.T) {
			s := newSubject(t, publishedMethods())
			entered, ended := make(chan struct{}), make(chan error, 1)
			s.reply = func(ctx context.Context, _ string, _ proto.Message) (any, error) {
				if _, ok := ctx.Deadline(); ok {
					t.Error("a header has set a deadline")
				}
				close(entered)
				<-ctx.Done()
				ended <- ctx.Err()
				return nil, ctx.Err()
			}
			url, client := serve(t, s, version)
			ctx, cancel := context.WithCancel(t.Context())
			request, err := http.NewRequestWithContext(ctx, "GET", url+"/operations/a", nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Grpc-Timeout", "1n")
			request.Header.Set("Connect-Timeout-Ms", "0")
			go func() {
				<-entered
				cancel()
			}()
			if response, err := client.Do(request); err == nil {
				response.Body.Close()
				t.Errorf("answer %d, want none", response.StatusCode)
			}
			if err := <-ended; err != context.Canceled { //nolint:errorlint // exactly this one
				t.Errorf("call ended with %v, want canceled", err)
			}
		})
	}
}

func serve(t *testing.T, h http.Handler, version int) (url string, client *http.Client) {
	t.Helper()
	protocols := new(http.Protocols)
	protocols.SetHTTP1(version == 1)
	protocols.SetUnencryptedHTTP2(version == 2)
	server := httptest.NewUnstartedServer(h)
	server.Config.Protocols = protocols
	server.Start()
	t.Cleanup(server.Close)
	transport := &http.Transport{Protocols: protocols}
	t.Cleanup(transport.CloseIdleConnections)
	return server.URL, &http.Client{Transport: transport}
}

func send(t *testing.T, client *http.Client, request *http.Request, version int) (code int, header http.Header, body string) {
	t.Helper()
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.ProtoMajor != version {
		t.Errorf("answered over HTTP/%d, want %d", response.ProtoMajor, version)
	}
	return response.StatusCode, response.Header, string(raw)
}
