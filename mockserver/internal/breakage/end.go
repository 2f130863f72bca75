package breakage

import (
	"errors"
	"net"
	"time"
)

// end is what becomes of a connection.
type end int

const (
	onward  end = iota // it is used on
	finish             // FIN, as when a process ends or a proxy closes
	reset              // RST, as when a process is killed or a middlebox forgets the connection
	silence            // open, but nothing gets through, as when a cable is cut
)

// linger is how long a connection is read on after FIN. To close a socket that has unread input is a reset, and the client has a while
// to send before it sees the end. net/http waits as long.
const linger = 500 * time.Millisecond

// stop ends the connection, after all that was written. An error on the way says that the client has ended it before, so that there
// is nobody to whom the difference would matter.
func (c *Conn) stop(e end) {
	defer c.noMore()
	switch e {
	case reset:
		// Without lingering, the kernel forgets what is unsent and sends RST instead of FIN, whoever closes first: the server does so
		// on its own once writes fail.
		_ = resettable(c.socket).SetLinger(0)
		c.broken.Store(true)
		_ = c.socket.Close()
	case silence:
		c.silent.Store(true)
	case finish:
		c.silent.Store(true)
		// Below TLS: whoever just goes away sends no close_notify. What has no halves, such as the server's memory, is closed as a whole.
		if err := closeWrite(c.socket); errors.Is(err, errors.ErrUnsupported) {
			_ = c.socket.Close()
			return
		}
		until := time.Now().Add(linger)
		c.lingers.Store(&until)
		_ = c.socket.SetReadDeadline(until)
	}
}

// SetDeadline sets the read and the write deadline.
func (c *Conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline keeps within what is left to a connection after FIN.
func (c *Conn) SetReadDeadline(t time.Time) error {
	if until := c.lingers.Load(); until != nil && (t.IsZero() || t.After(*until)) {
		t = *until
	}
	return c.Conn.SetReadDeadline(t)
}

type lingering interface{ SetLinger(seconds int) error }

// resettable returns nil for a connection that can't be reset.
func resettable(conn net.Conn) lingering {
	socket, _ := conn.(lingering)
	return socket
}

func closeWrite(conn net.Conn) error {
	half, ok := conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	return half.CloseWrite()
}
