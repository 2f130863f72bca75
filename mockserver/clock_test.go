package mockserver

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		born := time.Now()
		slow, fast := newClock(1), newClock(100_000)
		time.Sleep(time.Hour)
		if got := slow.now().Sub(born); got != time.Hour {
			t.Errorf("after an hour the clock has gone on by %v", got)
		}
		if got := fast.now().Sub(born); got != 100_000*time.Hour {
			t.Errorf("after an hour the fast clock has gone on by %v", got)
		}
		time.Sleep(1000 * time.Hour)
		if got := fast.now().Sub(born); got != longest {
			t.Errorf("after 1000 h the fast clock has gone on by %v, want it to stop at %v", got, longest)
		}
		for range 3 {
			slow.advance(1<<63 - 1)
		}
		if got := slow.now().Sub(born); got != longest+1001*time.Hour {
			t.Errorf("after all of time the clock has gone on by %v, want no more than %v", got, longest)
		}
	})
}
