package breakage_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

const ok connect.Code = 0

// oneOf are the codes of which a client may get any: net/http's does not always tell a reset from an end.
type oneOf []connect.Code

// toConnect is what Connect's client on net/http's makes of a fault over HTTP/2, whatever it speaks. net/http's client repeats by itself
// what the server has not processed for certain.
type toConnect struct {
	kind           optestv1.TransportFault_Kind
	attempts       int // at a call whose first attempt is hit before the body
	before, within oneOf
}

var toConnectTable = []toConnect{
	{optestv1.TransportFault_RST_REFUSED_STREAM, 2, oneOf{ok}, oneOf{connect.CodeUnavailable}},
	{optestv1.TransportFault_RST_NO_ERROR, 1, oneOf{connect.CodeInternal}, oneOf{connect.CodeInternal}},
	{optestv1.TransportFault_RST_INTERNAL_ERROR, 1, oneOf{connect.CodeInternal}, oneOf{connect.CodeInternal}},
	{optestv1.TransportFault_RST_CANCEL, 1, oneOf{connect.CodeCanceled}, oneOf{connect.CodeCanceled}},
	{optestv1.TransportFault_RST_ENHANCE_YOUR_CALM, 1, oneOf{connect.CodeResourceExhausted}, oneOf{connect.CodeResourceExhausted}},
	{optestv1.TransportFault_GOAWAY_GRACEFUL, 1, oneOf{ok}, nil},
	{optestv1.TransportFault_GOAWAY_BELOW_STREAM, 2, oneOf{ok}, oneOf{connect.CodeUnknown}},
	{optestv1.TransportFault_GOAWAY_ABRUPT, 1, oneOf{connect.CodeUnavailable}, oneOf{connect.CodeUnknown}},
	{optestv1.TransportFault_TCP_RESET, 1, oneOf{connect.CodeCanceled, connect.CodeUnavailable}, oneOf{connect.CodeCanceled, connect.CodeUnknown}},
	{optestv1.TransportFault_TCP_CLOSE, 1, oneOf{connect.CodeUnavailable}, oneOf{connect.CodeUnknown}},
	{optestv1.TransportFault_BLACK_HOLE, 1, oneOf{connect.CodeDeadlineExceeded}, oneOf{connect.CodeDeadlineExceeded}},
	{optestv1.TransportFault_HALF_FRAME, 1, oneOf{connect.CodeUnknown, connect.CodeInternal}, oneOf{connect.CodeUnknown}},
}

// toProtocols is what the client makes of faults that are about the protocol.
var toProtocols = map[optestv1.TransportFault_Kind]struct{ connect, web, grpc connect.Code }{
	optestv1.TransportFault_NO_TRAILERS:       {refused, connect.CodeInternal, connect.CodeInternal},
	optestv1.TransportFault_NO_MESSAGE:        {ok, connect.CodeUnimplemented, connect.CodeUnimplemented},
	optestv1.TransportFault_TWO_MESSAGES:      {ok, connect.CodeUnimplemented, connect.CodeUnimplemented},
	optestv1.TransportFault_TRAILERS_ONLY:     {refused, connect.CodeUnknown, connect.CodeUnimplemented},
	optestv1.TransportFault_STATUS_IN_HEADERS: {refused, connect.CodeInternal, connect.CodeInternal},
	optestv1.TransportFault_TRUNCATED_MESSAGE: {connect.CodeInvalidArgument, connect.CodeInternal, connect.CodeInternal},
}

// refused is what the stage answers with when Break has an error.
const refused = connect.CodeFailedPrecondition

// speaks are the protocols of Connect's client.
var speaks = map[string][]connecthttp.Option{
	"Connect":  nil,
	"gRPC-Web": {connecthttp.WithGRPCWeb()},
	"gRPC":     {connecthttp.WithGRPC()},
}

func connectClient(client *http.Client, url, protocol string) *connect.Client {
	return connect.NewClient(connecthttp.NewTransport(client, url, speaks[protocol]...))
}

func codeOf(err error) connect.Code {
	if err == nil {
		return ok
	}
	return connect.CodeOf(err)
}

func TestFaultsToConnect(t *testing.T) {
	expectNoGoroutines(t)
	for name, open := range networks {
		for protocol := range speaks {
			t.Run(name+"/"+protocol, func(t *testing.T) {
				s := newStage(t)
				n := open(t, s)
				for _, row := range toConnectTable {
					row.check(t, s, n, protocol, 0, row.attempts, row.before)
					if row.within != nil {
						row.check(t, s, n, protocol, 10, 1, row.within)
					}
				}
				for kind, row := range toProtocols {
					want := map[string]connect.Code{"Connect": row.connect, "gRPC-Web": row.web, "gRPC": row.grpc}[protocol]
					toConnect{kind: kind}.check(t, s, n, protocol, 0, 1, oneOf{want})
				}
			})
		}
	}
}

func (row toConnect) check(t *testing.T, s *stage, n network, protocol string, after uint32, attempts int, want oneOf) {
	t.Helper()
	hc, url := n.httpClient(t, 2)
	client := connectClient(hc, url, protocol)
	id := fmt.Sprintf("%v/%d", row.kind, after)
	s.plan(id, plan{faults: faultsAfter(after, row.kind)})
	err := callConnect(t, client, id, want[0])
	if !slices.Contains(want, codeOf(err)) {
		t.Errorf("%s: the client gets %v, want one of %v", id, err, want)
	}
	if got := s.seen(id); got != attempts {
		t.Errorf("%s: the server saw %d attempts, want %d", id, got, attempts)
	}
	if row.kind != optestv1.TransportFault_BLACK_HOLE {
		if err := callConnect(t, client, "next", ok); err != nil {
			t.Errorf("%s: the next call gets %v", id, err)
		}
	}
}

func callConnect(t *testing.T, client *connect.Client, id string, want connect.Code) error {
	patience := patience
	if want == connect.CodeDeadlineExceeded {
		patience = quiet
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, err := getByConnect(ctx, client, id)
	return err
}

// TestConnectGivesUpOnlyAtItsDeadline has every attempt hit: net/http's client never tells of what it repeats.
func TestConnectGivesUpOnlyAtItsDeadline(t *testing.T) {
	for _, kind := range kinds(optestv1.TransportFault_RST_REFUSED_STREAM, optestv1.TransportFault_GOAWAY_BELOW_STREAM) {
		s := newStage(t)
		n := inMemory(t, s)
		s.plan("x", plan{faults: faults(kind), every: true})
		hc, url := n.httpClient(t, 2)
		err := callConnect(t, connectClient(hc, url, "Connect"), "x", connect.CodeDeadlineExceeded)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v: the client gets %v, want its deadline", kind, err)
		}
		if got := s.seen("x"); got < 2 {
			t.Errorf("%v: the server saw %d attempts, want more", kind, got)
		}
	}
}
