package judge

import (
	"bytes"
	"math/rand/v2"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/binarylog/grpc_binarylog_v1"

	"github.com/optest-dev/optest/conformance"
	"github.com/optest-dev/optest/conformance/hook"
	"github.com/optest-dev/optest/mockserver"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// Watched is what was seen of clients such as people write.
type Watched struct {
	Target conformance.Target
	// Traces are of one observer each. The first has seen every call.
	Traces []*trace.Trace
	// Reports are those that the observers have made at once.
	Reports []*conformance.Report
}

// starter makes a server, in memory, until the test ends. Options are for the mock
// server.
type starter func(testing.TB, ...mockserver.Option) conformance.Target

// Watch has clients talk to a new server in virtual time, in a bubble of its own. A
// hook watches all of them, another those that use net/http, and the mock server
// keeps a journal.
func Watch(t *testing.T, start starter, seed uint64, with ...conformance.Option) *Watched {
	t.Helper()
	w := &Watched{}
	var journal bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		w.Target = start(t, mockserver.Trace(&journal))
		all, err := hook.Start(hook.With(with...))
		if err != nil {
			t.Fatal(err)
		}
		web, err := hook.Start(hook.With(with...), hook.Over(hook.HTTP))
		if err != nil {
			t.Fatal(err)
		}
		n := newNetwork(w.Target.Dial, seed)
		defer n.Close()
		clients := &traffic{
			target: w.Target, pace: time.Second,
			via: via{dial: n.Dial, grpc: all.DialOptions(), web: func(next http.RoundTripper) http.RoundTripper {
				return web.RoundTripper(all.RoundTripper(next))
			}},
		}
		if err := clients.play(t.Context(), seed); err != nil {
			t.Fatal(err)
		}
		for _, h := range []*hook.Hook{all, web} {
			w.Traces = append(w.Traces, h.Trace())
			r, err := h.Report()
			if err != nil {
				t.Fatal(err)
			}
			w.Reports = append(w.Reports, r)
		}
	})
	if journal.Len() > 0 {
		tr, err := trace.Read(&journal, "journal")
		if err != nil {
			t.Fatal(err)
		}
		w.Traces = append(w.Traces, tr)
	}
	return w
}

// observer names who has seen a trace.
func observer(tr *trace.Trace) string {
	switch {
	case tr.Header.GetObserver() == optestv1.TraceHeader_SERVER:
		return "journal"
	case tr.Header.GetObserver() == optestv1.TraceHeader_PROXY:
		return "proxy"
	case trace.Sees(tr.Header, optestv1.TraceHeader_FRAMES):
		return "hook of HTTP"
	}
	return "hook"
}

// Views are what was seen, what others would have seen of it, by one narrowing each
// and by so many mixtures of them, and what binary logs of gRPC would have.
func (w *Watched) Views(draw *rand.Rand, mixed int) ([]view, error) {
	list := []view{{observer(w.Traces[0]) + ", every writer", everyWriter(w.Traces[0])}}
	for _, tr := range w.Traces {
		name := observer(tr)
		for _, v := range views(tr, draw, mixed) {
			list = append(list, view{name + ", " + v.name, v.trace})
		}
		for _, v := range []view{{"whole", tr}, {"some clients", someClients(tr, draw)}, {"from late on", late(tr, draw)}} {
			logs, err := logged(v.trace)
			if err != nil {
				return nil, err
			}
			for _, one := range logs {
				list = append(list, view{"binary log of " + name + ", " + v.name, one})
			}
		}
	}
	return list, nil
}

// logged is what a binary log of gRPC tells of a trace.
func logged(tr *trace.Trace) ([]*trace.Trace, error) {
	logger := grpc_binarylog_v1.GrpcLogEntry_LOGGER_CLIENT
	if tr.Header.GetObserver() == optestv1.TraceHeader_SERVER {
		logger = grpc_binarylog_v1.GrpcLogEntry_LOGGER_SERVER
	}
	data, err := binaryLog(tr, logger)
	if err != nil {
		return nil, err
	}
	return trace.ReadBinaryLog(bytes.NewReader(data), "log", trace.NewRedactor())
}

// profiles are what a server may be expected to be: one that is strong is no less
// eventual, with whatever window.
func profiles(window time.Duration, draw *rand.Rand) []conformance.Option {
	if window > 0 {
		return []conformance.Option{conformance.Eventual(window)}
	}
	return []conformance.Option{conformance.Strong(), conformance.Eventual(time.Duration(1 + draw.Int64N(int64(10*time.Second))))}
}
