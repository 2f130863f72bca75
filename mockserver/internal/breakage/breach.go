package breakage

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/net/http2"
)

// patience is how long a breach waits for its place: until all that was written before has left, so it is of matter only with a client
// that does not read.
const patience = 5 * time.Second

// breach is what happens in the place of the frame with which the server resets a stream.
type breach struct {
	frames func(stream uint32) []byte // sent instead, whole ones unless an end follows
	end    end                        // of the connection, once they are sent
	done   chan struct{}              // closed when it has happened
}

// past is a write deadline that nobody can meet. net/http's server takes one as an order to reset the stream at once.
var past = time.Unix(1, 0)

// strike has the server reset the stream that w answers, and lets b happen instead. It returns when that is done or when the connection
// is over. Only the goroutine of the stream's handler may call it, once.
func (c *Conn) strike(w http.ResponseWriter, b breach) error {
	select {
	case c.turn <- struct{}{}:
	case <-c.over:
		return nil
	}
	defer func() { <-c.turn }()
	b.done = make(chan struct{})
	c.pending.Store(&b)
	if err := http.NewResponseController(w).SetWriteDeadline(past); err != nil {
		c.pending.Store(nil)
		return fmt.Errorf("optest: reset of a stream got %w, want net/http's server for HTTP/2", err)
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-b.done:
		return nil
	case <-c.over:
		return nil
	case <-timer.C:
	}
	// The frame may still come, and then belongs to no breach that is known: nobody may use the connection again.
	return errors.Join(
		fmt.Errorf("optest: stream of a connection to %s got no RST_STREAM in %v, want one from net/http's server after a write deadline in the past, and a client that reads", c.RemoteAddr(), patience),
		c.Close(),
	)
}

// asIs lets the server's frame pass, for handlers that panic.
func asIs(stream uint32) []byte {
	return written(func(f *http2.Framer) error { return f.WriteRSTStream(stream, http2.ErrCodeInternal) })
}
