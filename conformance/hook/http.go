package hook

import (
	"net/http"

	"github.com/optest-dev/optest/conformance/internal/exchange"
)

// RoundTripper watches the calls that next makes, of whatever protocol. Nil is
// http.DefaultTransport. A call is recorded when its answer has been read to its
// end or was closed.
//
// Of the methods that are bound to HTTP, those count whose descriptors are linked
// into the program.
func (h *Hook) RoundTripper(next http.RoundTripper) http.RoundTripper {
	if next == nil {
		next = http.DefaultTransport
	}
	return &exchange.Tap{Next: next, Recorder: h.observer.Recorder, Callers: h.callers}
}
