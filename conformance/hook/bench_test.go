package hook_test

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"connectrpc.com/connect/v2"
	"connectrpc.com/connect/v2/connecthttp"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/clouddesktop/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"google.golang.org/grpc"

	"github.com/optest-dev/optest/conformance/hook"
	"github.com/optest-dev/optest/mockserver"
	"github.com/optest-dev/optest/proto/gen/yandex/cloud/operation/operationconnect"
)

// BenchmarkCost is what a hook adds to a poll, in microseconds: the same calls of
// the same server with and without, in turns.
func BenchmarkCost(b *testing.B) {
	srv := mockserver.New(b)
	bare, err := grpc.NewClient("passthrough:///optest", srv.DialOptions()...)
	if err != nil {
		b.Fatal(err)
	}
	defer bare.Close()
	op, err := clouddesktop.NewDesktopImageServiceClient(bare).CopyFromDesktop(b.Context(), &clouddesktop.CopyFromDesktopRequest{DesktopId: "slow-success"})
	if err != nil {
		b.Fatal(err)
	}
	request := &operation.GetOperationRequest{OperationId: op.GetId()}

	h := hook.New(b)
	hooked, err := grpc.NewClient("passthrough:///optest", append(srv.DialOptions(), h.DialOptions()...)...)
	if err != nil {
		b.Fatal(err)
	}
	defer hooked.Close()
	overGRPC := func(conn *grpc.ClientConn) func(context.Context) error {
		client := operation.NewOperationServiceClient(conn)
		return func(ctx context.Context) error {
			_, err := client.Get(ctx, request)
			return err
		}
	}
	overConnect := func(client *http.Client) func(context.Context) error {
		c := operationconnect.NewOperationServiceClient(connect.NewClient(connecthttp.NewTransport(client, srv.URL())))
		return func(ctx context.Context) error {
			_, err := c.Get(ctx, request)
			return err
		}
	}
	wired := *srv.Client()
	wired.Transport = hook.New(b, hook.Over(hook.HTTP)).RoundTripper(wired.Transport)
	for _, tt := range []struct {
		name         string
		bare, hooked func(context.Context) error
	}{
		{"gRPC", overGRPC(bare), overGRPC(hooked)},
		{"Connect", overConnect(srv.Client()), overConnect(&wired)},
	} {
		b.Run(tt.name, func(b *testing.B) {
			// Short turns, of which the median counts: the noise of a shared machine comes in
			// bursts.
			const turn = 50
			var without, added, ratio []float64
			micros := func(call func(context.Context) error) float64 {
				began := time.Now()
				for range turn {
					if err := call(b.Context()); err != nil {
						b.Fatal(err)
					}
				}
				return float64(time.Since(began).Nanoseconds()) / turn / 1000
			}
			for b.Loop() {
				bare, hooked := micros(tt.bare), micros(tt.hooked)
				without, added, ratio = append(without, bare), append(added, hooked-bare), append(ratio, hooked/bare)
			}
			b.ReportMetric(median(without), "µs/bare-call")
			b.ReportMetric(median(added), "µs/call-added")
			b.ReportMetric(median(ratio), "x")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}
