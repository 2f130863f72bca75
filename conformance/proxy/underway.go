package proxy

import (
	"sync"
	"time"
)

// grace is how long calls under way are waited for: a client may have its answer
// before the proxy has written down that it has.
const grace = time.Second

// underWay counts the calls that pass.
type underWay struct {
	mu    sync.Mutex
	calls int
	none  chan struct{} // closed when there are none; nil if nobody waits
}

func (u *underWay) begin() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.calls++
}

func (u *underWay) end() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.calls--
	if u.calls == 0 && u.none != nil {
		close(u.none)
		u.none = nil
	}
}

// settle returns when no call is under way, and after grace anyway.
func (u *underWay) settle() {
	u.mu.Lock()
	if u.calls == 0 {
		u.mu.Unlock()
		return
	}
	if u.none == nil {
		u.none = make(chan struct{})
	}
	none := u.none
	u.mu.Unlock()
	late := time.NewTimer(grace)
	defer late.Stop()
	select {
	case <-none:
	case <-late.C:
	}
}
