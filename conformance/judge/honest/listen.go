package honest

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc/test/bufconn"

	"github.com/optest-dev/optest/conformance"
)

const buffer = 64 << 10 // bytes

// numbering numbers connections.
type numbering struct{ last atomic.Int64 }

type connKey struct{}

func (n *numbering) number(ctx context.Context) context.Context {
	return context.WithValue(ctx, connKey{}, n.last.Add(1))
}

func connOf(ctx context.Context) int64 {
	n, _ := ctx.Value(connKey{}).(int64)
	return n
}

// Start serves all protocols in memory until the test ends. What is around
// handlers is for changes that only one protocol shows.
func (c *Core) Start(tb testing.TB, around ...func(http.Handler) http.Handler) conformance.Target {
	listener := bufconn.Listen(buffer)
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	overGRPC := c.overGRPC()
	var conns numbering
	handler := c.overHTTP(overGRPC)
	for _, f := range around {
		handler = f(handler)
	}
	server := &http.Server{
		Handler:     handler,
		Protocols:   protocols,
		ConnContext: func(ctx context.Context, _ net.Conn) context.Context { return conns.number(ctx) },
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener) // ends with stop
	}()
	tb.Cleanup(func() {
		_ = server.Close()
		overGRPC.Stop()
		<-served
	})
	return conformance.Target{
		Dial: listener.DialContext, Token: Token, Folder: "b1ghonest0folder0000", Foreign: "hop99999999999999999", Subject: Caller,
		Desktops: conformance.Desktops{Succeeds: Works, Fails: Breaks, FailsLate: BreaksLate, Absent: Absent},
	}
}
