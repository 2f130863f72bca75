package wire_test

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/optest-dev/optest/mockserver/internal/wire"
)

// syncPipe is the listener that one would build on net.Pipe, to compare with.
type syncPipe struct {
	arrivals chan net.Conn
	closed   chan struct{}
	once     sync.Once
}

func (p *syncPipe) Dial(context.Context) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.arrivals <- server:
		return client, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *syncPipe) Accept() (net.Conn, error) {
	select {
	case conn := <-p.arrivals:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *syncPipe) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *syncPipe) Addr() net.Addr { return wire.NewPipe().Addr() }

type inMemory interface {
	net.Listener
	Dial(ctx context.Context) (net.Conn, error)
}

// BenchmarkPipe is a unary call over wire.Pipe and over net.Pipe, by grpc-go and by Connect over HTTP/2, from one caller and from
// 50 that share a connection.
func BenchmarkPipe(b *testing.B) {
	transports := []struct {
		name   string
		listen func() inMemory
	}{
		{"net", func() inMemory { return &syncPipe{arrivals: make(chan net.Conn), closed: make(chan struct{})} }},
		{"wire", func() inMemory { return wire.NewPipe() }},
	}
	for _, client := range []string{"grpc", "connect"} {
		for _, callers := range []int{1, 50} {
			for _, transport := range transports {
				b.Run(fmt.Sprintf("client=%s/callers=%d/pipe=%s", client, callers, transport.name), func(b *testing.B) {
					listener := transport.listen()
					serve(b, newServer(b, atOnce), listener)
					call := callOverPipe(b, client, listener)
					b.ReportAllocs()
					b.ResetTimer()
					inParallel(b, callers, call)
				})
			}
		}
	}
}

func callOverPipe(b *testing.B, client string, pipe inMemory) func() error {
	if client == "grpc" {
		conn := grpcOverPipe(b, pipe.Dial)
		b.Cleanup(func() { _ = conn.Close() })
		return func() error { _, err := getByGRPC(b.Context(), conn, "one"); return err }
	}
	overHTTP, transport := http2OverPipe(pipe.Dial)
	b.Cleanup(transport.CloseIdleConnections)
	overConnect := connectClient(overHTTP, "http://pipe")
	return func() error { _, err := getByConnect(b.Context(), overConnect, "one"); return err }
}

// inParallel shares b.N calls among callers.
func inParallel(b *testing.B, callers int, call func() error) {
	b.Helper()
	var left atomic.Int64
	left.Store(int64(b.N))
	var work sync.WaitGroup
	for range callers {
		work.Go(func() {
			for left.Add(-1) >= 0 {
				if err := call(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	work.Wait()
}
