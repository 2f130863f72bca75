package breakage_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

// toGRPC is what grpc-go makes of a fault. It retries once, by itself and on the same or a new connection, what the server has not
// processed for certain.
type toGRPC struct {
	kind  optestv1.TransportFault_Kind
	first outcome // of a call whose first attempt is hit
	every outcome // of one whose every attempt is
	// What becomes of a call on a stream that was opened before on the same connection.
	neighbour codes.Code
	// Whether the connection is used for the next call.
	lost bool
}

type outcome struct {
	attempts int
	code     codes.Code
	message  string // is part of the status's
}

func same(attempts int, code codes.Code, message string) [2]outcome {
	o := outcome{attempts, code, message}
	return [2]outcome{o, o}
}

var toGRPCTable = func() []toGRPC {
	row := func(kind optestv1.TransportFault_Kind, both [2]outcome) toGRPC {
		return toGRPC{kind: kind, first: both[0], every: both[1]}
	}
	ends := func(kind optestv1.TransportFault_Kind, message string) toGRPC {
		r := row(kind, same(1, codes.Unavailable, message))
		r.neighbour, r.lost = codes.Unavailable, true
		return r
	}
	goneOnce := [2]outcome{{2, codes.OK, ""}, {2, codes.Unavailable, "draining"}}
	below := row(optestv1.TransportFault_GOAWAY_BELOW_STREAM, goneOnce)
	below.lost = true
	graceful := row(optestv1.TransportFault_GOAWAY_GRACEFUL, same(1, codes.OK, ""))
	graceful.lost = true
	hole := row(optestv1.TransportFault_BLACK_HOLE, same(1, codes.DeadlineExceeded, "deadline exceeded"))
	hole.neighbour = codes.DeadlineExceeded
	refused := [2]outcome{{2, codes.OK, ""}, {2, codes.Unavailable, "REFUSED_STREAM"}}
	return []toGRPC{
		row(optestv1.TransportFault_RST_REFUSED_STREAM, refused),
		row(optestv1.TransportFault_RST_NO_ERROR, same(1, codes.Internal, "NO_ERROR")),
		row(optestv1.TransportFault_RST_INTERNAL_ERROR, same(1, codes.Internal, "INTERNAL_ERROR")),
		row(optestv1.TransportFault_RST_CANCEL, same(1, codes.Canceled, "CANCEL")),
		row(optestv1.TransportFault_RST_ENHANCE_YOUR_CALM, same(1, codes.ResourceExhausted, "ENHANCE_YOUR_CALM")),
		graceful,
		below,
		ends(optestv1.TransportFault_GOAWAY_ABRUPT, "received prior goaway"),
		// The kernel reports a reset once: where the client's writer gets it, its reader gets EOF. rawclient_test.go holds the reset.
		ends(optestv1.TransportFault_TCP_RESET, "error reading from server"),
		ends(optestv1.TransportFault_TCP_CLOSE, "EOF"),
		hole,
		ends(optestv1.TransportFault_HALF_FRAME, "unexpected EOF"),
		row(optestv1.TransportFault_NO_TRAILERS, same(1, codes.Internal, "without sending trailers")),
		row(optestv1.TransportFault_NO_MESSAGE, same(1, codes.Internal, "received no response message")),
		row(optestv1.TransportFault_TWO_MESSAGES, same(1, codes.Internal, "received another message")),
		row(optestv1.TransportFault_TRAILERS_ONLY, same(1, codes.Internal, "received no response message")),
		row(optestv1.TransportFault_STATUS_IN_HEADERS, same(1, codes.Internal, "without sending trailers")),
		row(optestv1.TransportFault_TRUNCATED_MESSAGE, same(1, codes.Internal, "unexpected EOF")),
	}
}()

// TestFaultsToGRPC shows every kind of fault to grpc-go, before the body and within it, which makes no difference to it.
func TestFaultsToGRPC(t *testing.T) {
	expectNoGoroutines(t)
	if got, want := len(toGRPCTable), len(optestv1.TransportFault_Kind_name)-1; got != want {
		t.Errorf("the table has %d rows, want the %d kinds", got, want)
	}
	for name, open := range networks {
		t.Run(name, func(t *testing.T) {
			for _, row := range toGRPCTable {
				for _, after := range places(row.kind) {
					t.Run(fmt.Sprintf("%v/after=%d/first", row.kind, after), func(t *testing.T) { row.check(t, open, after, row.first, false) })
					t.Run(fmt.Sprintf("%v/after=%d/every", row.kind, after), func(t *testing.T) { row.check(t, open, after, row.every, true) })
				}
			}
		})
	}
}

func (row toGRPC) check(t *testing.T, open func(testing.TB, *stage) network, after uint32, want outcome, every bool) {
	s := newStage(t)
	client := open(t, s).grpcClient(t)
	release := make(chan struct{})
	s.plan("neighbour", plan{until: release})
	s.plan("hit", plan{faults: faultsAfter(after, row.kind), every: every})

	if err := call(t, client, "first", codes.OK); err != nil {
		t.Fatal(err)
	}
	neighbour := make(chan error, 1)
	go func() { neighbour <- call(t, client, "neighbour", row.neighbour) }()
	s.await(t, "the neighbour's call", func() bool { return s.seen("neighbour") == 1 })

	err := call(t, client, "hit", want.code)
	if got := status.Convert(err); got.Code() != want.code || !strings.Contains(got.Message(), want.message) {
		t.Errorf("the client gets %v, want %v with %q", err, want.code, want.message)
	}
	if got := s.seen("hit"); got != want.attempts {
		t.Errorf("the server saw %d attempts, want %d", got, want.attempts)
	}
	close(release)
	if err := <-neighbour; status.Code(err) != row.neighbour {
		t.Errorf("the call beside it gets %v, want %v", err, row.neighbour)
	}
	if row.kind == optestv1.TransportFault_BLACK_HOLE {
		return // the next call would go into the hole as well
	}
	before := s.dials()
	if err := call(t, client, "next", codes.OK); err != nil {
		t.Errorf("the next call gets %v", err)
	}
	if now := s.dials(); !row.lost && now != 1 {
		t.Errorf("the next call is on connection %d, want the first", now)
	} else if row.lost && now == 1 {
		t.Errorf("the next call is on the first connection, want another (there were %d before)", before)
	}
}

// call waits long, unless it must end by its deadline.
func call(t *testing.T, client *grpc.ClientConn, id string, want codes.Code) error {
	patience := patience
	if want == codes.DeadlineExceeded {
		patience = quiet
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	got, err := getByGRPC(ctx, client, id)
	if err == nil && got != id {
		return fmt.Errorf("the answer is about %q, want %q", got, id)
	}
	return err
}
