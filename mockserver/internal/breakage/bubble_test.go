package breakage_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"
	"google.golang.org/grpc/status"

	"github.com/optest-dev/optest/mockserver/internal/breakage"
	"github.com/optest-dev/optest/mockserver/internal/wire"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// TestFaultsInVirtualTime shows every kind of fault to grpc-go in a bubble. What waits, waits durably: a client in a black hole is there
// for an hour that takes no time.
func TestFaultsInVirtualTime(t *testing.T) {
	for _, row := range toGRPCTable {
		for _, after := range places(row.kind) {
			t.Run(fmt.Sprintf("%v/after=%d", row.kind, after), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newStage(t)
					client := inMemory(t, s).grpcClient(t)
					s.plan("x", plan{faults: faultsAfter(after, row.kind)})
					ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
					defer cancel()
					began := time.Now()
					_, err := getByGRPC(ctx, client, "x")
					if got := status.Code(err); got != row.first.code || s.seen("x") != row.first.attempts {
						t.Errorf("the client gets %v in %d attempts, want %v in %d", err, s.seen("x"), row.first.code, row.first.attempts)
					}
					took, want := time.Since(began), time.Duration(0)
					if row.kind == optestv1.TransportFault_BLACK_HOLE {
						want = time.Hour
					}
					if took != want {
						t.Errorf("the call took %v of virtual time, want %v", took, want)
					}
					_ = client.Close()
				})
			})
		}
	}
}

// TestTurnsInABubble has many handlers of one connection wait for their turns.
func TestTurnsInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		client := inMemory(t, s).grpcClient(t)
		var calls sync.WaitGroup
		for i := range 50 {
			id := fmt.Sprint(i)
			code := toGRPCTable[i%5].every.code // those that reset a stream
			s.plan(id, plan{faults: faults(toGRPCTable[i%5].kind), every: true})
			calls.Go(func() {
				if _, err := getByGRPC(t.Context(), client, id); status.Code(err) != code {
					t.Errorf("call %s gets %v, want %v", id, err, code)
				}
			})
		}
		calls.Wait()
		_ = client.Close()
	})
}

// TestShutdownDoesNotWaitForSilence leaves a client in a black hole. net/http gives connections of HTTP/2 a second to go.
func TestShutdownDoesNotWaitForSilence(t *testing.T) {
	for _, version := range []int{1, 2} {
		t.Run(fmt.Sprintf("HTTP/%d", version), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				pipe, server := wire.NewPipe(), s.server()
				n := network{dial: pipe.Dial}
				served := make(chan error, 1)
				go func() { served <- server.Serve(breakage.Listen(pipe)) }()
				s.plan("x", plan{faults: faults(optestv1.TransportFault_BLACK_HOLE)})
				client, url := n.httpClient(t, version)
				called := make(chan error, 1)
				go func() {
					_, err := getByConnect(t.Context(), connectClient(client, url, "Connect"), "x")
					called <- err
				}()
				synctest.Wait()
				began := time.Now()
				if err := server.Shutdown(t.Context()); err != nil {
					t.Error(err)
				}
				if took := time.Since(began); took > 2*time.Second {
					t.Errorf("Shutdown took %v, want at most 2s", took)
				}
				if err := <-called; err == nil {
					t.Error("the call is answered")
				}
				if err := <-served; err != http.ErrServerClosed {
					t.Error(err)
				}
			})
		})
	}
}

// TestClientThatDoesNotReadIsLeft has a fault wait for its place behind an answer that nobody takes.
func TestClientThatDoesNotReadIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		reports := make(chan string, 1)
		pipe, server := wire.NewPipe(), s.server()
		server.ErrorLog = log.New(sent{reports}, "", 0)
		serve(t, server, breakage.Listen(pipe))
		s.plan("long", plan{padding: 1 << 20})
		s.plan("x", plan{faults: faults(optestv1.TransportFault_RST_CANCEL)})
		c := network{dial: pipe.Dial}.raw(t)
		c.write(c.framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 22}))
		c.write(c.framer.WriteWindowUpdate(0, 1<<22))
		c.call(1, "application/grpc+proto", "long")
		synctest.Wait()
		c.call(3, "application/grpc+proto", "x")
		began := time.Now()
		report := <-reports
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("the server waits %v, want 5s", took)
		}
		if !strings.Contains(report, "got no RST_STREAM in 5s, want") {
			t.Errorf("the server reports %q", report)
		}
		synctest.Wait()
		if got := s.connections(); got != 0 {
			t.Errorf("then it has %d connections, want none", got)
		}
	})
}

// sent hands on what is logged.
type sent struct{ lines chan<- string }

func (s sent) Write(line []byte) (int, error) {
	s.lines <- string(line)
	return len(line), nil
}
