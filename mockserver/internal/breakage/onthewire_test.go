package breakage_test

import (
	"slices"
	"testing"

	"golang.org/x/net/http2"

	"github.com/optest-dev/optest/mockserver/internal/breakage"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// onTheWire is what a fault looks like from outside, on stream 5 of a connection that has had no other, before the body and after 10
// bytes of it. The answer's body, one message of gRPC, has 33.
type onTheWire struct {
	faults        []optestv1.TransportFault_Kind
	before, after []string
}

var (
	kindsOnTheWire = map[string]onTheWire{
		"RST_REFUSED_STREAM":    resetOnTheWire(optestv1.TransportFault_RST_REFUSED_STREAM, http2.ErrCodeRefusedStream),
		"RST_NO_ERROR":          resetOnTheWire(optestv1.TransportFault_RST_NO_ERROR, http2.ErrCodeNo),
		"RST_INTERNAL_ERROR":    resetOnTheWire(optestv1.TransportFault_RST_INTERNAL_ERROR, http2.ErrCodeInternal),
		"RST_CANCEL":            resetOnTheWire(optestv1.TransportFault_RST_CANCEL, http2.ErrCodeCancel),
		"RST_ENHANCE_YOUR_CALM": resetOnTheWire(optestv1.TransportFault_RST_ENHANCE_YOUR_CALM, http2.ErrCodeEnhanceYourCalm),
		"GOAWAY_GRACEFUL": {
			faults: kinds(optestv1.TransportFault_GOAWAY_GRACEFUL),
			before: told(goAwayGracefully, "HEADERS 200", "DATA 33", "HEADERS grpc-status=0 END", "alive"),
		},
		"GOAWAY_BELOW_STREAM": {
			faults: kinds(optestv1.TransportFault_GOAWAY_BELOW_STREAM),
			before: told("GOAWAY 3 NO_ERROR", "alive"),
			after:  told("HEADERS 200", "DATA 10", "GOAWAY 3 NO_ERROR", "alive"),
		},
		"GOAWAY_ABRUPT": {
			faults: kinds(optestv1.TransportFault_GOAWAY_ABRUPT),
			before: told("GOAWAY 2147483647 NO_ERROR", "FIN"),
			after:  told("HEADERS 200", "DATA 10", "GOAWAY 2147483647 NO_ERROR", "FIN"),
		},
		"TCP_RESET": {
			faults: kinds(optestv1.TransportFault_TCP_RESET),
			before: told("reset"),
			after:  told("HEADERS 200", "DATA 10", "reset"),
		},
		"TCP_CLOSE": {
			faults: kinds(optestv1.TransportFault_TCP_CLOSE),
			before: told("FIN"),
			after:  told("HEADERS 200", "DATA 10", "FIN"),
		},
		"BLACK_HOLE": {
			faults: kinds(optestv1.TransportFault_BLACK_HOLE),
			before: told("silence"),
			after:  told("HEADERS 200", "DATA 10", "silence"),
		},
		"HALF_FRAME": {
			faults: kinds(optestv1.TransportFault_HALF_FRAME),
			before: told("HEADERS 200", "DATA of 33 cut to 16, FIN"),
			after:  told("HEADERS 200", "DATA 10", "DATA of 23 cut to 11, FIN"),
		},
		"NO_TRAILERS": {
			faults: kinds(optestv1.TransportFault_NO_TRAILERS),
			before: told("HEADERS 200", "DATA 33 END", "alive"),
		},
		"NO_MESSAGE": {
			faults: kinds(optestv1.TransportFault_NO_MESSAGE),
			before: told("HEADERS 200", "HEADERS grpc-status=0 END", "alive"),
		},
		"TWO_MESSAGES": {
			faults: kinds(optestv1.TransportFault_TWO_MESSAGES),
			before: told("HEADERS 200", "DATA 66", "HEADERS grpc-status=0 END", "alive"),
		},
		"TRAILERS_ONLY": {
			faults: kinds(optestv1.TransportFault_TRAILERS_ONLY),
			before: told("HEADERS 200 grpc-status=0 END", "alive"),
		},
		"STATUS_IN_HEADERS": {
			faults: kinds(optestv1.TransportFault_STATUS_IN_HEADERS),
			before: told("HEADERS 200 grpc-status=0", "DATA 33 END", "alive"),
		},
		"TRUNCATED_MESSAGE": {
			faults: kinds(optestv1.TransportFault_TRUNCATED_MESSAGE),
			before: told("HEADERS 200", "DATA 19", "HEADERS grpc-status=0 END", "alive"),
			after:  told("HEADERS 200", "DATA 10", "HEADERS grpc-status=0 END", "alive"),
		},
	}
	compositionsOnTheWire = map[string]onTheWire{
		"half a frame and silence": {
			faults: kinds(optestv1.TransportFault_HALF_FRAME, optestv1.TransportFault_BLACK_HOLE),
			before: told("HEADERS 200", "DATA of 33 cut to 16, silence"),
			after:  told("HEADERS 200", "DATA 10", "DATA of 23 cut to 11, silence"),
		},
		"half a frame and a reset": {
			faults: kinds(optestv1.TransportFault_HALF_FRAME, optestv1.TransportFault_TCP_RESET),
			before: told("HEADERS 200", "DATA of 33 cut to 16, reset"),
			after:  told("HEADERS 200", "DATA 10", "DATA of 23 cut to 11, reset"),
		},
		"a GOAWAY below the stream and FIN": {
			faults: kinds(optestv1.TransportFault_GOAWAY_BELOW_STREAM, optestv1.TransportFault_TCP_CLOSE),
			before: told("GOAWAY 3 NO_ERROR", "FIN"),
			after:  told("HEADERS 200", "DATA 10", "GOAWAY 3 NO_ERROR", "FIN"),
		},
		"an abrupt GOAWAY and silence": {
			faults: kinds(optestv1.TransportFault_GOAWAY_ABRUPT, optestv1.TransportFault_BLACK_HOLE),
			before: told("GOAWAY 2147483647 NO_ERROR", "silence"),
			after:  told("HEADERS 200", "DATA 10", "GOAWAY 2147483647 NO_ERROR", "silence"),
		},
		"neither message nor trailers": {
			faults: kinds(optestv1.TransportFault_NO_MESSAGE, optestv1.TransportFault_NO_TRAILERS),
			before: told("HEADERS 200 END", "alive"),
		},
		"two messages without trailers": {
			faults: kinds(optestv1.TransportFault_NO_TRAILERS, optestv1.TransportFault_TWO_MESSAGES),
			before: told("HEADERS 200", "DATA 66 END", "alive"),
		},
		"half a frame of nothing": {
			faults: kinds(optestv1.TransportFault_NO_MESSAGE, optestv1.TransportFault_HALF_FRAME),
			before: told("HEADERS 200", "frame header cut to 4, FIN"),
		},
		"a reset in the second message": {
			faults: kinds(optestv1.TransportFault_TWO_MESSAGES, optestv1.TransportFault_RST_CANCEL),
			before: told("RST_STREAM CANCEL", "alive"),
		},
	}
)

// healthy is a call without a fault about an operation whose id has one letter.
var healthy = told("HEADERS 200", "DATA 33", "HEADERS grpc-status=0 END", "alive")

const goAwayGracefully = "GOAWAY 5 NO_ERROR"

func kinds(list ...optestv1.TransportFault_Kind) []optestv1.TransportFault_Kind { return list }

func told(list ...string) []string { return list }

func resetOnTheWire(kind optestv1.TransportFault_Kind, code http2.ErrCode) onTheWire {
	frame := "RST_STREAM " + code.String()
	return onTheWire{faults: kinds(kind), before: told(frame, "alive"), after: told("HEADERS 200", "DATA 10", frame, "alive")}
}

// TestFaultsOnTheWire looks at every kind of fault, and at those that belong together, from outside.
func TestFaultsOnTheWire(t *testing.T) {
	expectNoGoroutines(t)
	for number, name := range optestv1.TransportFault_Kind_name {
		if _, ok := kindsOnTheWire[name]; !ok && number != 0 {
			t.Errorf("%s is not in the table", name)
		}
	}
	for networkName, open := range networks {
		t.Run(networkName, func(t *testing.T) {
			s := newStage(t)
			n := open(t, s)
			for _, table := range []map[string]onTheWire{kindsOnTheWire, compositionsOnTheWire} {
				for name, want := range table {
					t.Run(name, func(t *testing.T) { want.check(t, s, n, 0, want.before) })
					if want.after != nil {
						t.Run(name+" after 10 bytes", func(t *testing.T) { want.check(t, s, n, 10, want.after) })
					} else if len(want.faults) == 1 && breakage.Check(faultsAfter(10, want.faults...)[0]) == nil {
						t.Error("it has a place, and the table does not say what happens there")
					}
				}
			}
		})
	}
}

func (w onTheWire) check(t *testing.T, s *stage, n network, after uint32, want []string) {
	s.plan("x", plan{faults: faultsAfter(after, w.faults...), every: true})
	c := n.raw(t)
	c.call(5, "application/grpc+proto", "x")
	got := c.watch(5, want)
	if graceful := slices.Index(got, goAwayGracefully); graceful > 0 {
		// The server says it when it comes to it.
		got = slices.Insert(slices.Delete(got, graceful, graceful+1), 0, goAwayGracefully)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("the client sees %q, want %q", got, want)
	}
	if got[len(got)-1] == "alive" && got[0] != goAwayGracefully {
		c.call(7, "application/grpc+proto", "y")
		if got := c.watch(7, healthy); !slices.Equal(got, healthy) {
			t.Errorf("then another stream sees %q, want %q", got, healthy)
		}
	}
}

// TestGoAwayBelowTheFirstStream says that none was processed: there is no stream -1.
func TestGoAwayBelowTheFirstStream(t *testing.T) {
	s := newStage(t)
	n := inMemory(t, s)
	s.plan("x", plan{faults: faults(optestv1.TransportFault_GOAWAY_BELOW_STREAM)})
	c := n.raw(t)
	c.call(1, "application/grpc+proto", "x")
	want := told("GOAWAY 0 NO_ERROR", "alive")
	if got := c.watch(1, want); !slices.Equal(got, want) {
		t.Errorf("the client sees %q, want %q", got, want)
	}
}

// TestSilenceIsLeftByTheClient shows that a connection in a black hole is open, takes what is sent, and goes when the client goes.
func TestSilenceIsLeftByTheClient(t *testing.T) {
	for name, open := range networks {
		t.Run(name, func(t *testing.T) {
			expectNoGoroutines(t)
			s := newStage(t)
			n := open(t, s)
			s.plan("x", plan{faults: faults(optestv1.TransportFault_BLACK_HOLE)})
			c := n.raw(t)
			c.call(1, "application/grpc+proto", "x")
			if got, want := c.watch(1, told("silence")), told("silence"); !slices.Equal(got, want) {
				t.Errorf("the client sees %q, want %q", got, want)
			}
			// More than the buffers in between hold.
			for i := range 400 {
				c.write(c.framer.WriteData(uint32(2*i+3), false, make([]byte, 16384)))
			}
			before := s.connections()
			if before != 1 {
				t.Errorf("the server has %d connections, want 1", before)
			}
			c.write(c.conn.Close())
			s.await(t, "no connection", func() bool { return s.connections() == 0 })
		})
	}
}
