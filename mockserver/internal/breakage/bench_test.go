//go:build unix

package breakage_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"google.golang.org/grpc"

	"github.com/optest-dev/optest/mockserver/internal/breakage"
	"github.com/optest-dev/optest/mockserver/internal/wire"
)

// discarded is a connection that takes everything.
type discarded struct{ net.Conn }

func (discarded) Write(p []byte) (int, error) { return len(p), nil }

// BenchmarkWrite is what a Conn adds to the writing of an answer of gRPC, in one piece as the server flushes it.
func BenchmarkWrite(b *testing.B) {
	var answer bytes.Buffer
	f := http2.NewFramer(&answer, nil)
	for _, write := range []func() error{
		func() error {
			return f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: make([]byte, 60), EndHeaders: true})
		},
		func() error { return f.WriteData(1, false, make([]byte, 120)) },
		func() error {
			return f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: make([]byte, 20), EndHeaders: true, EndStream: true})
		},
	} {
		if err := write(); err != nil {
			b.Fatal(err)
		}
	}
	for name, conn := range map[string]net.Conn{"bare": discarded{}, "over": breakage.Over(discarded{})} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := conn.Write(answer.Bytes()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// bare is the stage's server without this package.
func (s *stage) bare() *http.Server {
	var inner http.Handler
	s.wrap = func(next http.Handler) http.Handler {
		inner = next
		return next
	}
	server := s.server()
	server.Handler, server.ConnContext = inner, nil
	return server
}

// BenchmarkIdle serves calls without faults with and without the package, in turns, because the noise of a shared machine comes in
// seconds. What it reports are the medians of the rounds, of the CPU time of a call, client and all. One iteration is one round of
// both; -benchtime 9x makes nine.
func BenchmarkIdle(b *testing.B) {
	certificates, err := authority()
	if err != nil {
		b.Fatal(err)
	}
	trust := &tls.Config{RootCAs: certificates.Pool(), ServerName: "localhost"}
	for name, listen := range map[string]func(s *stage, server *http.Server, layers ...wire.Layer) network{
		"memory": func(s *stage, server *http.Server, layers ...wire.Layer) network {
			pipe := wire.NewPipe()
			if len(layers) == 0 {
				serve(b, server, pipe)
			} else {
				serve(b, server, breakage.Listen(pipe))
			}
			return network{dial: pipe.Dial}
		},
		"plaintext": func(s *stage, server *http.Server, layers ...wire.Layer) network {
			split := wire.NewSplit(listenTCP(b), nil, layers...)
			serve(b, server, split)
			return network{dial: dialTo(split.Addr().String())}
		},
		"TLS": func(s *stage, server *http.Server, layers ...wire.Layer) network {
			split := wire.NewSplit(listenTCP(b), certificates.TLSConfig(), layers...)
			serve(b, server, split)
			return network{dial: dialTo(split.Addr().String()), trust: trust}
		},
	} {
		for _, callers := range []int{1, 50} {
			b.Run(fmt.Sprintf("%s/callers=%d", name, callers), func(b *testing.B) {
				var clients [2][]*grpc.ClientConn
				without, with := newStage(b), newStage(b)
				for range 4 {
					clients[0] = append(clients[0], listen(without, without.bare()).grpcClient(b))
					clients[1] = append(clients[1], listen(with, with.server(), breakage.Over).grpcClient(b))
				}
				round(b, clients[0], callers) // connects
				round(b, clients[1], callers)
				var before, after, ratios []float64
				for i := range b.N {
					var cost [2]float64
					for _, which := range [2]int{i % 2, 1 - i%2} {
						cost[which] = round(b, clients[which], callers)
					}
					before, after, ratios = append(before, cost[0]), append(after, cost[1]), append(ratios, cost[1]/cost[0])
				}
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(median(ratios), "x-bare")
				b.ReportMetric(median(before), "bare-cpu-µs/call")
				b.ReportMetric(median(after), "cpu-µs/call")
			})
		}
	}
}

// BenchmarkAllocations counts those of a call in memory, client and all.
func BenchmarkAllocations(b *testing.B) {
	for name, layered := range map[string]bool{"bare": false, "over": true} {
		b.Run(name, func(b *testing.B) {
			s, pipe := newStage(b), wire.NewPipe()
			if layered {
				serve(b, s.server(), breakage.Listen(pipe))
			} else {
				serve(b, s.bare(), pipe)
			}
			client := network{dial: pipe.Dial}.grpcClient(b)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := getByGRPC(b.Context(), client, "y"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// round returns the microseconds of CPU time that a call takes.
func round(b *testing.B, clients []*grpc.ClientConn, callers int) float64 {
	b.Helper()
	const calls = 3000
	var work sync.WaitGroup
	began := cpuTime(b)
	for i := range callers {
		work.Go(func() {
			for range calls / callers {
				if _, err := getByGRPC(b.Context(), clients[i%len(clients)], "y"); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	work.Wait()
	return float64((cpuTime(b) - began).Microseconds()) / calls
}

func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
