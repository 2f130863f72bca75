package exchange

import (
	"fmt"
	"net"
	"reflect"
	"sync"

	"github.com/optest-dev/optest/trace"
)

// Callers name the connections that calls are made on, so that events of one
// connection share a caller and rules about one connection don't take two for it.
// It is safe for concurrent use.
type Callers struct {
	name func(conn net.Conn, n int) trace.Caller

	mu    sync.Mutex
	known map[net.Conn]*trace.Caller
	order []net.Conn
	made  int
}

// maxConns bounds the connections whose names are remembered. One that is used
// again after so many others gets another name.
const maxConns = 64

// NewCallers calls the function once for each connection, with how many there were
// before it.
func NewCallers(name func(conn net.Conn, n int) trace.Caller) *Callers {
	return &Callers{name: name, known: map[net.Conn]*trace.Caller{}}
}

// Connections are c1, c2 and so on, by their peers.
func Connections(conn net.Conn, n int) trace.Caller {
	caller := trace.Caller{Connection: fmt.Sprintf("c%d", n+1)}
	if peer := conn.RemoteAddr(); peer != nil {
		caller.Peer = peer.String()
	}
	return caller
}

// Named are connections of that caller. After the first, their names have numbers.
func Named(caller trace.Caller) func(net.Conn, int) trace.Caller {
	return func(_ net.Conn, n int) trace.Caller {
		numbered := caller
		if n > 0 {
			numbered.Connection = fmt.Sprintf("%s#%d", caller.Connection, n+1)
		}
		return numbered
	}
}

// of is nil for connections that can't be told apart.
func (c *Callers) of(conn net.Conn) *trace.Caller {
	if !reflect.ValueOf(conn).Comparable() {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if caller, ok := c.known[conn]; ok {
		return caller
	}
	caller := c.name(conn, c.made)
	c.made++
	if len(c.order) == maxConns {
		delete(c.known, c.order[0])
		c.order = c.order[1:]
	}
	c.known[conn], c.order = &caller, append(c.order, conn)
	return &caller
}
