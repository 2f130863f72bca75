// Package hook watches a program's own client and holds the server that it talks
// to against the contract of long-running operations, while it talks:
//
//	func TestBake(t *testing.T) {
//		h := hook.New(t)
//		conn, err := grpc.NewClient(address, append(options, h.DialOptions()...)...)
//		…
//	}
//
// [Hook.DialOptions] are for clients of grpc-go, [Hook.RoundTripper] is for
// whatever speaks through net/http: Connect, gRPC-Web, REST, and gRPC by Connect.
// For Connect there is no interceptor, because one would see less: messages after
// they were decoded, and neither frames nor trailers.
//
// The client's calls go their way as they would without. Calls of methods that no
// linked descriptor has, and streams, are not looked at.
package hook

import (
	"io"
	"strings"
	"testing"

	"github.com/optest-dev/optest/conformance"
	"github.com/optest-dev/optest/conformance/internal/exchange"
	"github.com/optest-dev/optest/conformance/internal/observer"
	optestv1 "github.com/optest-dev/optest/proto/gen/optest/v1"
	"github.com/optest-dev/optest/trace"
)

// Hook watches clients. It is safe for concurrent use.
type Hook struct {
	observer *observer.Observer
	callers  *exchange.Callers // of net/http
	conns    connections       // of grpc-go
}

// Option configures a Hook.
type Option interface{ apply(*config) }

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

type config struct {
	observer.Config
	target string
	wire   Wire
}

// With passes on what is known of the server: [conformance.Strong],
// [conformance.Eventual], [conformance.Contract], [conformance.About] and
// [conformance.Rules]. Without, reads may miss what was written less than 5 s
// before.
func With(options ...conformance.Option) Option {
	return optionFunc(func(c *config) { c.Options = append(c.Options, options...) })
}

// Secret names headers, metadata or query parameters whose values are secret,
// besides those that everybody knows. They are taken out when a call is recorded.
func Secret(names ...string) Option {
	return optionFunc(func(c *config) { c.Secrets = append(c.Secrets, names...) })
}

// TraceTo writes every call to out, in the format of package trace. The last ones
// come with [Hook.Report]. It does not close out.
func TraceTo(out io.Writer) Option { return optionFunc(func(c *config) { c.Trace = out }) }

// Found has the function called with every finding as it is made, by the client's
// goroutine, while other calls wait. It must make no calls itself.
func Found(f func(conformance.Found)) Option {
	return optionFunc(func(c *config) { c.Config.Found = f })
}

// Target is the server's address, as reports name it.
func Target(address string) Option { return optionFunc(func(c *config) { c.target = address }) }

// Wire is what the clients that are hooked are made of, which decides what can be
// seen.
type Wire int

const (
	// AnyWire is for clients of either kind: rules that need all headers or the frames
	// do not apply.
	AnyWire Wire = iota
	// HTTP: all clients use [Hook.RoundTripper], which sees every byte.
	HTTP
)

// Over says what the clients are made of. The default is [AnyWire].
func Over(w Wire) Option { return optionFunc(func(c *config) { c.wire = w }) }

// kept is how many calls [Hook.Trace] returns at most.
const kept = 10_000

// New watches for a test. When the test ends, rules that are broken fail it, and
// what is merely odd is in its log.
func New(tb testing.TB, opts ...Option) *Hook {
	tb.Helper()
	h, err := Start(opts...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		tb.Helper()
		report, err := h.Report()
		if err != nil {
			tb.Error(err)
		}
		if text := stories(report, conformance.Warned); text != "" {
			tb.Log(text)
		}
		if text := stories(report, conformance.Failed); text != "" {
			tb.Error(text)
		}
	})
	return h
}

// stories are those of the rules with the verdict.
func stories(r *conformance.Report, v conformance.RuleVerdict) string {
	var list []string
	for i := range r.Rules {
		if r.Rules[i].Verdict == v {
			list = append(list, r.Rules[i].String())
		}
	}
	return strings.Join(list, "\n")
}

// Start watches until [Hook.Report].
func Start(opts ...Option) (*Hook, error) {
	c := &config{Config: observer.Config{Keep: kept}}
	for _, o := range opts {
		o.apply(c)
	}
	header := &optestv1.TraceHeader{
		Observer: optestv1.TraceHeader_CLIENT, Name: "hook", Target: c.target,
		Sees: []optestv1.TraceHeader_Sight{optestv1.TraceHeader_CONTENT, optestv1.TraceHeader_RAW, optestv1.TraceHeader_METADATA},
	}
	if c.wire == HTTP {
		header.Sees = append(header.Sees, optestv1.TraceHeader_HEADERS, optestv1.TraceHeader_FRAMES)
	}
	o, err := observer.New(header, c.Config)
	if err != nil {
		return nil, err
	}
	return &Hook{observer: o, callers: exchange.NewCallers(exchange.Connections)}, nil
}

// Trace is what was seen: of more than 10,000 calls the last, where a gap tells of
// those before. [trace.Trace.WriteFile] makes a file of it for `optest verify`.
func (h *Hook) Trace() *trace.Trace { return h.observer.Seen() }

// Report ends the watch and is what was found. Calls that end later are not looked
// at. To call it again returns the same. The error is that of [TraceTo]'s writer.
func (h *Hook) Report() (*conformance.Report, error) { return h.observer.Report() }
