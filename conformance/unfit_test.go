package conformance_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/optest-dev/optest/conformance"
	"github.com/optest-dev/optest/conformance/internal/exampleserver"
)

func TestServersThatCantBeJudged(t *testing.T) {
	for _, test := range []struct {
		name    string
		dial    func(*testing.T) dialer
		target  conformance.Target
		verdict conformance.Verdict // 0: none
		reason  string
	}{
		{
			name: "nobody listens",
			dial: func(*testing.T) dialer {
				return func(context.Context) (net.Conn, error) { return nil, errors.New("connection refused") }
			},
			reason: "there is no server",
		},
		{
			name: "hangs",
			dial: func(t *testing.T) dialer {
				enough := make(chan struct{})
				dial := overHTTP(t, func(http.ResponseWriter, *http.Request) { <-enough })
				t.Cleanup(func() { close(enough) })
				return dial
			},
			reason: "the server hangs",
		},
		{
			name: "takes connections and says nothing",
			dial: func(t *testing.T) dialer {
				var mu sync.Mutex
				var ends []net.Conn
				t.Cleanup(func() {
					mu.Lock()
					defer mu.Unlock()
					for _, c := range ends {
						_ = c.Close()
					}
				})
				return func(context.Context) (net.Conn, error) {
					client, server := net.Pipe()
					mu.Lock()
					defer mu.Unlock()
					ends = append(ends, server)
					go func() {
						for b := make([]byte, 1024); ; {
							if _, err := server.Read(b); err != nil {
								return
							}
						}
					}()
					return client, nil
				}
			},
			reason: "the server hangs",
		},
		{
			name: "ends connections",
			dial: func(*testing.T) dialer {
				return func(context.Context) (net.Conn, error) {
					client, server := net.Pipe()
					_ = server.Close()
					return client, nil
				}
			},
			reason: "none of them can be used",
		},
		{
			name: "web site",
			dial: func(t *testing.T) dialer {
				return overHTTP(t, reply(http.StatusOK, "text/html; charset=utf-8", "<html>Welcome</html>"))
			},
			reason: "pages instead of the API",
		},
		{
			name: "proxy without a backend",
			dial: func(t *testing.T) dialer {
				return overHTTP(t, reply(http.StatusBadGateway, "text/html", "<html>502</html>"))
			},
			reason: "pages instead of the API",
		},
		{
			name: "API of something else",
			dial: func(t *testing.T) dialer {
				return overHTTP(t, reply(http.StatusNotFound, "text/plain", "404 page not found"))
			},
			reason: "of something else",
		},
		{
			name: "JSON API of something else",
			dial: func(t *testing.T) dialer {
				return overHTTP(t, reply(http.StatusNotFound, "application/json", `{"error":"no such route"}`))
			},
			reason: "of something else",
		},
		{
			name:   "gRPC service of something else",
			dial:   func(t *testing.T) dialer { return overGRPC(t, func(*grpc.Server) {}) },
			reason: "of another service",
		},
		{
			name: "wants a token",
			dial: func(t *testing.T) dialer {
				return overGRPC(t, serving(&exampleserver.Server{Token: "a token"}))
			},
			reason: "wants a token",
		},
		{
			name: "wants another token",
			dial: func(t *testing.T) dialer {
				return overGRPC(t, serving(&exampleserver.Server{Token: "a token"}))
			},
			target: conformance.Target{Token: "another token"},
			reason: "does not accept the token",
		},
		{
			name: "says yes to everything",
			dial: func(t *testing.T) dialer {
				return overGRPC(t, func(*grpc.Server) {}, grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
					if err := stream.RecvMsg(&emptypb.Empty{}); err != nil {
						return err
					}
					return stream.SendMsg(&emptypb.Empty{})
				}))
			},
			verdict: conformance.NotConformant,
		},
		{
			name: "refuses to make images",
			dial: func(t *testing.T) dialer {
				return overGRPC(t, serving(&exampleserver.Server{}), unary(func(method string) error {
					if strings.HasSuffix(method, "/CopyFromDesktop") {
						return status.Error(codes.PermissionDenied, "not for you")
					}
					return nil
				}))
			},
			reason: "PERMISSION_DENIED: not for you",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				target := test.target
				target.Dial = test.dial(t)
				target.Folder = "b1gexample0000000000"
				target.Desktops = conformance.Desktops{Succeeds: exampleserver.Works, Fails: exampleserver.Breaks, FailsLate: exampleserver.BreaksLater, Absent: "no-such-desktop"}
				r, err := conformance.Check(t.Context(), target)
				if err != nil {
					t.Fatal(err)
				}
				t.Log(r)
				if test.verdict == 0 {
					test.verdict = conformance.NoVerdict
				}
				if r.Verdict != test.verdict || !strings.Contains(r.String(), test.reason) {
					t.Errorf("report %v, want %v with %q", r, test.verdict, test.reason)
				}
				if r.Err() == nil {
					t.Error("error nil, want one")
				}
			})
		})
	}
}

func TestServerThatCrashesHalfway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		var server *grpc.Server
		dead := make(chan struct{})
		dial := overGRPC(t, func(s *grpc.Server) {
			server = s
			(&exampleserver.Server{}).Register(s)
		}, unary(func(string) error {
			if calls.Add(1) == 300 {
				go func() { server.Stop(); close(dead) }()
			}
			return nil
		}))
		r, err := conformance.Check(t.Context(), conformance.Target{
			Dial: dial, Folder: "b1gexample0000000000",
			Desktops: conformance.Desktops{Succeeds: exampleserver.Works, Fails: exampleserver.Breaks},
		})
		if err != nil {
			t.Fatal(err)
		}
		<-dead
		t.Log(r)
		if r.Verdict != conformance.Inconclusive || !strings.Contains(r.String(), "no longer does") {
			t.Errorf("report %v, want %v because the server no longer answers", r, conformance.Inconclusive)
		}
	})
}
