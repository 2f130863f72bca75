package wire_test

import (
	"crypto/tls"
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/optest-dev/optest/internal/selfcert"
	"github.com/optest-dev/optest/mockserver/internal/wire"
)

// BenchmarkCoalesce serves one Connect handler behind a bare net/http server and behind a Split, which adds Coalesce where it is of
// use, and calls both in turn from a process of its own. It reports the medians over the rounds: of calls a second of each, and of the
// ratio of the two in the same round. The rounds take turns because the noise of a shared machine comes in seconds. One iteration is
// one round of both; -benchtime 9x makes nine.
func BenchmarkCoalesce(b *testing.B) {
	authority, err := selfcert.New()
	if err != nil {
		b.Fatal(err)
	}
	listen := func(listener net.Listener) string {
		serve(b, newServer(b, atOnce), listener)
		return listener.Addr().String()
	}
	plain := listen(listenTCP(b))
	overTLS := listen(tls.NewListener(listenTCP(b), authority.TLSConfig()))
	split := listen(wire.NewSplit(listenTCP(b), authority.TLSConfig()))
	load := startLoader(b)
	for _, plan := range []loadPlan{
		{Protocol: "grpc", Conns: 1, Callers: 1},
		{Protocol: "grpc", Conns: 1, Callers: 50},
		{Protocol: "grpc", Conns: 4, Callers: 50},
		{Protocol: "grpc+tls", Conns: 1, Callers: 1},
		{Protocol: "grpc+tls", Conns: 4, Callers: 50},
		{Protocol: "connect+http1", Conns: 1, Callers: 1},
		{Protocol: "connect+http1", Conns: 50, Callers: 50},
	} {
		b.Run(fmt.Sprintf("%s/conns=%d/callers=%d", plan.Protocol, plan.Conns, plan.Callers), func(b *testing.B) {
			plan.Duration = 400 * time.Millisecond
			bare := plain
			if plan.Protocol == "grpc+tls" {
				bare = overTLS
			}
			rate := func(address string) float64 {
				plan.Address = address
				result := load.run(b, plan)
				return float64(result.Calls) / result.Elapsed.Seconds()
			}
			var before, after, ratio []float64
			for range b.N {
				x, y := rate(bare), rate(split)
				before, after, ratio = append(before, x), append(after, y), append(ratio, y/x)
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(median(ratio), "x-bare")
			b.ReportMetric(median(before), "bare-calls/s")
			b.ReportMetric(median(after), "calls/s")
		})
	}
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
