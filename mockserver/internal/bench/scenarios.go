package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/optest-dev/optest/mockserver"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
)

const fewScenarios = 10

// manyScenarios are creates on a server that chooses among very many scenarios against one with few, and how long such a server takes to
// start.
func manyScenarios(ctx context.Context, s scale) (rows []row, err error) {
	how := fmt.Sprintf("CopyFromDesktop over gRPC by %[1]s, of any of as many desktops as the server has scenarios, each of which matches one "+
		"desktop_id: %[2]s, and, as the baseline, %[3]d of a second mock in the same process; %[4]d rounds of %[5]v each in turns of %[6]v. The start is "+
		"mockserver.Start(Scenarios) and the first answer in memory.",
		together, grouped(s.Scenarios), fewScenarios, min(s.Rounds, twinRounds), s.Round, turn)
	err = twins(ctx, s, ofScenarios, func(many, few *subject) error {
		desktops := map[*subject]int{many: s.Scenarios, few: fewScenarios}
		for sub, n := range desktops {
			// A mock that fell back on its default would choose as fast among any number.
			for _, i := range []int{0, n / 2, n - 1} {
				if err := plays(ctx, sub.client[0], desktop(i)); err != nil {
					return err
				}
			}
		}
		bar := fmt.Sprintf("CopyFromDesktop with %s scenarios vs %d", grouped(s.Scenarios), fewScenarios)
		rows, err = compared(ctx, s, bar, want{atMost, 2}, many, few, func(sub *subject) rpc {
			return func(ctx context.Context, conn *grpc.ClientConn) error {
				return createOf(ctx, conn, desktop(rand.IntN(desktops[sub])))
			}
		}, how)
		return err
	})
	if err != nil {
		return rows, err
	}
	starts, err := inTurns(ctx, min(s.Rounds, 5), startWith(ctx, s.Scenarios), startWith(ctx, fewScenarios))
	if err != nil {
		return rows, err
	}
	return append(rows, figure("  start and first answer", "ms", starts, nil, how)), nil
}

// forDesktops are scenarios that each match one of as many desktops.
func forDesktops(n int) []*optestv1.Scenario {
	list := make([]*optestv1.Scenario, n)
	for i := range list {
		list[i] = mockserver.Running(1000*time.Hour).Named("for-"+desktop(i)).For("desktop_id", desktop(i)).Succeed()
	}
	return list
}

func desktop(i int) string { return fmt.Sprintf("desktop-%d", i) }

func createOf(ctx context.Context, conn *grpc.ClientConn, desktop string, opts ...grpc.CallOption) error {
	req := request()
	req.DesktopId = desktop
	_, err := clouddesktop.NewDesktopImageServiceClient(conn).CopyFromDesktop(ctx, req, opts...)
	return err
}

// plays is nil where the desktop's own scenario answers.
func plays(ctx context.Context, conn *grpc.ClientConn, desktop string) error {
	var header metadata.MD
	if err := createOf(ctx, conn, desktop, grpc.Header(&header)); err != nil {
		return err
	}
	if got, want := header.Get(mockserver.HeaderScenario), "for-"+desktop; len(got) != 1 || got[0] != want {
		return fmt.Errorf("bench: desktop %q was answered by scenario %q, want %q", desktop, got, want)
	}
	return nil
}

// startWith takes the milliseconds until a server with n scenarios has answered.
func startWith(ctx context.Context, n int) func() (float64, error) {
	scenarios := forDesktops(n)
	return func() (float64, error) {
		began := time.Now()
		server, err := mockserver.Start(mockserver.Scenarios(scenarios...))
		if err != nil {
			return 0, err
		}
		err = createOf(ctx, server.GRPC(), desktop(n-1))
		took := microseconds(began) / 1e3
		return took, errors.Join(err, server.Close())
	}
}
