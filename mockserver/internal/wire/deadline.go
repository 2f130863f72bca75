package wire

import (
	"net"
	"sync"
	"time"
)

// deadline ends the waiting on a condition at a moment. The condition's lock guards it.
type deadline struct {
	at    time.Time
	timer *time.Timer
}

// set replaces the moment; the zero time means never. Whoever waits on cond looks again, now and at the moment.
func (d *deadline) set(at time.Time, cond *sync.Cond) {
	d.clear()
	if !at.IsZero() {
		left := time.Until(at)
		// The caller's time may lack the monotonic reading that the timer runs on. With one, passed is true when the timer fires.
		d.at = time.Now().Add(left)
		if left > 0 {
			d.timer = time.AfterFunc(left, func() {
				cond.L.Lock()
				defer cond.L.Unlock()
				cond.Broadcast()
			})
		}
	}
	cond.Broadcast()
}

func (d *deadline) clear() {
	if d.timer != nil {
		d.timer.Stop()
	}
	*d = deadline{}
}

func (d *deadline) passed() bool {
	return !d.at.IsZero() && !time.Now().Before(d.at)
}

// opError gives an error the shape that errors of package net have, so that callers who look for net.Error find one.
func opError(op string, conn net.Conn, err error) error {
	local := conn.LocalAddr()
	return &net.OpError{Op: op, Net: local.Network(), Source: local, Addr: conn.RemoteAddr(), Err: err}
}
