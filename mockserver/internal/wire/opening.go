package wire

import (
	"errors"
	"net"
	"strings"
	"sync"
)

const (
	// tlsHandshake is the record type with which every TLS client starts (RFC 8446, 5.1). No method of HTTP/1 starts so.
	tlsHandshake = "\x16"
	// http2Preface is how every HTTP/2 client starts (RFC 9113, 3.4), as far as no method of HTTP/1 does: POST and PUT share the P.
	http2Preface = "PRI"
)

func startsTLS(first []byte) bool   { return strings.HasPrefix(string(first), tlsHandshake) }
func startsHTTP2(first []byte) bool { return strings.HasPrefix(string(first), http2Preface) }

// opening reads no more of conn than tells its protocol: up to three bytes.
func opening(conn net.Conn) ([]byte, error) {
	first := make([]byte, 0, len(http2Preface))
	for {
		n, err := conn.Read(first[len(first):cap(first)])
		first = first[:len(first)+n]
		mayBeHTTP2 := strings.HasPrefix(http2Preface, string(first))
		if !mayBeHTTP2 || len(first) == len(http2Preface) {
			return first, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// replayed gives back what was looked at before all else.
type replayed struct {
	net.Conn

	mu   sync.Mutex
	left []byte
}

func (c *replayed) Read(p []byte) (int, error) {
	if n := c.again(p); n > 0 {
		return n, nil
	}
	return c.Conn.Read(p)
}

func (c *replayed) again(p []byte) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := copy(p, c.left)
	c.left = c.left[n:]
	return n
}

func (c *replayed) CloseWrite() error { return closeWrite(c.Conn) }

// SetLinger is that of [net.TCPConn]: Close after SetLinger(0) is a reset.
func (c *replayed) SetLinger(seconds int) error {
	socket, ok := c.Conn.(interface{ SetLinger(int) error })
	if !ok {
		return opError("set", c, errors.ErrUnsupported)
	}
	return socket.SetLinger(seconds)
}
