package breakage_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

const (
	callers      = 16
	callsOfEach  = 60
	oneIn        = 4 // of the calls is hit
	alsoPanicked = 8 // of the hit ones is not, but its handler panics
)

// TestStreamFaultsUnderLoad has 16 goroutines call on one connection, a quarter of the calls hit in one way or another. Each call must
// get what was meant for it, and all must stay on the connection.
func TestStreamFaultsUnderLoad(t *testing.T) {
	expectNoGoroutines(t)
	var rows []toGRPC
	for _, row := range toGRPCTable {
		if !row.lost && row.neighbour == codes.OK {
			rows = append(rows, row)
		}
	}
	for name, open := range networks {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			client := open(t, s).grpcClient(t)
			if err := call(t, client, "first", codes.OK); err != nil {
				t.Fatal(err)
			}
			underLoad(func(id string, chance *rand.Rand) {
				if chance.IntN(oneIn) > 0 {
					if err := call(t, client, id, codes.OK); err != nil {
						t.Errorf("a call without a fault gets %v", err)
					}
					return
				}
				if chance.IntN(alsoPanicked) == 0 {
					s.plan(id, plan{panics: true})
					if err := call(t, client, id, codes.Internal); status.Code(err) != codes.Internal {
						t.Errorf("a call whose handler panics gets %v", err)
					}
					return
				}
				row := rows[chance.IntN(len(rows))]
				all := places(row.kind)
				after := all[chance.IntN(len(all))]
				s.plan(id, plan{faults: faultsAfter(after, row.kind)})
				err := call(t, client, id, row.first.code)
				if got := status.Convert(err); got.Code() != row.first.code || !strings.Contains(got.Message(), row.first.message) {
					t.Errorf("a call with %v after %d bytes gets %v, want %v with %q", row.kind, after, err, row.first.code, row.first.message)
				}
				if got := s.seen(id); got != row.first.attempts {
					t.Errorf("a call with %v after %d bytes took %d attempts, want %d", row.kind, after, got, row.first.attempts)
				}
			})
			if got := s.dials(); got != 1 {
				t.Errorf("the calls took %d connections, want 1", got)
			}
		})
	}
}

// TestConnectionFaultsUnderLoad hits the connection that all share. Calls beside a hit one may fail, but only as a lost connection makes
// them, and the client recovers.
func TestConnectionFaultsUnderLoad(t *testing.T) {
	expectNoGoroutines(t)
	var rows []toGRPC
	for _, row := range toGRPCTable {
		if row.lost {
			rows = append(rows, row)
		}
	}
	for name, open := range networks {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			client := open(t, s).grpcClient(t)
			underLoad(func(id string, chance *rand.Rand) {
				if chance.IntN(callers*oneIn) == 0 {
					s.plan(id, plan{faults: faults(rows[chance.IntN(len(rows))].kind)})
				}
				if err := call(t, client, id, codes.OK); err != nil && status.Code(err) != codes.Unavailable {
					t.Errorf("a call gets %v, want %v", err, codes.Unavailable)
				}
			})
			if err := call(t, client, "last", codes.OK); status.Code(err) == codes.Unavailable {
				err = call(t, client, "last", codes.OK) // it has met the end of the connection
				if err != nil {
					t.Errorf("the last call gets %v", err)
				}
			}
		})
	}
}

func underLoad(call func(id string, chance *rand.Rand)) {
	var work sync.WaitGroup
	for caller := range callers {
		work.Go(func() {
			chance := rand.New(rand.NewPCG(1, uint64(caller)))
			for i := range callsOfEach {
				call(fmt.Sprintf("%d-%d", caller, i), chance)
			}
		})
	}
	work.Wait()
}

// TestWindowsSurviveFaults sends far more over one connection than its windows hold, in both directions, and breaks most of it off. If
// what was broken off were lost to either side's accounts, the connection would stall.
func TestWindowsSurviveFaults(t *testing.T) {
	s := newStage(t)
	client := overTCP(t, s).grpcClient(t)
	const large = 300_000 // beyond a stream's first window, and a frame's size
	request := &operation.GetOperationRequest{OperationId: strings.Repeat("x", large)}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for i := range 60 {
		s.plan(request.OperationId, plan{padding: large, every: true, faults: faultsAfter([]uint32{0, large / 2, 2 * large}[i%3], optestv1.TransportFault_RST_CANCEL)})
		_, err := operation.NewOperationServiceClient(client).Get(ctx, request)
		if status.Code(err) != codes.Canceled || ctx.Err() != nil {
			t.Fatalf("call %d gets %v, want a reset stream", i, err)
		}
		if i%3 > 0 {
			continue
		}
		s.plan("healthy", plan{padding: large})
		if got, err := getByGRPC(ctx, client, "healthy"); got != "healthy" {
			t.Fatalf("the call after call %d gets %v", i, err)
		}
	}
	if got := s.dials(); got != 1 {
		t.Errorf("the calls took %d connections, want 1", got)
	}
}

// TestFaultsBeforeTheRequestIsRead breaks a stream off while its request is still on the way.
func TestFaultsBeforeTheRequestIsRead(t *testing.T) {
	s := newStage(t)
	n := overTCP(t, s)
	s.plan("x", plan{faults: faults(optestv1.TransportFault_RST_REFUSED_STREAM), every: true})
	c := n.raw(t)
	c.open(1, restPath+"x", "application/json")
	want := told("RST_STREAM REFUSED_STREAM", "alive")
	if got := c.watch(1, want); !slices.Equal(got, want) {
		t.Errorf("the client sees %q, want %q", got, want)
	}
	// The client may still send what it had on its way, and has the connection's window given back for it: three times the window.
	for stream := uint32(3); stream < 99; stream += 2 {
		for range 4 {
			c.write(c.framer.WriteData(1, false, make([]byte, 16384)))
		}
		c.call(stream, "application/grpc+proto", "y")
		if got := c.watch(stream, healthy); !slices.Equal(got, healthy) {
			t.Fatalf("then stream %d sees %q, want %q", stream, got, healthy)
		}
	}
}
