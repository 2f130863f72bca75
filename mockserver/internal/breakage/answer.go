package breakage

import (
	"errors"
	"fmt"
	"net/http"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// answerLimit bounds what is held back of an answer with a fault.
const answerLimit = 16 << 20

// Answer is what a handler's call is answered with. Without a fault it goes straight to the client. Once a fault was asked for, it is
// held back until the handler returns, and then sent or broken off; flushing is without effect. It is used by the goroutine of the
// handler only.
//
// A handler that gets it as its [http.ResponseWriter] can flush, and nothing else that [http.ResponseController] offers: a write
// deadline would be taken for a fault.
type Answer struct {
	writer   http.ResponseWriter
	request  *http.Request
	conn     *Conn // nil on a server without [ConnContext]
	server   *http.Server
	version  string
	streams  bool // the version of HTTP has them
	protocol protocol

	begun   bool // it is on its way, without a fault
	claimed bool
	sending int // the status that is on its way, 0 before

	changes []func(*Whole)
	instead *optestv1.HttpFault
	faults  []*optestv1.TransportFault
	settled func(Sent)  // nil without one
	status  int         // 0: no header yet
	header  http.Header // as it was when the handler began
	body    []byte
}

// Header is that of the answer, as [http.ResponseWriter] has it.
func (a *Answer) Header() http.Header { return a.writer.Header() }

// Request is the method and the target of the call's request.
func (a *Answer) Request() (method, target string) { return a.request.Method, a.request.RequestURI }

// Claim says that the request is a call of something.
func (a *Answer) Claim() { a.claimed = true }

// Unclaimed reports whether the request was answered, with the status, as a call of nothing.
func (a *Answer) Unclaimed() (status int, ok bool) { return a.sending, !a.claimed && a.sending != 0 }

// Instead has the call answered with f instead of what its handler says, as a proxy would: without its headers (but those whose name
// begins with X-Optest-, which are for people) and its trailers.
func (a *Answer) Instead(f *optestv1.HttpFault) error {
	if status := f.GetStatus(); status < 200 || status > 599 {
		return fmt.Errorf("optest: HTTP fault's status got %d, want 200 to 599", status)
	}
	if err := a.held(); err != nil {
		return err
	}
	a.instead = f
	return nil
}

// Break adds a fault. Those that change the shape of the answer do so one after another, in the order of the calls. If there are any
// that break it off, it ends with them: at the place of the first of those, with the frames of all, and with the last's end of the
// connection that has one (BLACK_HOLE after HALF_FRAME is half a frame and then silence). after_bytes counts the body: 0 is before
// the header, more than its length is its end.
//
// The errors are those of [Check], and what can't be done to this call: HTTP/1 has no streams, REST and Connect no status of their
// own, and nothing can be taken back once the handler has begun to answer.
func (a *Answer) Break(f *optestv1.TransportFault) error {
	if err := Check(f); err != nil {
		return err
	}
	k := kinds[f.GetKind()]
	switch {
	case k.needs == twoHTTP && !a.streams:
		return fmt.Errorf("optest: transport fault %v got a call over %s, want HTTP/2: it is about a stream", f.GetKind(), a.version)
	case k.needs == statusLast && a.protocol == plain:
		return fmt.Errorf("optest: transport fault %v got a call over REST or Connect, want gRPC or gRPC-Web: it is about the status after the messages", f.GetKind())
	case k.breaks && a.conn == nil:
		return fmt.Errorf("optest: transport fault %v got a server that hides its connections, want http.Server.ConnContext to be breakage.ConnContext", f.GetKind())
	case k.breaks && a.server.WriteTimeout != 0:
		return fmt.Errorf("optest: transport fault %v got a server with a WriteTimeout of %v, want none: it resets streams like a fault", f.GetKind(), a.server.WriteTimeout)
	case k.end == reset && resettable(a.conn.socket) == nil:
		return fmt.Errorf("optest: transport fault %v got a connection of type %T, want one that can be reset: a socket, or the server's memory", f.GetKind(), a.conn.socket)
	case k.frames != nil && a.halved():
		return fmt.Errorf("optest: transport fault %v got the place after HALF_FRAME, want none there that sends a frame", f.GetKind())
	}
	if err := a.held(); err != nil {
		return err
	}
	a.faults = append(a.faults, f)
	return nil
}

func (a *Answer) halved() bool {
	for _, f := range a.faults {
		if kinds[f.GetKind()].halves {
			return true
		}
	}
	return false
}

func (a *Answer) held() error {
	if a.begun {
		return errors.New("optest: fault got an answer that the handler has begun, want it asked for before")
	}
	return nil
}

// WriteHeader is that of [http.ResponseWriter].
func (a *Answer) WriteHeader(status int) {
	if !a.Faulted() {
		a.begun = true
		if a.sending == 0 && status >= 200 {
			a.sending = status
		}
		a.writer.WriteHeader(status)
		return
	}
	if a.status == 0 && status >= 200 { // what is said before the answer is no part of it
		a.status, a.header = status, a.writer.Header().Clone()
	}
}

// Write is that of [http.ResponseWriter]. An answer with a fault is held up to 16 MiB.
func (a *Answer) Write(p []byte) (int, error) {
	if !a.Faulted() {
		a.begun = true
		return a.writer.Write(p)
	}
	a.WriteHeader(http.StatusOK)
	if len(a.body)+len(p) > answerLimit {
		return 0, fmt.Errorf("optest: answer with a fault got more than %d bytes, want less: it is held back until it is complete", answerLimit)
	}
	a.body = append(a.body, p...)
	return len(p), nil
}

// Flush is that of [http.Flusher].
func (a *Answer) Flush() {
	if a.Faulted() {
		return
	}
	a.begun = true
	if flusher, ok := a.writer.(http.Flusher); ok {
		flusher.Flush()
	}
}
