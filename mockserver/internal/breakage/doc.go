// Package breakage breaks the answer, the stream or the connection under a call that net/http's server answers.
//
// [Handler] goes around the server's handler and holds back the answer of a call for which a fault was asked. Faults that change what
// an answer consists of (no trailers, two messages, the page of a proxy) are then sent like any other answer. The others break it off:
// RST_STREAM, GOAWAY, half a frame, and the end of the connection. Over HTTP/1 that is done to the connection, which carries one call
// at a time. Over HTTP/2 it must be done to the right stream, between two frames, without net/http knowing, and net/http tells no
// handler its stream's number.
//
// So the server is made to say it. A handler whose write deadline has passed has its stream reset by the server, which closes the
// stream in its own books and sends RST_STREAM with INTERNAL_ERROR, after all frames of the stream that it has sent before. A [Conn]
// follows the boundaries of outgoing frames, and puts in the place of that frame what the fault sends instead: another code, a GOAWAY,
// half of a DATA frame, nothing. One handler of a connection does so at a time, and what else could send the same frame, a handler's
// panic, takes its turn like a fault. Nothing is hidden from the server's flow control and header compression, so the other streams go
// on undisturbed, and there is nothing to switch on or off: a connection without faults costs the steps from frame to frame.
//
// The layers are, from the network up: the socket or pipe, TLS, Conn, [wire.Coalesce], net/http. Below Coalesce, what was written
// before a fault has left when the fault strikes; above TLS, there are frames.
package breakage

import "github.com/optest-dev/optest/mockserver/internal/wire"

var _ wire.Layer = Over
