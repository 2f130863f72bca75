package judge

import (
	"context"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"github.com/optest-dev/optest/conformance"
	"github.com/optest-dev/optest/conformance/judge/honest"
	"github.com/optest-dev/optest/conformance/proxy"
	"github.com/optest-dev/optest/trace"
)

// haste is by how much operations are faster for clients that have no virtual time.
const haste = 100

// hasty has what becomes of operations come soon. Clients in a hurry see as many
// states of an operation as others.
func hasty(c *honest.Core) {
	for desktop, f := range c.Fates {
		f.Takes, f.Shows = f.Takes/haste, f.Shows/haste
		c.Fates[desktop] = f
	}
	c.Copying, c.Deleting = c.Copying/haste, c.Deleting/haste
}

// WatchByProxy has clients talk to a server through a proxy, in real time, as it
// listens on a port. It is the only way to the server, and says so.
func WatchByProxy(t *testing.T, target conformance.Target, seed uint64, with ...conformance.Option) *Watched {
	t.Helper()
	draw := rand.New(rand.NewPCG(seed, 2))
	p, err := proxy.Start(base, proxy.Dial(func(ctx context.Context) (net.Conn, error) { return target.Dial(ctx) }), proxy.With(with...), proxy.OnlyDoor())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}()
	n := &network{
		dial:    func(ctx context.Context) (net.Conn, error) { return new(net.Dialer).DialContext(ctx, "tcp", p.Addr()) },
		slowest: time.Duration(draw.IntN(8)) * time.Millisecond, draw: draw,
	}
	if draw.IntN(3) == 0 {
		n.mortal = time.Second
	}
	defer n.Close()
	clients := &traffic{target: target, pace: time.Second / haste, via: via{dial: n.Dial}}
	if err := clients.play(t.Context(), seed); err != nil {
		t.Fatal(err)
	}
	seen := p.Trace()
	r, err := p.Report()
	if err != nil {
		t.Fatal(err)
	}
	return &Watched{Target: target, Traces: []*trace.Trace{seen}, Reports: []*conformance.Report{r}}
}
