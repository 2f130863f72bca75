package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/optest-dev/optest/conformance/hook"
	"github.com/optest-dev/optest/conformance/internal/exampleserver"
)

// hooked is what a hook adds to a poll of a client of grpc-go: polls of one server
// in memory, with and without, in turns of which the median counts.
func hooked(ctx context.Context, s scale) (rows []row, err error) {
	dial, stop := new(exampleserver.Server).InMemory()
	defer stop()
	h, err := hook.Start()
	if err != nil {
		return nil, err
	}
	poll := func(opts ...grpc.DialOption) (func() error, error) {
		conn, err := grpc.NewClient("passthrough:///bench", append(opts,
			grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return dial(ctx) }))...)
		if err != nil {
			return nil, err
		}
		context.AfterFunc(ctx, func() { _ = conn.Close() })
		op, err := clouddesktop.NewDesktopImageServiceClient(conn).CopyFromDesktop(ctx, &clouddesktop.CopyFromDesktopRequest{DesktopId: exampleserver.Works})
		if err != nil {
			return nil, err
		}
		client, request := operation.NewOperationServiceClient(conn), &operation.GetOperationRequest{OperationId: op.GetId()}
		return func() error {
			_, err := client.Get(ctx, request)
			return err
		}, nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	bare, err := poll()
	if err != nil {
		return nil, err
	}
	watched, err := poll(h.DialOptions()...)
	if err != nil {
		return nil, err
	}
	const turn = 50
	micros := func(call func() error) float64 {
		began := time.Now()
		for range turn {
			err = errors.Join(err, call())
		}
		return float64(time.Since(began).Nanoseconds()) / turn / 1000
	}
	var without, added, ratio []float64
	for range s.Turns {
		a, b := micros(bare), micros(watched)
		without, added, ratio = append(without, a), append(added, b-a), append(ratio, b/a)
	}
	if err != nil {
		return nil, err
	}
	report, err := h.Report()
	if err != nil {
		return nil, err
	}
	how := fmt.Sprintf("Get by grpc-go from a server of grpc-go in the same process, in memory: %s pairs of turns of %d calls each, medians. All rules that apply are held against each call.", grouped(s.Turns), turn)
	return []row{
		{"passive hook", median(added), "µs/call", &want{atMost, 20}, how},
		{"  a call without", median(without), "µs/call", nil, how},
		{"  a call with, against one without", median(ratio), "x", nil, how},
	}, clean(report)
}

func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}
