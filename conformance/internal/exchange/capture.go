package exchange

import (
	"io"
	"sync"

	"github.com/optest-dev/optest/trace"
)

// Bounds of what is kept of bodies while they pass by: of one, and of all that are
// under way at once.
const (
	maxCapture = trace.MaxBlob + 64<<10
	maxHeld    = 64 << 20
)

// capture is what was seen of a body. It is safe for concurrent use: a transport
// may still send a request when its answer is there.
type capture struct {
	recorder *Recorder

	mu     sync.Mutex
	buffer *[]byte // nil: nothing is kept
	length int64   // that has passed
	lost   bool    // something has not been kept
	whole  bool    // the body has come to its end
}

// buffers are used again, but for those that a large body has made large.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

const largestReused = 64 << 10

func newCapture(r *Recorder, keep bool) *capture {
	c := &capture{recorder: r, lost: !keep}
	if keep {
		c.buffer = buffers.Get().(*[]byte)
	}
	return c
}

func (c *capture) take(part []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.length += int64(len(part))
	if c.lost || c.buffer == nil || len(part) == 0 {
		return
	}
	size := int64(len(part))
	if len(*c.buffer)+len(part) > maxCapture {
		c.lost = true
		return
	}
	if c.recorder.held.Add(size) > maxHeld {
		c.recorder.held.Add(-size)
		c.lost = true
		return
	}
	*c.buffer = append(*c.buffer, part...)
}

// again is for a body that is sent once more from its beginning.
func (c *capture) again() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.length, c.whole = 0, false
	if c.buffer != nil {
		c.recorder.held.Add(-int64(len(*c.buffer)))
		*c.buffer = (*c.buffer)[:0]
	}
}

func (c *capture) ended() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.whole = true
}

// seen are the bytes, until release; lost says that some were not kept, whole that
// the body has ended. Expected is how long it was to be, -1 if unknown.
func (c *capture) seen(expected int64) (data []byte, lost, whole bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.buffer != nil {
		data = *c.buffer
	}
	return data, c.lost, c.whole || expected >= 0 && c.length == expected
}

// release gives back what was kept. Nothing is kept any more.
func (c *capture) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lost = true
	if c.buffer == nil {
		return
	}
	c.recorder.held.Add(-int64(len(*c.buffer)))
	if cap(*c.buffer) <= largestReused {
		*c.buffer = (*c.buffer)[:0]
		buffers.Put(c.buffer)
	}
	c.buffer = nil
}

// tee is a body that is captured as it is read. It tells once when it has ended:
// with io.EOF, the error of reading, or errClosed.
type tee struct {
	io.ReadCloser
	capture *capture
	once    sync.Once
	end     func(error)
}

func (t *tee) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	t.capture.take(p[:n])
	if err != nil {
		if err == io.EOF {
			t.capture.ended()
		}
		t.finish(err)
	}
	return n, err
}

func (t *tee) Close() error {
	err := t.ReadCloser.Close()
	t.finish(errClosed)
	return err
}

func (t *tee) finish(err error) {
	if t.end != nil {
		t.once.Do(func() { t.end(err) })
	}
}
