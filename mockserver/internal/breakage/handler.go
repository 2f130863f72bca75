package breakage

import (
	"context"
	"log"
	"net/http"
)

// call is the context of a request together with its answer.
type call struct {
	context.Context
	answer Answer
}

func (c *call) Value(key any) any {
	if key == (answerKey{}) {
		return &c.answer
	}
	return c.Context.Value(key)
}

type answerKey struct{}

// From finds the answer to the call of a handler inside [Handler].
func From(ctx context.Context) (*Answer, bool) {
	a, ok := ctx.Value(answerKey{}).(*Answer)
	return a, ok
}

// Handler makes the answers of next breakable: see [From]. It goes around all handlers of an [http.Server], whose ConnContext must be
// [ConnContext], whose connections must be those of [Over], and which must have no WriteTimeout. It restores [http.Request.TLS], which
// net/http does not know of connections under a [Conn].
//
// A fault that does not come to pass, because the client did not read for 5 seconds, ends the connection and is reported to the
// server's ErrorLog.
func Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn := connOf(r.Context())
		c := &call{Context: r.Context(), answer: Answer{writer: w, request: r, conn: conn, version: r.Proto, streams: r.ProtoMajor == 2, protocol: protocolOf(r)}}
		c.answer.server, _ = r.Context().Value(http.ServerContextKey).(*http.Server)
		r = r.WithContext(c)
		if r.TLS == nil && conn != nil {
			r.TLS = conn.state
		}
		defer c.answer.panicking()
		next.ServeHTTP(&c.answer, r)
		c.answer.settle()
	})
}

// panicking lets a handler panic in its turn: the server resets its stream with the frame that is also the mark of a breach.
func (a *Answer) panicking() {
	p := recover()
	if p == nil {
		return
	}
	if a.conn != nil && a.streams {
		a.report(a.conn.strike(a.writer, breach{frames: asIs}))
	}
	panic(p)
}

// report tells who runs the server of a fault that did not happen: the client can't be told any more.
func (a *Answer) report(err error) {
	switch {
	case err == nil:
	case a.server != nil && a.server.ErrorLog != nil:
		a.server.ErrorLog.Print(err)
	default:
		log.Print(err)
	}
}
