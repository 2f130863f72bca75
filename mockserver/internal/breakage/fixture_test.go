package breakage_test

import (
	"context"
	"log"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/optest-dev/optest/mockserver/internal/breakage"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

const (
	procedure = "/yandex.cloud.operation.OperationService/Get"
	restPath  = "/operations/"
)

var getSpec = connect.Spec{Procedure: procedure, StreamType: connect.StreamTypeUnary}

// plan is what happens to the calls about one operation.
type plan struct {
	faults  []*optestv1.TransportFault
	instead *optestv1.HttpFault
	code    connect.Code    // the handler's own answer, if not an operation
	every   bool            // not on the first attempt only
	until   <-chan struct{} // the handler waits for this first
	panics  bool            // the handler does so
	padding int             // of the answer, in bytes
}

func faults(kinds ...optestv1.TransportFault_Kind) []*optestv1.TransportFault {
	return faultsAfter(0, kinds...)
}

func faultsAfter(after uint32, kinds ...optestv1.TransportFault_Kind) []*optestv1.TransportFault {
	var list []*optestv1.TransportFault
	for _, k := range kinds {
		list = append(list, &optestv1.TransportFault{Kind: k, AfterBytes: after})
	}
	return list
}

// stage is a server whose calls go wrong by plan, and which counts them.
type stage struct {
	tb       testing.TB
	mu       sync.Mutex
	plans    map[string]plan
	attempts map[string]int
	open     map[net.Conn]http.ConnState
	dialled  int
	wrap     func(http.Handler) http.Handler // around the handlers, nil for none
}

func newStage(tb testing.TB) *stage {
	return &stage{tb: tb, plans: map[string]plan{}, attempts: map[string]int{}, open: map[net.Conn]http.ConnState{}}
}

func (s *stage) plan(id string, p plan) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.plans[id] = p
}

func (s *stage) seen(id string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.attempts[id]
}

// connections are those that the server has open.
func (s *stage) connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

// idle are those of them that answer nothing.
func (s *stage) idle() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, state := range s.open {
		if state == http.StateIdle {
			n++
		}
	}
	return n
}

// dials counts the connections that the server has ever had.
func (s *stage) dials() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dialled
}

func (s *stage) connState(conn net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if state == http.StateClosed {
		delete(s.open, conn)
		return
	}
	if state == http.StateNew {
		s.dialled++
	}
	s.open[conn] = state
}

// await waits for a condition.
func (s *stage) await(tb testing.TB, what string, met func() bool) {
	tb.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	patience := time.NewTimer(10 * time.Second)
	defer patience.Stop()
	for !met() {
		select {
		case <-tick.C:
		case <-patience.C:
			tb.Fatalf("%s: not within 10 s", what)
		}
	}
}

// play does to the call what the plan for the operation says.
func (s *stage) play(ctx context.Context, id string) error {
	s.mu.Lock()
	p := s.plans[id]
	s.attempts[id]++
	first := s.attempts[id] == 1
	s.mu.Unlock()
	if p.until != nil {
		select {
		case <-p.until:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if !first && !p.every || p.instead == nil && len(p.faults) == 0 && p.code == 0 && !p.panics {
		return nil
	}
	if p.panics {
		panic(http.ErrAbortHandler)
	}
	answer, ok := breakage.From(ctx)
	if !ok {
		return connect.NewError(connect.CodeInternal, "no breakage.Handler around this")
	}
	answer.Header().Set("X-Optest-Fault", "planned")
	if p.instead != nil {
		if err := answer.Instead(p.instead); err != nil {
			return connect.NewError(refused, err.Error())
		}
	}
	for _, f := range p.faults {
		if err := answer.Break(f); err != nil {
			return connect.NewError(refused, err.Error())
		}
	}
	if p.code != 0 {
		return connect.NewError(p.code, "planned")
	}
	return nil
}

func (s *stage) answer(id string) *operation.Operation {
	s.mu.Lock()
	padding := s.plans[id].padding
	s.mu.Unlock()
	return &operation.Operation{
		Id:          id,
		Description: "Copy an image" + strings.Repeat(".", padding),
		CreatedAt:   timestamppb.New(time.Unix(1_700_000_000, 0)),
		Done:        true,
	}
}

// server serves the stage over gRPC, gRPC-Web, Connect and something like REST.
func (s *stage) server() *http.Server {
	rpc := connect.NewServer()
	rpc.Register(connect.Method{Spec: getSpec, Handler: func(ctx context.Context, _ connect.Spec, stream connect.ServerStream) error {
		var request operation.GetOperationRequest
		if err := stream.Receive(&request); err != nil {
			return err
		}
		if err := s.play(ctx, request.GetOperationId()); err != nil {
			return err
		}
		return stream.Send(s.answer(request.GetOperationId()))
	}})
	mux := http.NewServeMux()
	connecthttp.Mount(mux, rpc)
	mux.HandleFunc(restPath, func(w http.ResponseWriter, r *http.Request) {
		id := strings.TrimPrefix(r.URL.Path, restPath)
		if err := s.play(r.Context(), id); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"id":"` + id + `","done":true}`))
	})
	var handler http.Handler = mux
	if s.wrap != nil {
		handler = s.wrap(mux)
	}
	server := &http.Server{
		Handler:     breakage.Handler(handler),
		ConnContext: breakage.ConnContext,
		ConnState:   s.connState,
		Protocols:   new(http.Protocols),
		ErrorLog:    log.New(reported{s.tb}, "", 0),
	}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetHTTP2(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	return server
}

// expectNoGoroutines registers the check that when a test and its cleanups are over, only the goroutines of before are left.
// A goroutine needs a moment from its last statement to its end, so the check waits for the condition.
func expectNoGoroutines(t *testing.T) {
	t.Helper()
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		patience := time.NewTimer(10 * time.Second)
		defer patience.Stop()
		for runtime.NumGoroutine() > before {
			select {
			case <-tick.C:
			case <-patience.C:
				stacks := make([]byte, 1<<20)
				t.Fatalf("%d goroutines are left, want %d:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
			}
		}
	})
}

// reported makes an error of what http.Server logs.
type reported struct{ tb testing.TB }

func (r reported) Write(line []byte) (int, error) {
	r.tb.Errorf("http.Server reports %s", line)
	return len(line), nil
}

// serve runs server until the end of the test, and waits for it there.
func serve(tb testing.TB, server *http.Server, listener net.Listener) {
	tb.Helper()
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	tb.Cleanup(func() {
		if err := server.Close(); err != nil {
			tb.Errorf("close of the server: %v", err)
		}
		if err := <-served; err != http.ErrServerClosed {
			tb.Errorf("Serve = %v, want %v", err, http.ErrServerClosed)
		}
	})
}

// places are after how many bytes a fault of this kind can strike.
func places(kind optestv1.TransportFault_Kind) []uint32 {
	if breakage.Check(faultsAfter(10, kind)[0]) != nil {
		return []uint32{0}
	}
	return []uint32{0, 10}
}
