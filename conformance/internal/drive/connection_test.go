package drive

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// flaky is a listener whose connections the test ends.
type flaky struct {
	net.Listener
	mu    sync.Mutex
	conns []net.Conn
}

func (f *flaky) Accept() (net.Conn, error) {
	c, err := f.Listener.Accept()
	if err == nil {
		f.mu.Lock()
		f.conns = append(f.conns, c)
		f.mu.Unlock()
	}
	return c, err
}

func (f *flaky) cut(t *testing.T) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.conns {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	f.conns = nil
}

// TestCallsAreSentOnce has connections end while a call is on its way: a client
// that sends it again by itself would make two of it, and the rules see one.
func TestCallsAreSentOnce(t *testing.T) {
	for _, p := range Protocols {
		t.Run(p.String(), func(t *testing.T) {
			var f *flaky
			var calls atomic.Int32
			endpoint := listen(t, pipes, func(l net.Listener) {
				f = &flaky{Listener: l}
				overHTTP(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					if calls.Add(1)%2 == 0 {
						f.cut(t)
					}
					w.Header().Set("Content-Type", "application/json")
				}))(f)
			})
			c, _ := recording(t, endpoint, p)
			call := getting("x")
			call.Header = map[string]string{headerKey: "key"}
			for i, want := range []string{"conn", "conn", "conn#2", "conn#2", "conn#3"} {
				e := get(t, c, call)
				if cut := i%2 == 1; cut != (e.Outcome == optestv1.Event_INDETERMINATE && e.Failure.Cause == optestv1.Event_Failure_RESET) {
					t.Errorf("call %d, cut off %v, ended as %s %+v", i+1, cut, shown(e), e.Failure)
				}
				if got := e.Connection(); got != want || e.Reader() != "reader" {
					t.Errorf("call %d was on the connection %s, want %s", i+1, got, want)
				}
			}
			if got := calls.Load(); got != 5 {
				t.Errorf("the server got %d calls, want 5", got)
			}
		})
	}
}

func TestCausesOfLostCalls(t *testing.T) {
	hang := func(t *testing.T) Endpoint {
		free := make(chan struct{})
		t.Cleanup(func() { close(free) })
		return listen(t, pipes, overHTTP(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-free })))
	}
	for _, p := range Protocols {
		t.Run(p.String(), func(t *testing.T) {
			c, _ := recording(t, hang(t), p)
			call := getting("x")
			call.Timeout = 20 * time.Millisecond
			e := get(t, c, call)
			if e.Failure == nil || e.Failure.Cause != optestv1.Event_Failure_TIMEOUT || e.Outcome != optestv1.Event_INDETERMINATE {
				t.Errorf("a call past its deadline ended as %s %+v", shown(e), e.Failure)
			}
			if took := e.Returned - e.Called; took <= call.Timeout+Grace {
				t.Errorf("it was given up after %v, want so much more than %v that the server is seen to ignore it", took, call.Timeout+Grace)
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if e, err := c.Do(ctx, getting("x")); err != nil || e.Failure.Cause != optestv1.Event_Failure_CANCELLED {
				t.Errorf("a call that was given up ended as %+v, %v", e.Failure, err)
			}
			endpoint := c.endpoint
			endpoint.Dial = func(context.Context) (net.Conn, error) { return nil, net.ErrClosed }
			none, _ := recording(t, endpoint, p)
			if e := get(t, none, getting("x")); e.Failure.Cause != optestv1.Event_Failure_LOCAL_ERROR {
				t.Errorf("a call to nobody ended as %+v", e.Failure)
			}
		})
	}
}

// counting gives each connection an address of its own.
type counting struct {
	net.Listener
	count atomic.Int32
}

type counted struct {
	net.Conn
	number int32
}

func (c *counting) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return counted{conn, c.count.Add(1)}, nil
}

func (c counted) RemoteAddr() net.Addr {
	return &net.UnixAddr{Name: fmt.Sprint(c.number), Net: "memory"}
}

// TestConnectionsAreToldApart makes many calls at once, which share a connection.
func TestConnectionsAreToldApart(t *testing.T) {
	endpoint := listen(t, pipes, func(l net.Listener) {
		overHTTP(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("X-Connection", r.RemoteAddr)
			w.Header().Set("Content-Type", "application/grpc")
			_, _ = io.WriteString(w, frame(0, ""))
			w.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
		}))(&counting{Listener: l})
	})
	for _, p := range Protocols {
		c, events := recording(t, endpoint, p)
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if _, err := c.Do(t.Context(), getting("x")); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		names, addresses := map[string]string{}, map[string]string{}
		for _, e := range *events {
			address, ok := e.ResponseHeader.Get("x-connection")
			if !ok {
				t.Fatalf("%s: a call ended as %s %+v after %v", p, shown(e), e.Failure, e.Returned-e.Called)
			}
			if names[address] == "" && addresses[e.Connection()] == "" {
				names[address], addresses[e.Connection()] = e.Connection(), address
			}
			if names[address] != e.Connection() {
				t.Errorf("%s: a call on the server's connection %q is recorded on %s, want %s", p, address, e.Connection(), names[address])
			}
		}
		if len(names) != 1 {
			t.Errorf("%s: %d connections, want one", p, len(names))
		}
		if len(*events) != 20 {
			t.Errorf("%s: %d events, want 20", p, len(*events))
		}
	}
}

func TestEmptyRequestsHaveALength(t *testing.T) {
	for _, p := range []Protocol{Connect, REST} {
		call := Call{Message: &operation.GetOperationRequest{}}
		if p == REST {
			call = Call{Verb: http.MethodPost, Target: "/x"}
		}
		e := against(t, p, call, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Length", fmt.Sprint(r.ContentLength, r.TransferEncoding))
		})
		if got, _ := e.ResponseHeader.Get("x-length"); got != "0 []" {
			t.Errorf("%s: the server sees a length of %s, want 0 []", p, got)
		}
	}
}
