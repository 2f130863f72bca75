package wire_test

import (
	"log"
	"runtime"
	"strings"
	"testing"
	"time"
)

// expectNoGoroutines registers the check that when a test and its cleanups are over, only the goroutines of before are left.
// A goroutine needs a moment from its last statement to its end, so the check waits for the condition.
func expectNoGoroutines(t *testing.T) {
	t.Helper()
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		patience := time.NewTimer(10 * time.Second)
		defer patience.Stop()
		for runtime.NumGoroutine() > before {
			select {
			case <-tick.C:
			case <-patience.C:
				stacks := make([]byte, 1<<20)
				t.Fatalf("%d goroutines are left, want %d:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
			}
		}
	})
}

// quietLog holds what http.Server reports about connections to what the tests provoke.
func quietLog(tb testing.TB) *log.Logger {
	return log.New(reported{tb}, "", 0)
}

type reported struct{ tb testing.TB }

func (r reported) Write(line []byte) (int, error) {
	if !strings.Contains(string(line), "TLS handshake error") {
		r.tb.Errorf("http.Server reports %s", line)
	}
	return len(line), nil
}
