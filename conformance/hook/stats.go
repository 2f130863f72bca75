package hook

import (
	"context"
	"fmt"
	"net"
	"sync"

	grpcstats "google.golang.org/grpc/stats"

	"github.com/optest-dev/optest/trace"
)

type callKey struct{}

// stats learns from grpc-go which connection a call is on, and whether its status
// came from the server: that of an error does not tell.
type stats struct{ hook *Hook }

func (stats) TagRPC(ctx context.Context, _ *grpcstats.RPCTagInfo) context.Context { return ctx }

func (s stats) HandleRPC(ctx context.Context, event grpcstats.RPCStats) {
	switch event := event.(type) {
	case *grpcstats.OutHeader: // of each attempt
		if c, ok := ctx.Value(callKey{}).(*call); ok {
			c.answered.Store(false)
			c.connection.Store(&address{event.LocalAddr, event.RemoteAddr})
		}
	case *grpcstats.InTrailer:
		if c, ok := ctx.Value(callKey{}).(*call); ok {
			c.answered.Store(true)
		}
	}
}

func (stats) TagConn(ctx context.Context, _ *grpcstats.ConnTagInfo) context.Context { return ctx }
func (stats) HandleConn(context.Context, grpcstats.ConnStats)                       {}

// address is both ends of a connection.
type address struct{ local, remote net.Addr }

// connections names connections by their addresses.
type connections struct {
	mu    sync.Mutex
	known map[net.Addr]*trace.Caller // by local address
	made  int
}

// maxConns bounds the connections whose names are remembered.
const maxConns = 256

// caller is who calls over the connection, nil if that is not known.
func (c *connections) caller(a *address) *trace.Caller {
	if a == nil {
		return nil
	}
	var key net.Addr
	switch local := a.local.(type) {
	// Each connection has an address of its own of these, that it keeps.
	case *net.TCPAddr, *net.UnixAddr:
		key = local
	default:
		key = anywhere{}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if caller, ok := c.known[key]; ok {
		return caller
	}
	caller := &trace.Caller{}
	if key != (anywhere{}) {
		c.made++
		caller.Connection = fmt.Sprintf("g%d", c.made)
		if a.remote != nil {
			caller.Peer = a.remote.String()
		}
	}
	if c.known == nil || len(c.known) == maxConns {
		c.known = map[net.Addr]*trace.Caller{}
	}
	c.known[key] = caller
	return caller
}

// anywhere is the address of connections that can't be told apart, such as pipes.
type anywhere struct{}

func (anywhere) Network() string { return "" }
func (anywhere) String() string  { return "" }
